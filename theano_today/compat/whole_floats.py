"""Whole floats as sizes, and generators of arrays: NumPy's habits until 1.12 and 1.16.

``bs / 2`` is a float in Python 3, and NumPy took 64.0 for 64 with a DeprecationWarning until 1.12
made it a TypeError: ``np.random.choice(bs, bs / 2)`` stands in the tutorial. ``np.vstack(a for a in
rows)`` warned from 1.16 on, and is a TypeError since 1.24.

A whole float that stands where a size does, which NumPy refuses, becomes an int, unless the caller
is one of today's packages. All other calls go through as they are, and cost about a microsecond
more. np.zeros, np.empty and the
functions of np.random that have a size are written in C: these names are wrapped, once Theano is
imported, which no program of today does. They are NumPy's own again once numba is imported, which
compiles calls by the function they name. All other functions stay the objects they are: private
names that they use are changed, whoever calls.
"""

from __future__ import annotations

import functools
import gc
import inspect
import operator
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from theano_today import hooks

# Their own calls raise what they always raised.
_TODAY = {"joblib", "matplotlib", "numba", "numpy", "pandas", "pytest", "scipy", "sklearn", "torch"}
_BUILT_IN = ("zeros", "empty")


def install() -> None:
    hooks.after_import("theano", _wrap)
    hooks.before_import("numba", _unwrap)
    # ones and full call empty, eye calls zeros; linspace, logspace, histogram operator.index.
    _change("numpy._core.numeric", empty=_of_shape(np.empty, True))
    index = SimpleNamespace(**vars(operator) | {"index": _index})
    _change("numpy.lib._twodim_base_impl", zeros=_of_shape(np.zeros, True), operator=index)
    _change("numpy._core.function_base", operator=index)
    _change("numpy.lib._histograms_impl", operator=index)
    _change("numpy._core.fromnumeric", _wrapfunc=_reshaping())
    # vstack, hstack, stack; dstack, column_stack
    for module in ("numpy._core.shape_base", "numpy.lib._shape_base_impl"):
        _change(module, _arrays_for_stack_dispatcher=_arrays_to_stack)


def _change(module: str, **names: object) -> None:
    """Set private names of NumPy, where the installed one has them."""
    found = sys.modules.get(module)
    for name, value in names.items():
        if found is not None and name in vars(found):
            setattr(found, name, value)


def _wrap(theano: ModuleType) -> None:
    if "numba" in sys.modules:
        return
    for name in _BUILT_IN:
        setattr(np, name, _of_shape(getattr(np, name)))
    for name, function in list(vars(np.random).items()):
        function = getattr(function, _ORIGINAL, function)
        if isinstance(getattr(function, "__self__", None), np.random.RandomState):
            setattr(np.random, name, _of_size(function))


def _unwrap() -> None:
    for module in (np, np.random):
        for name, function in list(vars(module).items()):
            if (original := getattr(function, _ORIGINAL, None)) is not None:
                setattr(module, name, original)


_ORIGINAL = "__theano_today_original__"


def _is_whole(value: object) -> bool:
    return isinstance(value, (float, np.floating)) and float(value).is_integer()


def _whole(size: Any) -> Any:
    """Return `size` with whole floats as ints: a number, or a tuple or list of them."""
    if isinstance(size, (tuple, list)):
        return tuple(int(n) if _is_whole(n) else n for n in size)
    return int(size) if _is_whole(size) else size


def _has_whole(size: object) -> bool:
    return any(map(_is_whole, size)) if isinstance(size, (tuple, list)) else _is_whole(size)


def _is_of_today(frame) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in _TODAY


def _index(value: Any) -> int:
    return int(value) if _is_whole(value) else operator.index(value)


def _tolerant(
    function: Callable, keyword: str, position: int | None, within_numpy: bool = False
) -> Callable:
    """Return `function`, tolerant of whole floats in one argument; in all if position is None."""

    def converted(arguments, options):
        places = range(len(arguments)) if position is None else [position]
        places = [i for i in places if i < len(arguments) and _has_whole(arguments[i])]
        named = keyword in options and _has_whole(options[keyword])
        if not (places or named) or (not within_numpy and _is_of_today(sys._getframe(2))):
            return None
        changed = [_whole(a) if i in places else a for i, a in enumerate(arguments)]
        return changed, options | ({keyword: _whole(options[keyword])} if named else {})

    @functools.wraps(function)
    def tolerant(*arguments, **options):
        # Asked before the call: choice(replace=False) shuffles first, and then refuses the size.
        changed = converted(arguments, options)
        if changed is not None:
            arguments, options = changed
        return function(*arguments, **options)

    setattr(tolerant, _ORIGINAL, function)
    return tolerant


def _of_shape(function: Callable, within_numpy: bool = False) -> Callable:
    original = getattr(function, _ORIGINAL, function)
    return _tolerant(original, "shape", 0, within_numpy)


def _of_size(function: Callable) -> Callable:
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return function
    if names == ["args"]:  # rand, randn
        wrapped = _tolerant(function, "size", None)
    elif "size" in names:
        wrapped = _tolerant(function, "size", names.index("size"))
    else:
        return function
    # What a bound method has besides: the global RandomState, and a pickle by its name here.
    wrapped.__self__ = function.__self__  # type: ignore[attr-defined]
    wrapped.__module__, wrapped.__qualname__ = "numpy.random", function.__name__
    return wrapped


def _reshaping() -> Callable | None:
    """Return fromnumeric's _wrapfunc, by which np.reshape calls the array's own method."""
    call = getattr(sys.modules.get("numpy._core.fromnumeric"), "_wrapfunc", None)
    if call is None or hasattr(call, _ORIGINAL):
        return call

    @functools.wraps(call)
    def wrapfunc(array, method, *arguments, **options):
        if method == "reshape" and arguments and _has_whole(arguments[0]):
            arguments = (_whole(arguments[0]), *arguments[1:])
        return call(array, method, *arguments, **options)

    setattr(wrapfunc, _ORIGINAL, call)
    return wrapfunc


def _arrays_to_stack(arrays: Any) -> tuple:
    # A generator can be read once, and that is the function's to do.
    return tuple(arrays) if hasattr(arrays, "__getitem__") else ()


def add_to_ndarray(name: str, function: Callable) -> None:
    """Give np.ndarray a method that it does not have any more; else leave it as it is.

    A type of C has no setattr. Its dictionary can be reached in CPython, and nothing is replaced
    in it.
    """
    if hasattr(np.ndarray, name):
        return
    found: list[Any] = gc.get_referents(vars(np.ndarray))
    if len(found) == 1 and isinstance(found[0], dict):
        import ctypes

        found[0][name] = function
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(np.ndarray))
