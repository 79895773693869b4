"""Classes as Python 2 made them: special methods by their former names.

Python 3 looks for ``__bool__``, ``__next__`` and ``__truediv__`` where Python 2 looked for
``__nonzero__``, ``next`` and ``__div__``; it orders by ``__lt__`` and the like, not by
``__cmp__``; it slices by ``__getitem__``; it takes the metaclass from the class's arguments; and a
class with ``__eq__`` alone cannot be hashed there.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import Any

RENAMED = {
    "__nonzero__": "__bool__",
    "next": "__next__",
    "__div__": "__truediv__",
    "__rdiv__": "__rtruediv__",
    "__idiv__": "__itruediv__",
    "__unicode__": "__str__",
}
OTHERS = ("__cmp__", "__eq__", "__getslice__", "__setslice__", "__delslice__")
_ORDER = {
    "__lt__": operator.lt,
    "__le__": operator.le,
    "__eq__": operator.eq,
    "__ne__": operator.ne,
    "__gt__": operator.gt,
    "__ge__": operator.ge,
}
_END = 0x7FFFFFFFFFFFFFFF  # sys.maxint, which stood for the end of a slice


def _by_cmp(compare: Callable[[int, int], Any]) -> Callable[[Any, Any], Any]:
    def method(self, other):
        result = type(self).__cmp__(self, other)
        return result if result is NotImplemented else compare(result, 0)

    return method


def _sliced(slicing: str, indexing: Callable | None, operation: str) -> Callable:
    def method(self, key, *value):
        if isinstance(key, slice) and key.step is None:
            start = 0 if key.start is None else key.start
            stop = _END if key.stop is None else key.stop
            if start < 0 or stop < 0:
                length = len(self)
                start, stop = (max(x + length, 0) if x < 0 else x for x in (start, stop))
            return getattr(self, slicing)(start, stop, *value)
        if indexing is not None:
            return indexing(self, key, *value)
        return getattr(super(type(self), self), operation)(key, *value)

    return method


def add_methods(names: dict[str, Any], bases: tuple[type, ...]) -> None:
    """Put into a class's namespace what Python 3 looks for."""
    for old, new in RENAMED.items():
        if old in names and new not in names and callable(names[old]):
            names[new] = names[old]
    if callable(names.get("__cmp__")):
        for name, compare in _ORDER.items():
            names.setdefault(name, _by_cmp(compare))
    for operation in ("get", "set", "del"):
        slicing, indexing = f"__{operation}slice__", f"__{operation}item__"
        if slicing in names:
            names[indexing] = _sliced(slicing, names.get(indexing), indexing)
    # A class with __eq__ is hashed by identity unless it says how.
    if "__eq__" in names and "__hash__" not in names:
        hashes = [base.__hash__ for base in bases if base.__hash__ is not None]
        names["__hash__"] = hashes[0] if hashes else object.__hash__


def build_class(body: Callable, name: str, *bases: Any, **options: Any) -> Any:
    """Execute a class statement of translated code; stands in for ``__build_class__``."""
    if "metaclass" in options:
        return builtins.__build_class__(body, name, *bases, **options)

    def make(name: str, bases: tuple, names: dict[str, Any]) -> Any:
        add_methods(names, bases)
        own = names.get("__metaclass__")
        if own is None:
            kinds = [type(base) for base in bases]
            own = next((k for k in kinds if all(issubclass(k, other) for other in kinds)), type)
        return own(name, bases, names)

    # Bases that are no classes, and metaclasses that prepare the namespace (enum's), have their
    # say first.
    if any(not isinstance(base, type) or _prepares(type(base)) for base in bases):
        return two_to_three(builtins.__build_class__(body, name, *bases))
    return builtins.__build_class__(body, name, *bases, metaclass=make)


def _prepares(metaclass: type) -> bool:
    return any("__prepare__" in vars(kind) for kind in metaclass.__mro__ if kind is not type)


def two_to_three(cls: Any) -> Any:
    """Give a finished class what Python 3 looks for; a decorator in files that --keep wrote."""
    names = dict(vars(cls))
    if names.get("__hash__", 0) is None:
        del names["__hash__"]
    add_methods(names, cls.__bases__)
    for name, value in names.items():
        if vars(cls).get(name) is not value:
            setattr(cls, name, value)
    return cls
