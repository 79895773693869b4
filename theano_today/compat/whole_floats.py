"""Floats as sizes, and generators of arrays: NumPy's habits until 1.12 and 1.16.

``bs / 2`` is a float in Python 3, and NumPy took 64.0 and 64.5 for 64 with a DeprecationWarning
until 1.12 made it a TypeError: ``np.random.choice(bs, bs / 2)`` stands in the tutorial.
``np.vstack(a for a in rows)`` warned from 1.16 on, and is a TypeError since 1.24.

A finite float that stands where a size does, which NumPy refuses, is cut off to an int as it was
then, unless the caller is one of today's packages. All other calls go through as they are, and
cost about a microsecond more. np.zeros, np.empty, np.tile and the functions of np.random that have
a size are wrapped under their names, once Theano is imported, which no program of today does. They
are NumPy's own again once numba is imported, which compiles calls by the function they name. All
other functions stay the objects they are: private names that they use are changed, whoever calls.
"""

from __future__ import annotations

import functools
import gc
import inspect
import math
import operator
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from theano_today import hooks

# Their own calls raise what they always raised.
_TODAY = {"joblib", "matplotlib", "numba", "numpy", "pandas", "pytest", "scipy", "sklearn", "torch"}
# Where the size or the position is among the arguments.
_NAMED = {
    "zeros": ("shape", 0),
    "empty": ("shape", 0),
    "tile": ("reps", 1),
    "resize": ("new_shape", 1),
    "indices": ("dimensions", 0),
    "delete": ("obj", 1),
    "insert": ("obj", 1),
}


def install() -> None:
    hooks.after_import("theano", _wrap_for_theano)
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


def _wrap_for_theano(theano: ModuleType) -> None:
    wrap()


def wrap() -> None:
    """Let NumPy's functions take floats as sizes, if numba is not there."""
    if "numba" in sys.modules:
        return
    for name, (keyword, position) in _NAMED.items():
        function = getattr(np, name)
        setattr(np, name, _tolerant(getattr(function, ORIGINAL, function), keyword, position))
    for name, function in list(vars(np.random).items()):
        function = getattr(function, ORIGINAL, function)
        if isinstance(getattr(function, "__self__", None), np.random.RandomState):
            setattr(np.random, name, _of_size(function))
    # The only one that makes its array by C's np.empty, without replacement.
    choice = vars(np.random.RandomState)["choice"]
    _put(np.random.RandomState, "choice", _tolerant(getattr(choice, ORIGINAL, choice), "size", 2))


def _unwrap() -> None:
    choice = vars(np.random.RandomState)["choice"]
    if hasattr(choice, ORIGINAL):
        _put(np.random.RandomState, "choice", getattr(choice, ORIGINAL))
    for module in (np, np.random):
        for name, function in list(vars(module).items()):
            if (original := getattr(function, ORIGINAL, None)) is not None:
                setattr(module, name, original)


# In a wrapped function: NumPy's own.
ORIGINAL = "__theano_today_original__"


def is_number(value: object) -> bool:
    """Tell whether a value is a float that NumPy took for a whole number."""
    return isinstance(value, (float, np.floating)) and math.isfinite(value)


def _whole(size: Any) -> Any:
    """Return `size` with floats as ints: a number, or a tuple or list of them."""
    if isinstance(size, (tuple, list)):
        return tuple(int(n) if is_number(n) else n for n in size)
    return int(size) if is_number(size) else size


def _has_float(size: object) -> bool:
    return any(map(is_number, size)) if isinstance(size, (tuple, list)) else is_number(size)


def is_of_today(frame) -> bool:
    """Tell whether it is one of today's packages that calls."""
    return frame.f_globals.get("__name__", "").partition(".")[0] in _TODAY


def _index(value: Any) -> int:
    return int(value) if is_number(value) else operator.index(value)


def _tolerant(
    function: Callable, keyword: str, position: int | None, within_numpy: bool = False
) -> Callable:
    """Return `function`, tolerant of floats in one argument; in all if position is None."""

    def converted(arguments, options):
        if not within_numpy and is_of_today(sys._getframe(2)):
            return arguments, options
        places = range(len(arguments)) if position is None else [position]
        changed = [_whole(a) if i in places else a for i, a in enumerate(arguments)]
        if keyword in options:
            options[keyword] = _whole(options[keyword])
        return changed, options

    @functools.wraps(function)
    def tolerant(*arguments, **options):
        # Asked before the call: choice(replace=False) shuffles first, and then refuses the size.
        if position is None:
            sizes: Any = arguments
        elif len(arguments) > position:
            sizes = arguments[position]
        else:
            sizes = options.get(keyword)
        if type(sizes) is not int and sizes is not None and _has_float(sizes):
            arguments, options = converted(arguments, options)
        return function(*arguments, **options)

    setattr(tolerant, ORIGINAL, function)
    return tolerant


def _of_shape(function: Callable, within_numpy: bool = False) -> Callable:
    original = getattr(function, ORIGINAL, function)
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
    if call is None or hasattr(call, ORIGINAL):
        return call

    @functools.wraps(call)
    def wrapfunc(array, method, *arguments, **options):
        if method == "reshape" and arguments and _has_float(arguments[0]):
            arguments = (_whole(arguments[0]), *arguments[1:])
        return call(array, method, *arguments, **options)

    setattr(wrapfunc, ORIGINAL, call)
    return wrapfunc


def _arrays_to_stack(arrays: Any) -> tuple:
    # A generator can be read once, and that is the function's to do.
    return tuple(arrays) if hasattr(arrays, "__getitem__") else ()


def add_to_ndarray(name: str, function: Callable) -> None:
    """Give np.ndarray a method that it does not have any more; else leave it as it is."""
    if not hasattr(np.ndarray, name):
        _put(np.ndarray, name, function)


def _put(owner: type, name: str, function: Callable) -> None:
    """Do ``owner.name = function`` for a type of C, which has no setattr.

    Its dictionary can be reached in CPython.
    """
    found: list[Any] = gc.get_referents(vars(owner))
    if len(found) == 1 and isinstance(found[0], dict):
        import ctypes

        found[0][name] = function
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))
