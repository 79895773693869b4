"""Pools that belong to no stage by a kernel: Theano's Pool, MaxPoolGrad and AveragePoolGrad.

Of two axes, float32, with constant windows, strides and paddings. The numbers are those of Theano's
C code to the last bit: a NaN that is not the first of its window is passed over, each of tied
maxima gets the whole gradient, and sums are taken in the same order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from theano.gof import Constant

from theano_today.engine import library


class Pooling:
    """The windows of a pool.

    Parameters
    ----------
    mode : str
        "max", "sum", "average_inc_pad" or "average_exc_pad".
    ignore_border : bool
        Windows that reach over the border are left out.
    size, stride, pad : (int, int)
    """

    def __init__(self, mode, ignore_border, size, stride, pad) -> None:
        self.mode, self.ignore_border = mode, ignore_border
        self.size, self.stride, self.pad = size, stride, pad

    @property
    def is_max(self) -> bool:
        return self.mode == "max"

    def counts(self, lengths) -> tuple[int, int]:
        """Return how many windows there are in images of rows and columns.

        Raises
        ------
        ValueError
            If there is no pixel, but a window that must not be ignored.
        """
        rows, columns = (self._count(axis, n) for axis, n in enumerate(lengths))
        return rows, columns

    def _count(self, axis: int, length: int) -> int:
        size, stride = self.size[axis], self.stride[axis]
        beyond = length + 2 * self.pad[axis]
        if self.ignore_border:
            return max(0, (beyond - size) // stride + 1)
        if length == 0:
            raise ValueError("a pool with ignore_border=False of images without pixels")
        if stride >= size:
            return (beyond - 1) // stride + 1
        return max(0, (beyond - 1 - size) // stride + 1) + 1

    def windows(self, axis: int, length: int, count: int, gradient: bool = False) -> np.ndarray:
        """Return, int64 (3, count): the windows' begins, ends, and what an average counts.

        Raises
        ------
        ValueError
            If the last windows lie beyond the images.
        """
        size, stride, pad = self.size[axis], self.stride[axis], self.pad[axis]
        begin = np.arange(count) * stride
        beyond = length + 2 * pad
        if gradient and not self.is_max:
            end = np.minimum(begin + size, beyond)
            counted = end - begin
            begin = np.maximum(begin - pad, 0)
            end = np.where(end > beyond - pad, length, end - pad)
        else:
            end = np.minimum(begin + size, beyond - pad) - pad
            begin = np.maximum(begin, pad) - pad
            whole = self.mode == "average_inc_pad" and self.ignore_border
            counted = np.full(count, size) if whole else end - begin
        if self.mode in ("max", "sum"):
            counted = np.ones(count)
        if count and begin[-1] >= length:
            raise ValueError(f"{count} windows of {size}, {stride} apart, in {length} pixels")
        return np.stack([begin, end, counted]).astype(np.int64)

    def arguments(self, shape, counts, gradient: bool = False) -> list:
        """Return the kernels' arguments before the arrays, for images of this shape."""
        *outer, rows, columns = shape
        down = self.windows(0, rows, counts[0], gradient)
        right = self.windows(1, columns, counts[1], gradient)
        self._alive = down, right  # as long as their addresses are used
        planes = int(np.prod(outer, dtype=np.int64))
        return [
            int(self.is_max), planes, rows, columns, down.ctypes.data, counts[0],
            right.ctypes.data, counts[1],
        ]  # fmt: skip


def _pair(v) -> tuple[int, int] | None:
    if isinstance(v, Constant) and v.ndim == 1 and len(v.data) == 2:
        return int(v.data[0]), int(v.data[1])
    return None


def pooling_of(node, images: int) -> Pooling | None:
    """Return the windows of a pool or a gradient whose first `images` inputs are of float32.

    None if the kernel does not cover them.
    """
    op = node.op
    if len(node.inputs) != images + 3:
        return None  # of a function that an older Theano pickled: the Op lacks ndim as well
    settings = [pair for v in node.inputs[images:] if (pair := _pair(v)) is not None]
    if op.ndim != 2 or len(settings) != 3:
        return None
    if any(v.dtype != "float32" for v in node.inputs[:images]):
        return None
    size, stride, pad = settings
    if any(p < 0 or p >= n or step < 1 for n, step, p in zip(size, stride, pad, strict=True)):
        return None
    if not op.ignore_border and max(pad) > 0:
        return None
    return Pooling(op.mode, bool(op.ignore_border), size, stride, pad)


def pool(node) -> Callable | None:
    """Pool"""
    pooling = pooling_of(node, 1)
    if pooling is None:
        return None

    def run(x, *_):
        x = np.ascontiguousarray(x)
        counts = pooling.counts(x.shape[-2:])
        p = library.empty((*x.shape[:-2], *counts))
        if p.size:
            arguments = pooling.arguments(x.shape, counts)
            library.call("today_pool", *arguments, x.ctypes.data, p.ctypes.data)
        return (p,)

    return run


def max_pool_grad(node) -> Callable | None:
    """MaxPoolGrad: of x, p and the gradient of p"""
    pooling = pooling_of(node, 3)
    if pooling is None:
        return None
    return lambda x, p, g, *_: (_gradient(pooling, x, p, g),)


def average_pool_grad(node) -> Callable | None:
    """AveragePoolGrad: of x and the gradient of p; a sum's as well"""
    pooling = pooling_of(node, 2)
    if pooling is None or (pooling.mode == "average_exc_pad" and max(pooling.pad) > 0):
        return None  # Theano refuses that gradient
    return lambda x, g, *_: (_gradient(pooling, x, g, g),)


def _gradient(pooling: Pooling, x, p, g) -> np.ndarray:
    if p.shape != g.shape or g.shape[:-2] != x.shape[:-2]:
        raise ValueError(
            f"a pool of images of shape {x.shape} has a result of {p.shape} and a gradient of "
            f"{g.shape}; expected both of the same shape, and as many images and channels"
        )
    x, p, g = map(np.ascontiguousarray, (x, p, g))
    dx = library.empty(x.shape)
    if dx.size:
        arguments = pooling.arguments(x.shape, g.shape[-2:], gradient=True)
        addresses = [a.ctypes.data for a in (x, p, g, dx)]
        library.call("today_pool_gradient", *arguments, *addresses)
    return dx
