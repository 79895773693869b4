"""Functions that a program calls by name, and that answer otherwise today.

- Those of two operands, where, clip, sum and pow: scalars count as they did (promotion.py).
- sum: since Python 3.12 it corrects what floats lose, which no sum did.
- np.fft's: since NumPy 2.0 float32 is transformed in float32, and was in float64.
- unique: since NumPy 1.21 NaNs are equal, and since 2.0 the inverse has the array's shape.
- linalg.lstsq: since NumPy 2.0 singular values are left out that are nearly zero by default.
- argsort and argpartition: since NumPy 1.25 they leave equal elements in another order, which
  depends on the processor (compat/theano/sorting.py). Programs sort sentences by length.

`rewriting.py` puts ``_then_called(np.maximum)(a, b)`` for ``np.maximum(a, b)``.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from theano_today.compat.theano import sorting
from theano_today.habits import promotion

_TRANSFORMS = (
    "fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "fftn", "ifftn",
    "rfft2", "irfft2", "rfftn", "irfftn",
)  # fmt: skip
_METHODS = frozenset(["argsort", "argpartition"])
# What `called` knows, by the names that programs call it by: with one argument or more,
OF_ONE = _METHODS | {"sum", "unique", *_TRANSFORMS}
# and with none, two or more.
OF_OTHERS = (
    OF_ONE
    | frozenset(name for name, f in vars(np).items() if isinstance(f, np.ufunc) and f.nin == 2)
    | {"where", "clip", "lstsq"}
)


def called(function: Any) -> Any:
    """Return a function that is called: NumPy's, and sum, with operands as they counted."""
    if isinstance(function, np.ufunc):
        return functools.partial(_ufunc, function) if function.nin == 2 else function
    if function is builtins.sum:
        return total
    if function is builtins.pow:
        return _pow
    known = _FUNCTIONS.get(function) if isinstance(function, _CALLABLE) else None
    if known is not None:
        return known
    of = getattr(function, "__self__", None)
    if type(of) in promotion.ARRAYS and function.__name__ in _METHODS:
        return functools.partial(_argsort if function.__name__ == "argsort" else _argpartition, of)
    return function


def _ufunc(function: np.ufunc, *operands: Any, **options: Any) -> Any:
    if len(operands) >= 2:
        a, b = operands[:2]
        if type(a) in promotion.NUMPY or type(b) in promotion.NUMPY:
            a, b = promotion.fitted(a, b)
        return function(a, b, *operands[2:], **options)
    return function(*operands, **options)


def _pow(a: Any, b: Any, *modulus: Any) -> Any:
    return builtins.pow(a, b, *modulus) if modulus else promotion.pow(a, b)


def _where(condition: Any, *choices: Any) -> Any:
    if len(choices) == 2:
        a, b = choices
        if type(a) in promotion.NUMPY or type(b) in promotion.NUMPY:
            choices = promotion.fitted(a, b)
    return np.where(condition, *choices)


def _clip(a: Any, *bounds: Any, **options: Any) -> Any:
    if type(a) in promotion.NUMPY:
        bounds = tuple(promotion.fitted(a, bound)[1] for bound in bounds)
        ends = ("a_min", "a_max", "min", "max")
        options |= {k: promotion.fitted(a, options[k])[1] for k in ends if k in options}
    return np.clip(a, *bounds, **options)


def total(items: Iterable[Any], /, start: Any = 0) -> Any:
    """Return the built-in sum of items, added one by one; since Python 3.12 it corrects floats."""
    if isinstance(start, (str, bytes, bytearray)):
        return builtins.sum(items, start)  # its error
    result = start
    for item in items:
        result = promotion.add(result, item)
    return result


def _argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, **options: Any
) -> np.ndarray:
    array = np.asarray(a)
    usual = kind in (None, "quicksort") and order is None and not options
    if not usual or array.dtype.kind not in "iuf" or not array.ndim:
        return np.argsort(a, axis, kind, order, **options)
    if axis is None:
        array, axis = array.ravel(), -1
    return sorting.argsort(array, axis)


def _argpartition(a: Any, kth: Any, axis: Any = -1, *others: Any, **options: Any) -> np.ndarray:
    array = np.asarray(a)
    usual = isinstance(kth, (int, np.integer)) and not others and not options
    if not usual or array.dtype.kind not in "iuf" or not array.ndim:
        return np.argpartition(a, kth, axis, *others, **options)
    if axis is None:
        array, axis = array.ravel(), -1
    return sorting.argpartition(array, kth, axis)


def _unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, *others: Any, **options: Any
) -> Any:
    of_all = not (others[1:] or options.get("axis") is not None)
    options.setdefault("equal_nan", False)
    find: Any = np.unique
    found = find(ar, return_index, return_inverse, *others, **options)
    if not return_inverse or not of_all:
        return found
    place = 2 if return_index else 1
    return (*found[:place], found[place].ravel(), *found[place + 1 :])


def _lstsq(a: Any, b: Any, rcond: Any = -1) -> Any:
    return np.linalg.lstsq(a, b, rcond)


def _transform(function: Any, a: Any, *others: Any, **options: Any) -> np.ndarray:
    array = np.asarray(a)
    if array.dtype.char in "efF":
        a = array.astype(complex if array.dtype.kind == "c" else float)
    return function(a, *others, **options)


_CALLABLE = type(np.where), type(np.argsort)
_FUNCTIONS: dict[Any, Any] = {
    np.where: _where,
    np.clip: _clip,
    np.argsort: _argsort,
    np.argpartition: _argpartition,
    np.unique: _unique,
    np.linalg.lstsq: _lstsq,
}
for _name in _TRANSFORMS:
    _FUNCTIONS[getattr(np.fft, _name)] = functools.partial(_transform, getattr(np.fft, _name))
