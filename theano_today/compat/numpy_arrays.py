"""Arrays that NumPy refuses to make since 1.24 and 2.x, and made for programs of the time.

- ``np.array([[1, 2], [3]])``, rows of different lengths: an array of lists (a ValueError since
  1.24); sentences as lists of words came so to every recurrent net.
- ``np.array(x, copy=False)``: a copy where one is needed (a ValueError since 2.0).
- ``np.array([-1, 300], "uint8")``: wrapped around (an OverflowError since 2.0). Each number for
  itself: ``np.array([-1, 2**63])`` of no given type is float64, and exact no more.
- ``np.fromstring(data, "uint8")``: the bytes as they are (a ValueError since 2.3).
- ``np.frombuffer(text)``, where a program of Python 2 has text for bytes (a TypeError in Python 3).
- ``np.sum(x for x in rows)``: Python's sum (a TypeError since 2.4).
- ``np.histogram(x, normed=True)``: density (a TypeError since 1.24).

As with sizes (whole_floats.py), the names are wrapped once Theano is imported, and a call that
NumPy takes is NumPy's own; so is what today's packages call.
"""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from types import GeneratorType, ModuleType
from typing import Any

import numpy as np

from theano_today import hooks
from theano_today.compat.theano.promotion import wrapped
from theano_today.compat.whole_floats import ORIGINAL, is_of_today


def install() -> None:
    hooks.after_import("theano", _wrap_for_theano)


def _wrap_for_theano(theano: ModuleType) -> None:
    wrap()


def wrap() -> None:
    """Let NumPy's functions take what they took, if numba is not there."""
    if "numba" in sys.modules:
        return  # whole_floats gives the names back when it comes
    for name, make in _WRAPPED.items():
        function = getattr(np, name)
        function = getattr(function, ORIGINAL, function)
        made = functools.wraps(function)(make(function))
        setattr(made, ORIGINAL, function)
        setattr(np, name, made)


def wrap_load(owns: Callable[[Path], bool], python2: bool) -> None:
    """Let np.load unpickle where the files that `owns` is true of call it, as it did until 1.16.3.

    A pickle runs code: a program of the time trusts its files. For Python 2's, strings in them are
    read as Latin-1.
    """
    function = getattr(np.load, ORIGINAL, np.load)

    @functools.wraps(function)
    def load(*arguments, **options):
        if len(arguments) < 3 and owns(Path(sys._getframe(1).f_code.co_filename)):
            options.setdefault("allow_pickle", True)
            if python2:
                options.setdefault("encoding", "latin1")
        return function(*arguments, **options)

    setattr(load, ORIGINAL, function)
    np.load = load


def _making(function: Callable) -> Callable:
    def array(*arguments, **options):
        try:
            return function(*arguments, **options)
        except (ValueError, OverflowError) as error:
            again = None if is_of_today(sys._getframe(1)) else _again(error, arguments, options)
            if again is None:
                raise
        return again(function)

    return array


def _again(error: Exception, arguments: tuple, options: dict) -> Callable | None:
    """Return what makes the array of the time, or None if there was none."""
    text = str(error)
    dtype = options.get("dtype", arguments[1] if len(arguments) > 1 else None)
    others = {name: value for name, value in options.items() if name != "dtype"}
    first, more = arguments[:1], arguments[2:]
    if "avoid copy" in text and options.get("copy") is False:
        return lambda function: function(*arguments, **(options | {"copy": None}))
    if "inhomogeneous shape" in text and dtype is None:
        return lambda function: function(*first, object, *more, **others)
    if "out of bounds for" in text and dtype is not None and np.dtype(dtype).kind in "iu":
        exact = wrapped(arguments[0], dtype, beyond_long=False)
        return lambda function: function(exact, dtype, *more, **others)
    return None


def _reading(function: Callable) -> Callable:
    def fromstring(string, dtype=float, count=-1, *, sep="", **options):
        if sep != "" or is_of_today(sys._getframe(1)):
            return function(string, dtype, count, sep=sep, **options)
        data = string.encode("latin-1") if isinstance(string, str) else string
        return np.frombuffer(data, dtype, count).copy()

    return fromstring


def _viewing(function: Callable) -> Callable:
    def frombuffer(buffer, *arguments, **options):
        if type(buffer) is str and not is_of_today(sys._getframe(1)):
            buffer = buffer.encode("latin-1")
        return function(buffer, *arguments, **options)

    return frombuffer


def _adding(function: Callable) -> Callable:
    def sum(*arguments, **options):
        if arguments and type(arguments[0]) is GeneratorType and not is_of_today(sys._getframe(1)):
            return builtins.sum(arguments[0])
        return function(*arguments, **options)

    return sum


def _counting(function: Callable) -> Callable:
    def histogram(*arguments, **options):
        if "normed" in options and not is_of_today(sys._getframe(1)):
            normed: Any = options.pop("normed")
            options["density"] = options.get("density") or bool(normed)
        return function(*arguments, **options)

    return histogram


_WRAPPED: dict[str, Callable] = {
    "array": _making,
    "asarray": _making,
    "asanyarray": _making,
    "fromstring": _reading,
    "frombuffer": _viewing,
    "sum": _adding,
    "histogram": _counting,
}
