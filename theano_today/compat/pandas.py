"""What pandas dropped: df.ix and as_matrix, gone in 1.0, and sort and order, gone in 0.20.

A column of such a name is what ``df.name`` means, as it is without this.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from theano_today import hooks
from theano_today.compat import pandas_names
from theano_today.compat.pandas_names import add_lost


def install() -> None:
    hooks.after_import("pandas.core.frame", _frame)
    hooks.after_import("pandas.core.series", _series)
    pandas_names.install()


def _frame(module: ModuleType) -> None:
    add_lost(module.DataFrame, ix=property(_Ix), sort=_sort_frame, as_matrix=_as_matrix)


def _series(module: ModuleType) -> None:
    add_lost(
        module.Series,
        ix=property(_Ix),
        sort=_sort_series,
        order=_order,
        as_matrix=lambda self, columns=None: self.values,
    )


def _as_matrix(self, columns=None):
    """Return the values, of all columns or of those named."""
    return self.values if columns is None else self.reindex(columns=columns).values


def _sort_frame(
    self,
    columns=None,
    axis=0,
    ascending=True,
    inplace=False,
    kind="quicksort",
    na_position="last",
):
    options = {"ascending": ascending, "inplace": inplace, "kind": kind, "na_position": na_position}
    if columns is None:
        return self.sort_index(axis=axis, **options)
    if isinstance(columns, tuple) and columns not in self.columns:
        columns = list(columns)
    return self.sort_values(by=columns, axis=axis, **options)


def _sort_series(self, axis=0, ascending=True, kind="quicksort", na_position="last", inplace=True):
    """Sort by value: in place, other than a DataFrame's."""
    return self.sort_values(
        axis=axis, ascending=ascending, kind=kind, na_position=na_position, inplace=inplace
    )


def _order(self, na_last=None, ascending=True, kind="quicksort", na_position="last", inplace=False):
    if na_last is not None:
        na_position = "last" if na_last else "first"
    return self.sort_values(
        ascending=ascending, kind=kind, na_position=na_position, inplace=inplace
    )


class _Ix:
    """``df.ix[rows, columns]``: labels, and integers as positions where no label is one.

    On an axis whose labels are integers or floats all is a label, the end of a slice included. On
    other axes an integer, a list or a slice of integers is a position. What ``loc`` and ``iloc``
    refuse of the two is refused here: a list with labels that do not exist.
    """

    def __init__(self, owner):
        self.owner = owner

    def __getitem__(self, key):
        where, key = self._indexer(key)
        return where[key]

    def __setitem__(self, key, value):
        where, key = self._indexer(key)
        where[key] = value

    def _indexer(self, key):
        axes = self.owner.axes
        keys = list(key) if isinstance(key, tuple) and len(axes) > 1 else [key]
        if len(keys) > len(axes) or axes[0].nlevels > 1:
            return self.owner.loc, key
        keys = [list(k) if isinstance(k, range) else k for k in keys]
        positions = [_is_position(axis, k) for axis, k in zip(axes, keys, strict=False)]
        if not any(positions):
            return self.owner.loc, tuple(keys) if len(keys) > 1 else keys[0]
        found = [
            k if positional else _positions(axis, k)
            for axis, k, positional in zip(axes, keys, positions, strict=False)
        ]
        return self.owner.iloc, tuple(found) if len(found) > 1 else found[0]


def _is_integer(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))


def _is_position(axis: Any, key: Any) -> bool:
    if axis.inferred_type in ("integer", "mixed-integer", "floating"):
        return False
    if isinstance(key, slice):
        ends = [end for end in (key.start, key.stop) if end is not None]
        return bool(ends) and all(map(_is_integer, ends))
    if hasattr(key, "dtype") and hasattr(key, "__len__"):
        return key.dtype.kind in "iu"
    if isinstance(key, list):
        return bool(key) and all(map(_is_integer, key))
    return _is_integer(key)


def _positions(axis: Any, key: Any) -> Any:
    """Return the positions of a label, labels, a slice or a mask."""
    if isinstance(key, slice):
        return axis.slice_indexer(key.start, key.stop, key.step)
    if np.ndim(key) == 0:
        return axis.get_loc(key)
    if hasattr(key, "reindex") and np.asarray(key).dtype == bool:
        key = key.reindex(axis)
    values = np.asarray(key)
    if values.dtype == bool:
        return np.flatnonzero(values)
    found, missing = axis.get_indexer_non_unique(values)
    if len(missing):
        raise KeyError(f"{[values[i] for i in missing]} not in index")
    return found
