"""Sums of float32 arrays by a kernel, in float64 and on all threads: Theano's Sum.

Theano's Python sums up one axis after the other, on one thread, and takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from theano_today.engine import library

SMALLEST = 1 << 12  # elements from which on a call pays


def alternating(shape, axes) -> tuple[int, int, int, int] | None:
    """Return the lengths of an array's axes to be kept, summed over, kept, summed over.

    Neighbouring axes of a kind are one. None if there are more than four.
    """
    lengths: list[list] = []  # (whether it is summed over, length)
    for axis, length in enumerate(shape):
        summed = axis in axes
        if length == 1:
            continue
        if lengths and lengths[-1][0] == summed:
            lengths[-1][1] *= length
        else:
            lengths.append([summed, length])
    if not lengths or lengths[0][0]:
        lengths.insert(0, [False, 1])
    if len(lengths) == 3 and not lengths[2][0]:
        lengths.append([True, 1])  # the last is kept
    if len(lengths) == 2:
        lengths = [[False, 1], [True, 1], *lengths]  # neighbours in memory are summed up
    if len(lengths) == 1:
        return lengths[0][1], 1, 1, 1
    if len(lengths) != 4:
        return None
    outer, rows, channels, inner = (n for _, n in lengths)
    return outer, rows, channels, inner


def sum_of(node) -> Callable | None:
    """Return the function of a Sum of float32 in float64, or None."""
    x, out = node.inputs[0], node.outputs[0]
    if (x.dtype, node.op.acc_dtype, out.dtype) != ("float32", "float64", "float32") or not x.ndim:
        return None
    axes = tuple(range(x.ndim)) if node.op.axis is None else tuple(node.op.axis)

    def run(x):
        lengths = alternating(x.shape, axes) if x.size >= SMALLEST else None
        if lengths is None:
            with np.errstate(all="ignore"):
                # C code starts with 0, NumPy with the first term: of -0 alone comes 0 there.
                total = np.asarray(x.sum(axes, np.float64) + 0.0, np.float32)
            return (total,)
        if not x.flags.c_contiguous:
            copied = library.empty(x.shape)
            copied[...] = x
            x = copied
        shape = [n for axis, n in enumerate(x.shape) if axis not in axes]
        total = np.empty(shape, np.float32)
        library.call("today_sum", x.ctypes.data, *lengths, total.ctypes.data)
        return (total,)

    return run
