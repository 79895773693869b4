"""The order in which argsort leaves equal elements, and top-k all of them: that of NumPy 1.19.

argsort and topk promise no order among equals, but programs see one: labels sorted by a count, the
gradient of sort. Until NumPy 1.24 it was quicksort's (up to 16 elements, that of the input) and
introselect's, the same on every machine. Since NumPy 1.25 x86-simd-sort does both for 32 and 64
bits (16 as well for partition) and leaves a different order, which depends on the processor.

NumPy still has the old algorithms, for the dtypes that the new one does not know. They compare and
do nothing else, so that the values can be given to them as such a dtype: floats as long double,
integers as dates. NumPy does not partition dates; large integers are long doubles there.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from theano_today import hooks
from theano_today.compat.source import edit

_NOT_A_DATE = np.iinfo(np.int64).min
# Elsewhere (macOS on ARM, Windows) long double is double, which does not hold all integers.
_EXACT = np.finfo(np.longdouble).nmant >= 63


def install() -> None:
    hooks.after_import("theano.tensor.sort", _mend_sort)


def _mend_sort(sort: ModuleType) -> None:
    names = {"_argsort": argsort, "_partition": partition, "_argpartition": argpartition}
    sort.__dict__.update(names)
    edit(sort.ArgSortOp.perform, {"np.argsort(": "_argsort("})
    edit(sort._topk_py_impl, {"np.partition(": "_partition(", "np.argpartition(": "_argpartition("})


def argsort(a, axis=-1, kind="quicksort", order=None):
    """Return np.argsort's indices, with equal elements in the order of NumPy 1.19."""
    indices = np.argsort(a, axis, kind, order)
    if kind != "quicksort" or order is not None:
        return indices
    in_order = np.moveaxis(np.take_along_axis(a, indices, axis), axis, -1)
    # NaN is greater than nothing: several of them are equal elements as well.
    if (in_order[..., 1:] > in_order[..., :-1]).all():
        return indices
    return np.argsort(_comparable(a), axis)


def partition(a, kth, axis=-1):
    """Return np.partition's values in the order of NumPy 1.19."""
    return np.take_along_axis(a, argpartition(a, kth, axis), axis)


def argpartition(a, kth, axis=-1):
    """Return np.argpartition's indices in the order of NumPy 1.19."""
    if a.dtype.kind == "f":
        a = _comparable(a)
    elif a.dtype.kind in "iu" and a.dtype.itemsize > 2 and _EXACT:
        if kth % a.shape[axis] < a.shape[axis] - 1:
            a = a.astype(np.longdouble)
        else:  # floats have a way of their own to the last one
            values, ranks = np.unique(a, return_inverse=True)
            a = ranks.astype(np.uint16 if len(values) <= 2**16 else np.longdouble)
    return np.argpartition(a, kth, axis)


def _comparable(a):
    """Return values of a dtype that the old quicksort sorts, in the same order as those of `a`."""
    if a.dtype.kind == "f":
        return a.astype(np.longdouble)
    if a.dtype.kind not in "iu":
        return a  # complex numbers and bools: nothing new for them
    if a.dtype == np.uint64:
        integers = (a ^ np.uint64(2**63)).view(np.int64)
    else:
        integers = a.astype(np.int64)
    if (integers == _NOT_A_DATE).any():  # which would be sorted to the end
        return integers.astype(np.longdouble) if _EXACT else a
    return integers.view("datetime64[s]")
