"""What is Theano's own code, or this project's, as its authors wrote it.

A class is theirs if it is found in its module by its name, and if each of its functions, and of
those that it inherits, was compiled from a file of theirs. So is a function. A method that the
user replaced was compiled from his file, or from his notebook.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import theano

import theano_today


def _folder(module: ModuleType) -> str:
    return str(Path(module.__file__ or "").parent) + os.sep


ROOTS = (_folder(theano), _folder(theano_today))
_NUMPY = _folder(np)
_NAMES = ("theano.", "theano_today.")
# Modules that graphs and optimisations are made of
_OPTIMISING = (
    "theano.",
    "theano_today.engine.",
    "theano_today.torch_link.",
    "theano_today.compat.theano.",
)
# Python's own modules, and packages whose functions Theano's modules import
_OTHERS = (sysconfig.get_path("stdlib") + os.sep, _NUMPY, "<frozen ")
_BUILT_IN = (object, dict, list, type)
_SITE = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)
_of_files: dict[str, tuple[bool, bool]] = {}


def _kinds(file: str) -> tuple[bool, bool]:
    """Say whether a file is ours, and whether it is one that our modules may import from."""
    found = _of_files.get(file)
    if found is None:
        if len(_of_files) > 10_000:  # cells of notebooks
            _of_files.clear()
        mine = file.startswith(ROOTS)
        other = file.startswith(_OTHERS)
        if other and not file.startswith(_NUMPY):
            other = not any(part in file for part in _SITE)
        found = _of_files[file] = mine, mine or other or file.endswith(os.sep + "six.py")
    return found


def is_our_code(f: FunctionType) -> bool:
    return _kinds(f.__code__.co_filename)[0]


def found(module: str, name: str) -> Any:
    """Return what is called so in a module that is imported; None if there is nothing."""
    x: Any = sys.modules.get(module)
    for part in name.split("."):
        x = getattr(x, part, None)
    return x


class Code:
    """Looks at each class once. To be made anew for each graph: a user may replace any method."""

    def __init__(self) -> None:
        self._classes: dict[type, bool] = {}
        self.why = ""

    def is_ours(self, cls: type) -> bool:
        """Say whether a class is Theano's or ours; `why` says what is not."""
        known = self._classes.get(cls)
        if known is None:
            known = self._classes[cls] = self._look(cls)
        return known

    def is_our_function(self, f: Any) -> bool:
        if isinstance(f, FunctionType):
            return f.__module__.startswith(_NAMES) and is_our_code(f)
        return f.__module__ in (None, "builtins", "numpy", "_operator", "math") or isinstance(
            f, np.ufunc
        )

    def _look(self, cls: type) -> bool:
        self.why = "not a class of Theano's"
        if not cls.__module__.startswith(_NAMES):
            return False
        if found(cls.__module__, cls.__qualname__) is not cls:
            self.why = "not in its module"
            return False
        return all(self._is_base(base) for base in cls.__mro__)

    def _is_base(self, base: type) -> bool:
        if base in _BUILT_IN or base.__module__ in ("collections", "collections.abc", "abc"):
            return True
        if not base.__module__.startswith(_NAMES):
            self.why = f"derived from {base.__module__}.{base.__qualname__}"
            return False
        for name, value in vars(base).items():
            if not _is_method(name, value, base):
                self.why = f"its {name} is replaced"
                return False
        return True


def _is_method(name: str, value: Any, cls: type) -> bool:
    """Say whether what a class of ours has may be its own."""
    if isinstance(value, staticmethod | classmethod | MethodType):
        value = value.__func__
    if isinstance(value, FunctionType):
        if _kinds(value.__code__.co_filename)[1]:
            return True
        # What dataclasses and named tuples write themselves has no file.
        written = not {"__dataclass_fields__", "_fields"}.isdisjoint(vars(cls))
        return written and name.startswith("__")
    if isinstance(value, property):
        parts = (value.fget, value.fset, value.fdel)
        return all(_is_method(name, f, cls) for f in parts if f is not None)
    if isinstance(value, type) or not callable(value):
        return True
    return type(value).__module__.startswith(
        ("builtins", "functools", "_functools", "numpy", *_NAMES)
    )


def _is_imported(f: FunctionType, key: str, module: str) -> bool:
    """Say whether a module of Theano's imports this function, of six or of SymPy."""
    if module == "theano.scalar.basic_sympy" and f.__module__.startswith("sympy."):
        return found(f.__module__, key) is f
    return found("six", key) is f  # some of six's have no file


def replaced() -> str | None:
    """Return the name of a function of a module of Theano's or ours that is somebody else's.

    One that the user put there in the place of its own, or of a class; None if there is none.
    What such a module imports from Python, NumPy, six or SymPy is no such function.
    """
    for name, module in list(sys.modules.items()):
        if not (name.startswith(_OPTIMISING) or name == "theano") or ".tests" in name:
            continue
        if not isinstance(module, ModuleType):
            continue
        if not (getattr(module, "__file__", None) or "").startswith(ROOTS):
            continue
        for key, value in list(vars(module).items()):
            if type(value) is FunctionType:
                known = _kinds(value.__code__.co_filename)[1]
                if not known and not _is_imported(value, key, name):
                    return f"{name}.{key}"
            elif isinstance(value, type) and value.__module__ == name:
                for attribute, method in list(vars(value).items()):
                    if not _is_method(attribute, method, value):
                        return f"{name}.{key}.{attribute}"
    return None
