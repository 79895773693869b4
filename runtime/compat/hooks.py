"""Hooks into Python's import system: supply a module that is gone, mend one as it is imported.

Hooks instead of eager imports keep `import runtime` cheap and make the order of imports
irrelevant: what is already imported is mended at once.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Callable
from types import ModuleType

_supplied: dict[str, Callable[[ModuleType], None]] = {}
_replaced: dict[str, Callable[[ModuleType], None]] = {}
_before: dict[str, list[Callable[[], None]]] = defaultdict(list)
_after: dict[str, list[Callable[[ModuleType], None]]] = defaultdict(list)


def supply(name: str, fill: Callable[[ModuleType], None]) -> None:
    """Let ``import name`` work where no installed package defines `name`.

    Parameters
    ----------
    name : str
        Full dotted name. Its parent package, if any, must exist or be supplied as well.
    fill : callable
        Called once with the new, empty module, to put its names in.
    """
    _supplied[name] = fill


def replace(name: str, fill: Callable[[ModuleType], None]) -> None:
    """Like `supply`, for a module that is installed but cannot be imported any more."""
    _replaced[name] = fill


def before_import(name: str, function: Callable[[], None]) -> None:
    """Call `function` before module `name` is first executed, unless it already was."""
    _before[name].append(function)


def after_import(name: str, patch: Callable[[ModuleType], None]) -> None:
    """Call ``patch(module)`` after module `name` was executed; at once if it already was."""
    if name in sys.modules:
        patch(sys.modules[name])
    else:
        _after[name].append(patch)


class _FillingLoader(importlib.abc.Loader):
    def __init__(self, fill: Callable[[ModuleType], None]) -> None:
        self.fill = fill

    def exec_module(self, module: ModuleType) -> None:
        self.fill(module)


def _filled(name: str, fill: Callable[[ModuleType], None]) -> importlib.machinery.ModuleSpec:
    # Every supplied module may have submodules that are supplied as well: call it a package.
    return importlib.util.spec_from_loader(
        name, _FillingLoader(fill), origin="supplied by net2's runtime", is_package=True
    )


class _First(importlib.abc.MetaPathFinder):
    """Sits before Python's own finders."""

    def find_spec(self, name, path=None, target=None):
        if name in _replaced:
            return _filled(name, _replaced[name])
        if name not in _before and name not in _after:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            for function in _before.pop(name, ()):
                function()
            execute(module)
            for patch in _after.pop(name, ()):
                patch(module)

        # On the instance: the loader keeps its type, so that inspect, pkgutil and
        # importlib.resources find sources and data files as ever.
        spec.loader.exec_module = exec_module
        return spec


class _Last(importlib.abc.MetaPathFinder):
    """Sits behind Python's own finders: an installed module always wins."""

    def find_spec(self, name, path=None, target=None):
        return _filled(name, _supplied[name]) if name in _supplied else None


def install() -> None:
    """Put both finders into ``sys.meta_path``, once."""
    if not any(isinstance(finder, _First) for finder in sys.meta_path):
        sys.meta_path.insert(0, _First())
        sys.meta_path.append(_Last())
