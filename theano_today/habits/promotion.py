"""Arithmetic of NumPy's scalars as until NumPy 2.0: which dtype a result has.

NumPy 2 goes by dtypes alone (NEP 50). Until then a scalar's value counted, and Python's numbers
were float64 and int64 beside NumPy's scalars:

- ``np.float32(x) * 0.1`` was float64, and ``0. + f(x)`` of a Theano function's float32, as in
  every loop that adds up costs. Today it is float32.
- An array of float32 times ``np.sqrt(2. / n)``, an np.float64, was float32. Today it is float64.
- ``np.uint8(200) + 100`` was 300. Today it is 44.
- An array of uint8 plus 300 was one of uint16. Today it is an OverflowError.

The rule was: if all operands are scalars (of NumPy, of Python, arrays without dimensions), their
dtypes decide. If the scalars' kind (truth, whole, inexact) is not above the arrays', each scalar
has the smallest dtype that holds its value. Here operands are given such dtypes that NumPy 2's own
rule comes to the same result. NumPy 1.19.5's own results are the tests' reference.

`rewriting.py` puts these functions for operators: ``a + b`` becomes ``_then_add(a, b)``.

Two more habits of these operators. ``x // 0.`` of NumPy's floats was NaN; since NumPy 1.20 it is an
infinity. Arrays whose shapes do not fit, or an array of numbers and a text, were unequal as a
whole; ``==`` of the former is a ValueError since NumPy 1.25, of the latter an array.

What is left: ``//``, ``%``, ``**`` and the operators of bits, of an unsigned array and a whole
number that needs more bits, were signed, and are unsigned here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

_KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 2}
ARRAYS = frozenset((np.ndarray, np.matrix, np.memmap))
# Not np.bool: beside Python's numbers it is what it was.
_SCALARS = frozenset({np.dtype(c).type for c in "bBhHiIlLqQefdgFDG"})
NUMPY = ARRAYS | _SCALARS
_PYTHON = {int: np.int64, float: np.float64, complex: np.complex128}
# Beside the others Python's numbers change nothing.
_SMALLER = _SCALARS - {np.int64, np.float64, np.complex128}
_QUIET = {int, float, np.int64, np.float64}
_SIGNED = {"B": "b", "H": "h", "I": "i", "L": "l", "Q": "q"}
_RANGES = {c: (int(np.iinfo(c).min), int(np.iinfo(c).max)) for c in "bBhHiIlLqQ"}
_HALF = 65504.0  # the largest float16
_WHOLE_OF_64 = _RANGES["q"]


def fitted(a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands, of which one is NumPy's, with the dtypes that they counted by."""
    kind, other = type(a), type(b)
    if kind in _QUIET and other in _QUIET:
        return a, b
    if kind in ARRAYS and a.ndim:
        if other in ARRAYS and b.ndim:
            return a, b
        return a, _beside(a.dtype, b)
    if other in ARRAYS and b.ndim:
        return _beside(b.dtype, a), b
    if kind in _PYTHON and _scalar_type(b) in _SMALLER:
        return _of_python(a), b
    if other in _PYTHON and _scalar_type(a) in _SMALLER:
        return a, _of_python(b)
    return a, b


def _scalar_type(x: Any) -> type:
    return x.dtype.type if type(x) in ARRAYS else type(x)


def _of_python(x: Any) -> Any:
    """Return a number of Python as one of NumPy."""
    if type(x) is int and not _WHOLE_OF_64[0] <= x <= _WHOLE_OF_64[1]:
        return x
    return _PYTHON[type(x)](x)


def _beside(dtype: np.dtype, x: Any) -> Any:
    """Return a scalar as it counted beside an array of a dtype."""
    kind = _KINDS.get(dtype.kind, 0)
    if not kind:
        return x
    if type(x) in _PYTHON:
        return _python_beside(dtype, x)
    if _scalar_type(x) not in _SCALARS:
        return x
    own = x.dtype
    if own is dtype or _KINDS[own.kind] > kind:
        return x
    # What nearly all are, quickly.
    if own.kind == "f" and dtype.kind == "f" and own.itemsize <= 8 and -_HALF <= x <= _HALF:
        return dtype.type(x)
    if own.kind in "iu":
        value = int(x)
        lowest, highest = _RANGES[dtype.char] if dtype.kind in "iu" else (-128, 255)
        if lowest <= value <= highest:
            return dtype.type(value)
    smallest = _smallest(dtype, x)
    return x if smallest == np.promote_types(dtype, x.dtype) else x.astype(smallest)


def _python_beside(dtype: np.dtype, x: Any) -> Any:
    """Return a number of Python, or one of NumPy where the value counted."""
    if type(x) is float:
        if dtype.kind not in "fc" or -_HALF <= x <= _HALF:
            return x
    elif type(x) is complex:
        if dtype.kind not in "fc":
            return x
    else:
        if dtype.kind in "iu":
            lowest, highest = _RANGES[dtype.char]
            if lowest <= x <= highest:
                return x
        elif -128 <= x <= 255:
            return x
        if not _RANGES["q"][0] <= x <= _RANGES["Q"][1]:
            return x
    smallest = _smallest(dtype, x)
    return x if smallest == dtype else smallest.type(x)


def _smallest(dtype: np.dtype, x: Any) -> np.dtype:
    own = np.dtype(np.min_scalar_type(x).str)  # int64 by its usual name
    if own.kind == "u" and dtype.kind == "i" and x <= np.iinfo(_SIGNED[own.char]).max:
        own = np.dtype(_SIGNED[own.char])
    return np.promote_types(dtype, own)


def _operation(native: Callable[[Any, Any], Any], name: str) -> Callable[[Any, Any], Any]:
    def apply(a: Any, b: Any) -> Any:
        if type(a) in NUMPY or type(b) in NUMPY:
            a, b = fitted(a, b)
        return native(a, b)

    # By these names pickles find it.
    apply.__name__ = apply.__qualname__ = name
    return apply


add = _operation(operator.add, "add")
sub = _operation(operator.sub, "sub")
mult = _operation(operator.mul, "mult")
mod = _operation(operator.mod, "mod")
lshift = _operation(operator.lshift, "lshift")
rshift = _operation(operator.rshift, "rshift")
bitor = _operation(operator.or_, "bitor")
bitxor = _operation(operator.xor, "bitxor")
bitand = _operation(operator.and_, "bitand")


def floordiv(a: Any, b: Any) -> Any:
    """Return ``a // b``."""
    if type(a) in NUMPY or type(b) in NUMPY:
        a, b = fitted(a, b)
        return _nan_of_zero(a // b, b)
    return a // b


def ifloordiv(a: Any, b: Any) -> Any:
    """Return ``a``, changed by ``a //= b``."""
    if type(a) in NUMPY or type(b) in NUMPY:
        a, b = fitted(a, b)
        zero = np.equal(b, 0) if type(a) in ARRAYS else False  # b may be a itself
        a //= b
        if type(a) not in ARRAYS:
            return _nan_of_zero(a, b)
        if a.dtype.kind == "f" and np.any(zero):
            np.copyto(a, np.nan, where=zero)
        return a
    a //= b
    return a


def _nan_of_zero(quotient: Any, divisor: Any) -> Any:
    """Return a quotient that is rounded, as NumPy 1.19 had it where the divisor is 0."""
    if type(quotient) not in NUMPY or quotient.dtype.kind != "f" or np.all(divisor):
        return quotient
    if type(quotient) in ARRAYS:
        np.copyto(quotient, np.nan, where=np.equal(divisor, 0))
        return quotient
    return type(quotient)(np.nan)


def div(a: Any, b: Any) -> Any:
    """Return ``a / b``."""
    if type(a) in NUMPY or type(b) in NUMPY:
        a, b = fitted(a, b)
        short = type(a) in _SHORT and type(b) in _SHORT
        if short and np.promote_types(a.dtype, b.dtype) == a.dtype:
            # So it was for scalars of 8 and 16 bits, of which the first type holds the second.
            return np.float32(a) / np.float32(b)
    return a / b


def pow(a: Any, b: Any) -> Any:
    """Return ``a ** b``."""
    if type(a) in NUMPY or type(b) in NUMPY:
        of_python = type(a) is np.ndarray and not a.ndim and type(b) in (int, float)
        quick = of_python and (b in _QUICK if a.dtype.kind in "fc" else type(b) is int and b == 2)
        if not quick:  # squares and the like of an array without dimensions kept its dtype
            a, b = fitted(a, b)
    return a**b


_SHORT = frozenset((np.int8, np.uint8, np.int16, np.uint16))
_QUICK = frozenset((-1, 0, 0.5, 1, 2))

iadd = _operation(operator.iadd, "iadd")
isub = _operation(operator.isub, "isub")
imult = _operation(operator.imul, "imult")
idiv = _operation(operator.itruediv, "idiv")
imod = _operation(operator.imod, "imod")
ipow = _operation(operator.ipow, "ipow")
ilshift = _operation(operator.ilshift, "ilshift")
irshift = _operation(operator.irshift, "irshift")
ibitor = _operation(operator.ior, "ibitor")
ibitxor = _operation(operator.ixor, "ibitxor")
ibitand = _operation(operator.iand, "ibitand")

lt = _operation(operator.lt, "lt")
lte = _operation(operator.le, "lte")
gt = _operation(operator.gt, "gt")
gte = _operation(operator.ge, "gte")


def _comparison(native: Callable[[Any, Any], Any], name: str, unlike: bool) -> Callable:
    def apply(a: Any, b: Any) -> Any:
        if type(a) not in ARRAYS and type(b) not in ARRAYS:
            return operation(a, b)
        if _is_text_beside_numbers(a, b) or _is_text_beside_numbers(b, a):
            return unlike
        try:
            return operation(a, b)
        except ValueError:
            try:
                np.broadcast_shapes(np.shape(a), np.shape(b))
            except ValueError:
                return unlike
            raise

    operation = _operation(native, name)
    apply.__name__ = apply.__qualname__ = name
    return apply


def _is_text_beside_numbers(text: Any, array: Any) -> bool:
    return type(text) in (str, bytes) and type(array) in ARRAYS and array.dtype.kind in _KINDS


eq = _comparison(operator.eq, "eq", False)
noteq = _comparison(operator.ne, "noteq", True)
