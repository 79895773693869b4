"""Pooling over two dimensions, with Theano's meaning of borders, padding, averages and ties."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from theano.tensor.signal import pool as tp

from theano_today.torch_link.dispatch.basic import implements, ints


class Windows(NamedTuple):
    """Where the windows of one call lie.

    window, stride, pad : pairs of int
    size : (rows, columns) of the pooled image
    inside : (rows, columns) of the image
    extra : (rows, columns) that the last windows reach beyond image and padding
    """

    window: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    size: tuple[int, int]
    inside: tuple[int, int]
    extra: tuple[int, int]

    @classmethod
    def of(cls, op, inside, window, stride, pad) -> Windows:
        """Return the windows on images of (rows, columns) `inside`, for a Pool or its gradient."""
        window, stride, pad = ints(window), ints(stride), ints(pad)
        size = ints(tp.Pool.out_shape(inside, window, op.ignore_border, stride, pad, 2))
        if min(size) <= 0:
            raise ValueError(
                f"Pool: windows {tuple(window)} in steps {tuple(stride)} do not fit an image of "
                f"{tuple(inside)}"
            )
        reach = [(n - 1) * s + w for n, s, w in zip(size, stride, window, strict=True)]
        extra = [max(r - i - p, 0) for r, i, p in zip(reach, inside, pad, strict=True)]
        pairs = (window, stride, pad, size, inside, extra)
        return cls(*(tuple(pair) for pair in pairs))

    @property
    def tile(self) -> bool:
        """True if the windows are disjoint and lie within the image."""
        fits = all(n * w <= i for n, w, i in zip(self.size, self.window, self.inside, strict=True))
        return self.window == self.stride and self.pad == (0, 0) and fits

    @property
    def exact(self) -> bool:
        """True if the windows are disjoint and every pixel is in one."""
        pixels = zip(self.size, self.window, self.inside, strict=True)
        return self.tile and all(n * w == i for n, w, i in pixels)

    def padded(self, x, value: float):
        """(..., rows, columns) -> the same with the border that the windows reach into."""
        (top, left), (below, right) = self.pad, self.extra
        return (
            F.pad(x, (left, right, top, below), value=value) if any((*self.pad, *self.extra)) else x
        )

    def cropped(self, x):
        """Undo `padded`."""
        (top, left), (rows, columns) = self.pad, self.inside
        return x[..., top : top + rows, left : left + columns]


def _on_images(function, x):
    """Apply `function`, of (n, channels, rows, columns), to `x` with any leading axes."""
    if x.ndim == 4:
        return function(x)
    y = function(x.reshape(-1, 1, *x.shape[-2:]))
    return y.reshape(*x.shape[:-2], *y.shape[-2:])


def _covered(op, node) -> bool:
    return op.ndim == 2 and node.inputs[0].type.dtype.startswith("float")


@implements(tp.Pool, host=(1, 2, 3))
def pool(op, node, target):
    if not _covered(op, node):
        return None
    reduced = _max_pool if op.mode == "max" else _average_pool

    def function(x, window, stride, pad):
        windows = Windows.of(op, x.shape[-2:], window, stride, pad)
        return _on_images(lambda images: reduced(images, windows, op.mode), x)

    return function


def _max_pool(x, windows: Windows, mode: str):
    y = F.max_pool2d(windows.padded(x, float("-inf")), windows.window, windows.stride)
    rows, columns = windows.size
    return y[..., :rows, :columns]


def _sums(x, windows: Windows):
    y = F.avg_pool2d(windows.padded(x, 0.0), windows.window, windows.stride, divisor_override=1)
    rows, columns = windows.size
    return y[..., :rows, :columns]


def _counts(x, windows: Windows, mode: str):
    """How many pixels each window averages: (rows, columns) of the pooled image."""
    ones = x.new_ones((1, 1, *windows.inside))
    if mode == "average_inc_pad":
        # Padding counts as pixels; what lies beyond it does not.
        top, left = windows.pad
        ones = F.pad(ones, (left, left, top, top), value=1.0)
        rows, columns = ones.shape[-2:]
        below = max(windows.inside[0] + top + windows.extra[0] - rows, 0)
        right = max(windows.inside[1] + left + windows.extra[1] - columns, 0)
        ones = F.pad(ones, (0, right, 0, below))
        found = F.avg_pool2d(ones, windows.window, windows.stride, divisor_override=1)
        return found[0, 0, : windows.size[0], : windows.size[1]]
    return _sums(ones, windows)[0, 0]


def _average_pool(x, windows: Windows, mode: str):
    y = _sums(x, windows)
    return y if mode == "sum" else y / _counts(x, windows, mode)


@implements(tp.MaxPoolGrad, host=(3, 4, 5))
def max_pool_gradient(op, node, target):
    if not _covered(op, node):
        return None

    def function(x, maximum, gradient, window, stride, pad):
        windows = Windows.of(op, x.shape[-2:], window, stride, pad)
        if windows.tile:
            return _tied_in_tiles(x, maximum, gradient, windows)
        return _tied(x, maximum, gradient, windows)

    return function


def _tied_in_tiles(x, maximum, gradient, windows: Windows):
    """Give each window's gradient to every pixel that equals its maximum; one kernel."""
    (rows, columns), (h, w) = windows.size, windows.window
    inside = x[..., : rows * h, : columns * w]
    # (..., rows * h, columns * w) -> (..., rows, h, columns, w)
    tiles = inside.unflatten(-1, (columns, w)).unflatten(-3, (rows, h))
    zero = gradient.new_zeros(())
    found = torch.where(
        tiles == maximum[..., :, None, :, None], gradient[..., :, None, :, None], zero
    )
    found = found.flatten(-2).flatten(-3, -2)
    if found.shape == x.shape:
        return found
    below, right = x.shape[-2] - rows * h, x.shape[-1] - columns * w
    return F.pad(found, (0, right, 0, below))


def _tied(x, maximum, gradient, windows: Windows):
    """The same for windows that overlap or cross the border: one pass per place in a window."""
    padded = windows.padded(x, float("-inf"))
    found = torch.zeros_like(padded)
    zero = gradient.new_zeros(())
    (rows, columns), (down, across) = windows.size, windows.stride
    for i in range(windows.window[0]):
        for j in range(windows.window[1]):
            place = (
                ...,
                slice(i, i + (rows - 1) * down + 1, down),
                slice(j, j + (columns - 1) * across + 1, across),
            )
            found[place] += torch.where(padded[place] == maximum, gradient, zero)
    return windows.cropped(found)


@implements(tp.AveragePoolGrad, host=(2, 3, 4))
def average_pool_gradient(op, node, target):
    if not _covered(op, node):
        return None

    def function(x, gradient, window, stride, pad):
        windows = Windows.of(op, x.shape[-2:], window, stride, pad)
        if op.mode != "sum":
            gradient = gradient / _counts(x, windows, op.mode)
        found = torch.zeros_like(windows.padded(x, 0.0))
        (rows, columns), (down, across) = windows.size, windows.stride
        for i in range(windows.window[0]):
            for j in range(windows.window[1]):
                found[
                    ...,
                    i : i + (rows - 1) * down + 1 : down,
                    j : j + (columns - 1) * across + 1 : across,
                ] += gradient
        return windows.cropped(found)

    return function
