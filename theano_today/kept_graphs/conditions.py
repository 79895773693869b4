"""What the outcome of an optimisation depends on besides the graph.

- every option of Theano's
- the optimisations, as Theano's database gives them: classes, names, options, functions
- the versions of Python and NumPy, and each file of Theano and of this project
- what the kernels of this machine are
- numbers and names in modules of ours, which a program (or a test) may set
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import sys
from collections import defaultdict
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import theano
from theano.compile import mode as modes
from theano.configparser import _config_var_list
from theano.gof.op import PureOp

from theano_today.kept_graphs import STARTED, encoding, ours

# Files that are no part of what is run
_NOT_RUN = frozenset({"tests", "__pycache__", "d3viz"})
_PLAIN = (bool, int, float, str, bytes, tuple, frozenset, type(None))
# Modules whose numbers are not counters, and are read by optimisations
_MODULES = ("theano_today.engine.", "theano_today.torch_link.", "theano_today.compat.theano.")
# Of an optimisation: a number that counts, a text that lists a set in any order, and what is noted
# and never read
_NOT_OPTIONS = frozenset({"_optimizer_idx", "__doc__", "warned"})
_ADDRESS = re.compile(r"(?<='>)_\d+$")
_files: Any = None


def files() -> tuple | None:
    """Return the names, sizes and times of all files of Theano and of this project.

    None if one of them was changed since this process began, which may have read it before.
    """
    global _files
    if _files is None:
        found: list[tuple] = []
        for root in ours.ROOTS:
            _list(root, found)
        latest = max((times for *_, times in found), default=0)
        _files = (tuple(sorted(found)),) if latest < STARTED else ()
    return _files or None


def _list(folder: str, found: list[tuple]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name not in _NOT_RUN:
                    _list(entry.path, found)
            elif entry.name.endswith((".py", ".c", ".h", ".cpp", ".hpp")):
                status = entry.stat()
                # When it was put in its place counts as well: an archive keeps the time of writing.
                times = max(status.st_mtime_ns, status.st_ctime_ns)
                found.append((entry.path, status.st_size, status.st_mtime_ns, times))


def options() -> tuple:
    """Return the names and values of all options."""
    config: Any = theano.config
    values = []
    for option in _config_var_list:
        try:
            value = option.__get__(config, type(config))
        except (ValueError, RuntimeError) as error:  # not set, and without a default
            value = f"{type(error).__name__}: {error}"
        values.append((option.fullname, repr(value)))
    return tuple(values)


def surroundings() -> tuple:
    """Return versions, and the machine."""
    from theano_today.engine import library
    from theano_today.engine.dispatch import is_on

    kernels = library.kernels() is not None if is_on() else None
    return (
        sys.version,
        sys.flags.optimize,
        np.__version__,
        platform.machine(),
        _scipy(),
        kernels,
        library.lanes() if kernels else 0,
        os.environ.get("OMP_NUM_THREADS", ""),
    )


def _scipy() -> tuple | None:
    """Return where SciPy is, some of whose functions Theano folds constants by."""
    found = importlib.util.find_spec("scipy")
    if found is None or found.origin is None:
        return None
    status = Path(found.origin).stat()
    return found.origin, status.st_size, status.st_mtime_ns


def settings() -> tuple:
    """Return numbers and names that modules of ours have."""
    found = []
    for name, module in sorted(sys.modules.items()):
        if name.startswith(_MODULES) and isinstance(module, ModuleType):
            for key, value in sorted(vars(module).items()):
                if type(value) in _PLAIN and not key.startswith("__"):
                    if type(value) is frozenset:
                        found.append((name, key, *sorted(map(repr, value))))
                    else:
                        found.append((name, key, repr(value)))
    return tuple(found)


class OptimizerEncoder(encoding.Encoder):
    """Encodes optimisations: functions among functions, and what they refer to, besides.

    What it says is compared only: nobody decodes it.
    """

    def _instance_record(self, x: Any) -> tuple:
        cls = type(x)
        # What refers to itself: by its place, which it gets before what it holds is looked at.
        place = self._add(x, ())
        name = self._class(cls)
        if isinstance(x, PureOp):
            values = self._state(x, cls)
        else:
            state = getattr(x, "__dict__", {})
            names = sorted(state.keys() - _NOT_OPTIONS)
            values = tuple((k, self.plain(_without_address(state[k]))) for k in names)
        self.records[place] = name, values, self._items(x)
        return encoding.OBJECT, place

    def instance(self, x: Any) -> int:
        place = self._known.get(id(x))
        if place is None:
            place = self._instance_record(x)[1]
        return place

    def _function(self, f: Any) -> tuple:
        if not isinstance(f, FunctionType):
            return super()._function(f)
        if not self.code.is_our_function(f):
            raise encoding.UnsupportedError(f"the function {f.__module__}.{f.__qualname__}")
        place = self._known.get(id(f))
        if place is not None:
            return encoding.OBJECT, place
        place = self._add(f, ())
        cells = tuple(self._cell(cell) for cell in f.__closure__ or ())
        self.records[place] = (
            encoding.FUNCTION,
            f.__module__,
            f.__qualname__,
            f.__code__.co_firstlineno,
            cells,
            tuple(map(self.plain, f.__defaults__ or ())),
        )
        return encoding.OBJECT, place

    def _cell(self, cell: Any) -> Any:
        try:
            return self.plain(cell.cell_contents)
        except ValueError:  # empty
            return None

    def _other(self, x: Any, cls: type) -> tuple:
        if cls is MethodType:
            return encoding.FUNCTION, self.plain(x.__func__), self.plain(x.__self__)
        if cls is defaultdict:
            # Looking something up that is not there has left an empty list.
            items = (self.plain(i) for item in x.items() if item[1] != [] for i in item)
            return encoding.DICT, self.plain(x.default_factory), *items
        if isinstance(x, ModuleType):
            return encoding.CLASS, x.__name__
        return super()._other(x, cls)


def _without_address(x: Any) -> Any:
    """Return an option; of a name that OptDB has made of a class and an address, the class."""
    return _ADDRESS.sub("", x) if type(x) is str else x


def of_optimizer(optimizer: Any, linker: Any, code: ours.Code) -> tuple:
    """Return what tells an optimizer from others, and how a graph's nodes are to be run.

    Raises
    ------
    encoding.UnsupportedError
        If it is not Theano's own, or has something in it that is not.
    """
    encoder = OptimizerEncoder(code)
    default: Any = modes.get_default_mode()  # of the inner graphs of Ops
    whole = (
        encoder.plain(optimizer),
        encoder.plain(type(linker)),
        encoder.plain(type(default)),
        encoder.plain(type(default.linker)),
        encoder.plain(default.provided_optimizer),
    )
    return whole, tuple(encoder.records), tuple(encoder.array_records), tuple(encoder.texts)
