"""``a / b`` as Python 2 computed it: whole numbers give whole numbers, rounded down.

What a quotient is depends on its values, so that no reading of the source can decide it:
translated code asks here, while it runs.
"""

from __future__ import annotations

import operator
import sys
from types import ModuleType
from typing import Any

from theano_today.habits import promotion

_PLAIN = frozenset((int, bool))
_FLOATS = frozenset((int, bool, float))


def div(a: Any, b: Any) -> Any:
    """Return ``a / b`` as Python 2 without ``from __future__ import division`` did.

    Python's and NumPy's integers, and arrays of them, are divided rounding down; ``__div__`` and
    ``__rdiv__``, which Theano's variables still have, decide for their classes; everything else,
    pandas' objects among it, is divided truly.
    """
    kind, other = type(a), type(b)
    if kind in _PLAIN and other in _PLAIN:
        if not b:
            raise ZeroDivisionError("integer division or modulo by zero")
        return a // b
    if kind in _FLOATS and other in _FLOATS:
        return a / b
    for method, first, second in (("__div__", a, b), ("__rdiv__", b, a)):
        own = getattr(type(first), method, None)
        if own is not None:
            result = own(first, second)
            if result is not NotImplemented:
                return result
    return _numpy_div(a, b)


def idiv(a: Any, b: Any) -> Any:
    """Return what ``a`` is after Python 2's ``a /= b``; an array keeps its memory."""
    own = getattr(type(a), "__idiv__", None)
    if own is not None:
        result = own(a, b)
        if result is not NotImplemented:
            return result
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(a, numpy.ndarray):
        if a.dtype.kind == "O":
            a[...] = div(a, b)
            return a
        a, b = promotion.fitted(a, b)
        whole = _is_whole(a, numpy) and _is_whole(b, numpy)
        return operator.ifloordiv(a, b) if whole else operator.itruediv(a, b)
    if type(a) in _FLOATS or hasattr(type(a), "__div__"):
        return div(a, b)
    if hasattr(type(a), "__itruediv__"):
        return operator.itruediv(a, b)
    return div(a, b)


def idiv_item(container: Any, key: Any, b: Any) -> None:
    """Do ``container[key] /= b``, evaluating both once."""
    container[key] = idiv(container[key], b)


def idiv_attribute(owner: Any, name: str, b: Any) -> None:
    """Do ``owner.name /= b``, evaluating `owner` once."""
    setattr(owner, name, idiv(getattr(owner, name), b))


class _Key:
    def __getitem__(self, key):
        return key


key = _Key()  # key[1:3, 0] is the key in a[1:3, 0]


def divide_of(owner: Any) -> Any:
    """Return ``owner.divide``; NumPy's is the one of Python 2, which rounded whole numbers down."""
    if not isinstance(owner, ModuleType) or owner.__name__ != "numpy":
        return owner.divide

    def divide(a, b, *arguments, **options):
        whole = _is_whole(owner.asarray(a), owner) and _is_whole(owner.asarray(b), owner)
        a, b = promotion.fitted(a, b)
        function = owner.floor_divide if whole else owner.divide
        return function(a, b, *arguments, **options)

    return divide


def _numpy_div(a: Any, b: Any) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return a / b
    ours = (numpy.ndarray, numpy.generic)
    if not (isinstance(a, ours) or isinstance(b, ours)):
        return a / b
    if any(isinstance(x, numpy.ndarray) and x.dtype.kind == "O" for x in (a, b)):
        return numpy.frompyfunc(div, 2, 1)(a, b)
    if _is_whole(a, numpy) and _is_whole(b, numpy) and _meet(a, b, numpy):
        return promotion.floordiv(a, b)
    return promotion.div(a, b)


def _is_whole(x: Any, numpy: ModuleType) -> bool:
    if type(x) in _PLAIN:
        return True
    if isinstance(x, (list, tuple)):
        x = numpy.asarray(x)
    return isinstance(x, (numpy.ndarray, numpy.generic)) and x.dtype.kind in "iub"


def _meet(a: Any, b: Any, numpy: ModuleType) -> bool:
    # NumPy divides int64 by uint64 as float64: nothing is rounded there.
    dtypes = [x.dtype for x in (a, b) if hasattr(x, "dtype")]
    return len(dtypes) < 2 or numpy.promote_types(*dtypes).kind in "iub"
