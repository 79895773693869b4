"""Convolution in two and three dimensions, and its gradients, by cuDNN (oneDNN on a CPU).

Theano convolves, that is, turns the filters over (filter_flip); torch correlates.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from theano.tensor.nnet import abstract_conv as ac

from theano_today.torch_link.dispatch.basic import implements, ints
from theano_today.torch_link.raw_kernels import (
    MOST_TAPS,
    gradient_of_few_filters,
    patches,
    spread,
)
from theano_today.torch_link.target import torch_dtype


class Geometry:
    """The static facts of one convolution, in torch's terms.

    Parameters
    ----------
    op : BaseAbstractConv
        Inputs (batch, channels, rows, columns[, depth]), filters (filters, channels, ...).
    """

    def __init__(self, op) -> None:
        self.axes = op.convdim
        self.border_mode = op.border_mode
        self.dilation = list(op.filter_dilation)
        self.stride = list(op.subsample)
        self.groups = op.num_groups
        self.flipped_axes = list(range(2, 2 + self.axes)) if op.filter_flip else []

    def flip(self, filters: torch.Tensor) -> torch.Tensor:
        return filters.flip(self.flipped_axes) if self.flipped_axes else filters

    def padding(self, kernel) -> list[tuple[int, int]]:
        """Zeros (before, after) along each axis, for filters of the shape `kernel`."""
        span = [(k - 1) * d + 1 for k, d in zip(kernel, self.dilation, strict=True)]
        mode = self.border_mode
        if mode == "valid":
            return [(0, 0)] * self.axes
        if mode == "full":
            return [(s - 1, s - 1) for s in span]
        if mode == "half":
            return [(s // 2, s // 2) for s in span]
        sides = [mode] * self.axes if isinstance(mode, int) else mode
        return [(s, s) if isinstance(s, int) else tuple(s) for s in sides]

    def arguments(self, padding) -> tuple:
        """What aten's convolutions want after their tensors; `padding` alike on both sides."""
        both_sides = [before for before, _ in padding]
        no_output_padding = [0] * self.axes
        return (self.stride, both_sides, self.dilation, False, no_output_padding, self.groups)


def _geometry(op) -> Geometry | None:
    # Unshared filters (one per output pixel) are a different operation.
    return None if getattr(op, "unshared", False) else Geometry(op)


def _lopsided(padding) -> bool:
    return any(before != after for before, after in padding)


def _evened(x, padding):
    """Return x and its padding as torch can take them: padded already where sides differ."""
    if not _lopsided(padding):
        return x, padding
    return _padded(x, padding), [(0, 0)] * len(padding)


def _padded(x, padding):
    """x with zeros around it; contiguous."""
    if not any(side for pair in padding for side in pair):
        return x.contiguous()
    # F.pad counts from the last axis: [columns before, after, rows before, after].
    return F.pad(x, [side for pair in reversed(padding) for side in pair]).contiguous()


def _crop(x, padding):
    for axis, (before, after) in enumerate(padding, start=2):
        x = x.narrow(axis, before, x.shape[axis] - before - after)
    return x


class _Rounded:
    """Casts what goes into a convolution to the precision wanted, and its result back."""

    def __init__(self, node, target) -> None:
        self.dtype = torch_dtype(node.outputs[0].type.dtype)
        low = target.precision == "bf16" and self.dtype == torch.float32
        self.inner = torch.bfloat16 if low else self.dtype
        self.layout = torch.channels_last if target.wants_channels_last else None

    def __call__(self, x):
        x = x.to(self.inner)
        if self.layout is not None and x.ndim == 4:
            x = x.contiguous(memory_format=self.layout)
        return x


def _refuse_channels(x, filters, groups: int) -> None:
    if x.shape[1] != filters.shape[1] * groups:
        raise ValueError(
            f"convolution: input of shape {tuple(x.shape)} has {x.shape[1]} channels, filters "
            f"of shape {tuple(filters.shape)} in {groups} group(s) want "
            f"{filters.shape[1] * groups}"
        )


_MOST_BYTES = 1 << 28  # of the patches of a batch


class _OnCuda:
    """Plain convolutions of float32, where products do better than cuDNN.

    cuDNN's fastest gradient of filters adds up in an order that changes from run to run, so that
    no run could resume bit for bit, and its others are slow. On an H100, microseconds for net2's
    three convolutions and batches of 128 (26 November 2026): its fastest 233, 246, 245, the
    fastest that repeats itself 758, 707, 241; as products of patches 170, 253, 158. The gradient
    of the input: cuDNN 223 and 209, as a convolution 175 and 197.

    With the tensor cores' precisions products are quick enough to do all three that way; cuDNN
    turns each array into another layout first.
    """

    def __init__(self, geometry: Geometry, node, target) -> None:
        g = geometry
        plain = g.axes == 2 and g.groups == 1 and g.stride == [1, 1] and g.dilation == [1, 1]
        float32 = all(v.type.dtype == "float32" for v in (*node.inputs[:2], *node.outputs))
        self.usable = target.is_cuda and plain and float32
        self.tensor_cores = target.precision != "float32"
        self.dtype = torch.bfloat16 if target.precision == "bf16" else torch.float32

    def _covers(self, n, taps, kernel, places) -> bool:
        size = 4 * n * taps * places
        return self.usable and math.prod(kernel) > 1 and 0 < size <= _MOST_BYTES

    def _product(self, a, b):
        """Batches of matrix products, their results in float32."""
        if self.dtype == torch.float32:
            return torch.bmm(a, b)
        a, b = a.to(self.dtype), b.to(self.dtype)
        return torch.bmm(a, b, out_dtype=torch.float32) if a.is_cuda else torch.bmm(a, b).float()

    def forward(self, x, filters, padding) -> torch.Tensor | None:
        """x correlated with filters; None where cuDNN's is the better one."""
        kernel = filters.shape[2:]
        wide = [x.shape[2 + a] + sum(padding[a]) - kernel[a] + 1 for a in range(2)]
        taps = filters[0].numel()
        if not self.tensor_cores or not self._covers(len(x), taps, kernel, math.prod(wide)):
            return None
        seen = patches(_padded(x, padding), kernel, self.dtype)
        weights = filters.reshape(1, len(filters), taps).expand(len(x), -1, -1)
        return self._product(weights, seen).view(len(x), len(filters), *wide)

    def filters(self, x, gradient, kernel, padding) -> torch.Tensor | None:
        """The gradient of correlating filters; None where cuDNN's is the better one."""
        n, channels = x.shape[:2]
        taps = channels * math.prod(kernel)
        if not self._covers(n, taps, kernel, math.prod(gradient.shape[2:])):
            return None
        x = _padded(x, padding)
        if taps <= MOST_TAPS:
            found = gradient_of_few_filters(x, gradient, kernel)
            if found is not None:
                return found
        seen = patches(x, kernel, self.dtype)
        products = self._product(seen, gradient.flatten(2).transpose(1, 2))  # (n, taps, filters)
        return products.sum(0).t().reshape(-1, channels, *kernel)

    def input(self, gradient, filters, flipped: bool, shape, padding) -> torch.Tensor | None:
        """The gradient of the input; None where cuDNN's is the better one.

        Parameters
        ----------
        filters : (filters, channels, h, w)
        flipped : bool
            The convolution turned them over.
        shape : (rows, columns)
        """
        kernel, n = filters.shape[2:], len(gradient)
        taps = filters[0].numel()
        if not self._covers(n, taps, kernel, math.prod(gradient.shape[2:])):
            return None
        if self.tensor_cores:
            correlating = filters.flip([2, 3]) if flipped else filters
            weights = correlating.reshape(1, len(filters), taps).transpose(1, 2).expand(n, -1, -1)
            products = self._product(weights, gradient.flatten(2))
            wide = [size + sum(sides) for size, sides in zip(shape, padding, strict=True)]
            found = spread(products, (n, filters.shape[1], *wide), tuple(kernel))
            return _crop(found, padding)
        around = [k - 1 - before for k, (before, _) in zip(kernel, padding, strict=True)]
        if _lopsided(padding) or min(around) < 0:
            return None
        turned = filters.transpose(0, 1)
        turned = turned.contiguous() if flipped else turned.flip([2, 3])
        return F.conv2d(gradient, turned, padding=around)


@implements(ac.AbstractConv2d, ac.AbstractConv3d)
def convolution(op, node, target):
    geometry = _geometry(op)
    if geometry is None:
        return None
    rounded, on_cuda = _Rounded(node, target), _OnCuda(geometry, node, target)

    def function(x, filters):
        _refuse_channels(x, filters, geometry.groups)
        padding = geometry.padding(filters.shape[2:])
        found = on_cuda.forward(x, geometry.flip(filters), padding)
        if found is not None:
            return found
        x, padding = _evened(x, padding)
        x, filters = rounded(x), rounded(geometry.flip(filters))
        y = torch.ops.aten.convolution(x, filters, None, *geometry.arguments(padding))
        return y.to(rounded.dtype)

    return function


@implements(ac.AbstractConv2d_gradWeights, ac.AbstractConv3d_gradWeights, host=(2,))
def gradient_of_filters(op, node, target):
    geometry = _geometry(op)
    if geometry is None:
        return None
    rounded, on_cuda = _Rounded(node, target), _OnCuda(geometry, node, target)

    def function(x, gradient, shape):
        shape = ints(shape)
        found = on_cuda.filters(x, gradient, shape, geometry.padding(shape))
        if found is not None:
            return geometry.flip(found)
        x, padding = _evened(x, geometry.padding(shape))
        x, gradient = rounded(x), rounded(gradient)
        filters = rounded(x.new_empty((gradient.shape[1], x.shape[1] // geometry.groups, *shape)))
        found = torch.ops.aten.convolution_backward(
            gradient, x, filters, None, *geometry.arguments(padding), [False, True, False]
        )[1]
        return geometry.flip(found.to(rounded.dtype))

    return function


@implements(ac.AbstractConv2d_gradInputs, ac.AbstractConv3d_gradInputs, host=(2,))
def gradient_of_input(op, node, target):
    geometry = _geometry(op)
    if geometry is None:
        return None
    rounded, on_cuda = _Rounded(node, target), _OnCuda(geometry, node, target)

    def function(filters, gradient, shape):
        shape = ints(shape)
        padding = geometry.padding(filters.shape[2:])
        found = on_cuda.input(gradient, filters, bool(geometry.flipped_axes), shape, padding)
        if found is not None:
            return found
        lopsided = _lopsided(padding)
        if lopsided:
            wide = [s + b + a for s, (b, a) in zip(shape, padding, strict=True)]
            outer = [(0, 0)] * geometry.axes
        else:
            wide, outer = shape, padding
        gradient, filters = rounded(gradient), rounded(geometry.flip(filters))
        x = gradient.new_empty((gradient.shape[0], filters.shape[1] * geometry.groups, *wide))
        found = torch.ops.aten.convolution_backward(
            gradient, rounded(x), filters, None, *geometry.arguments(outer), [True, False, False]
        )[0].to(rounded.dtype)
        return _crop(found, padding) if lopsided else found

    return function
