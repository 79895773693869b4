"""What rewritten expressions ask: a value as NumPy of the time took it.

Each function gets a value that stands in an expression (``x`` of ``x[key]``), and returns it as it
is, or, for an array, something that behaves as that array did there. So a traceback has no line
that is not the program's.

What NumPy refuses today and took until 1.12, 1.13 or 2.3:

- ``x[n / 2]``, ``x[:n * 0.8]``, ``x[np.floor(i)]``, ``x.reshape(n / 2, 2)``: floats as indices and
  sizes, cut off.
- ``x[[slice(2), 0]]``: a list with anything but numbers in it for a tuple.
- ``x[mask]`` with a mask of another length.
- ``-mask``: its inverse.
- ``float(x)`` of an array of one element, and ``"%f" % x``.

What pandas does without effect since 3.0, and warns of: ``df[a][rows] = value`` and
``df[a].fillna(0, inplace=True)``, which changed the column of the DataFrame.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from theano_today.compat.whole_floats import is_number

_ARRAYS = frozenset((np.ndarray, np.memmap, np.matrix, np.recarray))
_MOST = 32  # NumPy's dimensions then: a longer list was never a tuple


class _Indexed:
    """An array in ``x[key]`` and ``x.reshape(...)``."""

    __slots__ = ("_array",)

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __getitem__(self, key):
        return item(self._array, key)

    def __setitem__(self, key, value):
        try:
            self._array[key] = value
        except (IndexError, TypeError):
            new = key_of_then(key)
            if new is None:
                raise
            self._array[new] = value

    def __delitem__(self, key):
        del self._array[key]  # type: ignore[attr-defined]

    def reshape(self, *shape, **options):
        return self._array.reshape(*_whole(shape), **options)


class _IndexedOfPython2(_Indexed):
    """The same for programs that no NumPy from 1.17 on has ever run.

    A list of rows and columns was a tuple until 1.22; today it is an array, without a word.
    """

    __slots__ = ()

    def __getitem__(self, key):
        return super().__getitem__(tuple(key) if _is_for_tuple(key) else key)

    def __setitem__(self, key, value):
        super().__setitem__(tuple(key) if _is_for_tuple(key) else key, value)


def indexed(x: Any) -> Any:
    """Return x for ``x[key]``."""
    return _Indexed(x) if type(x) in _ARRAYS else x


def indexed_of_python2(x: Any) -> Any:
    """Return x for ``x[key]`` in a program of Python 2."""
    return _IndexedOfPython2(x) if type(x) in _ARRAYS else x


def item(x: np.ndarray, key: Any) -> Any:
    """Return ``x[key]`` of an array."""
    try:
        return x[key]
    except (IndexError, TypeError):
        new = key_of_then(key)
        if new is None:
            raise
    return x[new]


def item_of_python2(x: np.ndarray, key: Any) -> Any:
    """Return ``x[key]`` of an array in a program of Python 2."""
    return item(x, tuple(key) if _is_for_tuple(key) else key)


def _is_for_tuple(key: Any) -> bool:
    """Tell whether a list stood for a tuple: anything but numbers is in it."""
    if type(key) is not list or len(key) > _MOST:
        return False
    return any(k is None or k is Ellipsis or isinstance(k, _PARTS) for k in key)


# Not text: a list of it names fields.
_PARTS = (slice, list, tuple, np.ndarray)


def key_of_then(key: Any) -> Any:
    """Return what a key that NumPy refuses meant; None if it meant nothing, or the same."""
    if _is_for_tuple(key):
        key = tuple(key)
        new: Any = tuple(map(_part, key))
    elif isinstance(key, tuple):
        new = tuple(map(_part, key))
        if all(a is b for a, b in zip(key, new, strict=True)):
            return None
    else:
        new = _part(key)
        if new is key:
            return None
    return new


def _part(key: Any) -> Any:
    if is_number(key):
        return int(key)
    if isinstance(key, slice):
        ends = (key.start, key.stop, key.step)
        return slice(*map(_whole, ends)) if any(map(is_number, ends)) else key
    if isinstance(key, list):
        return (
            [_part(k) for k in key]
            if any(isinstance(k, (float, np.floating)) for k in key)
            else key
        )
    if isinstance(key, np.ndarray):
        if key.dtype.kind == "f":
            return key.astype(np.intp) if np.isfinite(key).all() else key
        if key.dtype == bool and key.ndim == 1:
            return np.flatnonzero(key)
    return key


def _whole(size: Any) -> Any:
    if isinstance(size, (tuple, list)):
        return tuple(map(_whole, size))
    return int(size) if is_number(size) else size


class _Column:
    """A DataFrame's column that is changed: it is put back."""

    __slots__ = ("_frame", "_label")

    def __init__(self, frame: Any, label: Any) -> None:
        self._frame, self._label = frame, label

    def __getitem__(self, key):
        return self._frame[self._label][key]

    def __setitem__(self, key, value):
        column = self._frame[self._label].copy()
        if _is_position(column, key):
            column.iloc[key] = value
        else:
            column[key] = value
        self._frame[self._label] = column

    def __getattr__(self, name):
        def change(*arguments, **options):
            column = self._frame[self._label].copy()
            result = getattr(column, name)(*arguments, **options)
            if column.index.equals(self._frame.index):
                self._frame[self._label] = column
            return result

        return change


def _is_position(column: Any, key: Any) -> bool:
    """Tell whether a number is no label: on an index of names it was a position."""
    whole = isinstance(key, (int, np.integer)) and not isinstance(key, (bool, np.bool_))
    return whole and column.index.inferred_type == "string"


def _is_column(frame: Any, label: Any) -> bool:
    pandas = sys.modules.get("pandas")
    kind: Any = getattr(pandas, "DataFrame", ())
    if not isinstance(frame, kind):
        return False
    try:
        return label in frame.columns and frame.columns.is_unique
    except TypeError:  # a mask, a list, a slice
        return False


def column(x: Any, key: Any, indexed: Any = indexed) -> Any:
    """Return ``x[key]`` that is to be changed."""
    return _Column(x, key) if _is_column(x, key) else indexed(indexed(x)[key])


def attribute(x: Any, name: str, indexed: Any = indexed) -> Any:
    """Return ``x.name`` that is to be changed."""
    return _Column(x, name) if _is_column(x, name) else indexed(getattr(x, name))


class _Mask:
    """A boolean array in ``-x``."""

    __slots__ = ("_mask",)

    def __init__(self, mask: Any) -> None:
        self._mask = mask

    def __neg__(self):
        return np.logical_not(self._mask)


def negated(x: Any) -> Any:
    """Return x for ``-x``."""
    of_truths = type(x) is np.ndarray and x.dtype.char == "?"
    return _Mask(x) if of_truths or type(x) is np.bool_ else x


def number(x: Any) -> Any:
    """Return x for ``float(x)``: the element of an array that has one."""
    return x.item() if type(x) is np.ndarray and x.size == 1 and x.ndim else x


def formatted(text: str, values: Any) -> str:
    """Return ``text % values``."""
    try:
        return text % values
    except TypeError:
        numbers = tuple(map(number, values)) if isinstance(values, tuple) else number(values)
        if numbers is values or _same(numbers, values):
            raise
    return text % numbers


def _same(a: Any, b: Any) -> bool:
    return isinstance(a, tuple) and all(x is y for x, y in zip(a, b, strict=True))


class _Unequal:
    """An array in ``x == None`` and ``x == "text"``, which was False until NumPy 1.13 and 1.25."""

    __slots__ = ("_array",)

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __eq__(self, other):
        return np.False_

    def __ne__(self, other):
        return np.True_

    __hash__ = None  # type: ignore[assignment]


def compared(x: Any) -> Any:
    """Return x for ``x == None`` in a program of Python 2."""
    return _Unequal(x) if type(x) is np.ndarray and x.dtype.kind in "biufc" else x
