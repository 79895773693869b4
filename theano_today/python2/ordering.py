"""The order of Python 2: anything can be compared with anything.

None comes first, then numbers, then everything else by the name of its type; tuples and lists
item by item. Where Python 3 has an answer, it is the same, and is taken. What Python 2 ordered by
address (two objects of a class without an order) is equal here, so that sorting keeps the order
it finds.
"""

from __future__ import annotations

import functools
import numbers
import operator
from collections.abc import Callable
from typing import Any

from theano_today.habits import promotion

_REFUSED = "not supported between instances of"


def cmp(a: Any, b: Any) -> int:
    """Return -1, 0 or 1, as Python 2's cmp."""
    try:
        if a == b:
            return 0
        return -1 if a < b else 1
    except TypeError as error:
        if not _refused(error):
            raise
    return _by_default(a, b)


key = functools.cmp_to_key(cmp)


def _refused(error: TypeError) -> bool:
    return _REFUSED in str(error)


def _by_default(a: Any, b: Any) -> int:
    if type(a) is type(b):
        if isinstance(a, (list, tuple)):
            for x, y in zip(a, b, strict=False):
                if order := cmp(x, y):
                    return order
            return _three_way(len(a), len(b))
        if isinstance(a, dict):
            return _compare_dicts(a, b)
        if isinstance(a, complex):
            raise TypeError("no ordering relation is defined for complex numbers")
        return 0
    return _three_way(_rank(a), _rank(b))


def _compare_dicts(a: dict, b: dict) -> int:
    if len(a) != len(b):
        return _three_way(len(a), len(b))
    # The smallest key whose value differs, on either side.
    differing = [
        sorted((k for k in x if k not in y or cmp(x[k], y[k])), key=key)
        for x, y in ((a, b), (b, a))
    ]
    for mine, theirs in zip(*differing, strict=False):
        return cmp(mine, theirs) or cmp(a[mine], b[theirs])
    return 0


def _rank(x: Any) -> tuple[int, str]:
    if x is None:
        return 0, ""
    if isinstance(x, numbers.Number):
        return 1, ""
    return 2, "str" if isinstance(x, bytes) else type(x).__name__


def _three_way(a: Any, b: Any) -> int:
    return (a > b) - (a < b)


def _comparison(native: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare(a: Any, b: Any) -> Any:
        try:
            return native(a, b)
        except TypeError as error:
            if not _refused(error):
                raise
        return native(_by_default(a, b), 0)

    compare.__name__ = compare.__qualname__ = native.__name__
    return compare


lt = _comparison(promotion.lt)
le = _comparison(promotion.lte)
gt = _comparison(promotion.gt)
ge = _comparison(promotion.gte)


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "Lt": lt,
    "LtE": le,
    "Gt": gt,
    "GtE": ge,
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Is": operator.is_,
    "IsNot": operator.is_not,
    "In": lambda a, b: a in b,
    "NotIn": lambda a, b: a not in b,
}


def chain(operations: str, *values: Any) -> Any:
    """Return ``a < b <= c`` and its like; `operations` are the names that ast has for them."""
    result: Any = True
    for name, a, b in zip(operations.split(), values, values[1:], strict=False):
        result = _OPERATIONS[name](a, b)
        if not result:
            break
    return result


def sort_key(cmp_function: Callable | None, key_function: Callable | None) -> Callable | None:
    """Return the key that stands for Python 2's arguments `cmp` and `key` of sort."""
    if cmp_function is None:
        return key_function
    by_cmp = functools.cmp_to_key(cmp_function)
    if key_function is None:
        return by_cmp
    return lambda item: by_cmp(key_function(item))


def _mixed(key_function: Callable | None) -> Callable:
    return key if key_function is None else lambda item: key(key_function(item))


def sorted(iterable, cmp=None, key=None, reverse=False):
    """Return a sorted list, as Python 2's sorted."""
    items = list(iterable)
    sort(items, cmp, key, reverse)
    return items


def sort(items: Any, *arguments: Any, **options: Any) -> Any:
    """Do ``items.sort(...)``: a list's as in Python 2, any other's its own."""
    if not isinstance(items, list):
        return items.sort(*arguments, **options)
    names = ("cmp", "key", "reverse")
    given = dict(zip(names, arguments, strict=False)) | options
    key_function = sort_key(given.pop("cmp", None), given.pop("key", None))
    reverse = bool(given.pop("reverse", False))
    if given:
        raise TypeError(f"sort() got an unexpected keyword argument {next(iter(given))!r}")
    before = list(items)
    try:
        list.sort(items, key=key_function, reverse=reverse)
    except TypeError as error:
        if not _refused(error):
            raise
        before.sort(key=_mixed(key_function), reverse=reverse)
        items[:] = before
    return None


def _extreme(native: Callable) -> Callable:
    def extreme(*arguments: Any, **options: Any) -> Any:
        if len(arguments) == 1:
            arguments = (list(arguments[0]),)
        try:
            return native(*arguments, **options)
        except TypeError as error:
            if not _refused(error):
                raise
        return native(*arguments, **(options | {"key": _mixed(options.get("key"))}))

    extreme.__name__ = extreme.__qualname__ = native.__name__
    return extreme


min = _extreme(min)
max = _extreme(max)
