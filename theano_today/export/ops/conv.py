"""Convolutions of any number of axes, and their gradient by the input (transposed convolutions)."""

from __future__ import annotations

from typing import Any

import numpy as np
from theano.tensor.nnet import abstract_conv as ac
from theano.tensor.nnet import conv as legacy

from theano_today.export.ops.table import FIRST, LAST, implements


def _filters(writer: Any, kernel: Any, turn: bool) -> str:
    """The filters as ONNX applies them, a correlation."""
    g, axes = writer.graph, kernel.ndim - 2
    if not turn:
        return writer[kernel]
    value = writer.known(kernel)
    if value is not None:
        turned = value[(slice(None), slice(None), *[slice(None, None, -1)] * axes)]
        return g.constant(turned, writer._called(kernel))
    return g.add(
        "Slice", writer[kernel], g.ints([LAST] * axes), g.ints([FIRST] * axes),
        g.ints(range(2, 2 + axes)), g.ints([-1] * axes),
    )  # fmt: skip


def _size(writer: Any, op: Any, kernel: Any) -> list[int]:
    value = writer.known(kernel)
    if value is not None:
        return list(value.shape[2:])
    known = getattr(op, "kshp", None)
    if known is None or any(n is None for n in known[-(kernel.ndim - 2) :]):
        raise NotImplementedError("filters whose size depends on the input")
    return [int(n) for n in known[-(kernel.ndim - 2) :]]


def _pads(op: Any, size: list[int]) -> list[int]:
    """ONNX's: all beginnings, then all ends."""
    reach = [(n - 1) * d + 1 for n, d in zip(size, op.filter_dilation, strict=True)]
    mode = op.border_mode
    if mode == "valid":
        pads: list[tuple[int, int]] = [(0, 0)] * len(size)
    elif mode == "full":
        pads = [(n - 1, n - 1) for n in reach]
    elif mode == "half":
        pads = [(n // 2, n // 2) for n in reach]
    else:
        each = mode if isinstance(mode, tuple) else (mode,) * len(size)
        pads = [p if isinstance(p, tuple) else (p, p) for p in each]
    return [*(int(a) for a, _ in pads), *(int(b) for _, b in pads)]


def _plain(op: Any) -> None:
    if getattr(op, "unshared", False):
        raise NotImplementedError("a convolution whose filters differ from place to place")


@implements(ac.AbstractConv2d, ac.AbstractConv3d)
def conv(writer: Any, node: Any) -> str:
    op, (x, kernel) = node.op, node.inputs
    _plain(op)
    return writer.graph.add(
        "Conv",
        writer[x],
        _filters(writer, kernel, op.filter_flip),
        pads=_pads(op, _size(writer, op, kernel)),
        strides=[int(n) for n in op.subsample],
        dilations=[int(n) for n in op.filter_dilation],
        group=int(getattr(op, "num_groups", 1)),
    )


@implements(legacy.ConvOp)
def legacy_conv(writer: Any, node: Any) -> str:
    op, (x, kernel) = node.op, node.inputs
    value = writer.known(kernel)
    if value is None:
        raise NotImplementedError("filters that depend on the input")
    edge = [n - 1 if op.out_mode == "full" else 0 for n in value.shape[2:]]
    return writer.graph.add(
        "Conv", writer[x], _filters(writer, kernel, True), pads=[*edge, *edge],
        strides=[int(op.dx), int(op.dy)],
    )  # fmt: skip


@implements(ac.AbstractConv2d_gradInputs, ac.AbstractConv3d_gradInputs)
def transposed_conv(writer: Any, node: Any) -> str:
    op, (kernel, top, wanted) = node.op, node.inputs
    _plain(op)
    g, axes = writer.graph, kernel.ndim - 2
    size = _size(writer, op, kernel)
    pads = _pads(op, size)
    # Uncut, then cut to the shape that is asked for: its rest decides how much is lost.
    stride, dilation = [int(n) for n in op.subsample], [int(n) for n in op.filter_dilation]
    spare = [n - 1 for n in stride]
    value = g.add(
        "ConvTranspose", writer[top], _filters(writer, kernel, op.filter_flip),
        strides=stride, dilations=dilation, pads=[0] * (2 * axes), output_padding=spare,
        group=int(getattr(op, "num_groups", 1)),
    )  # fmt: skip
    start = np.asarray(pads[:axes])
    lengths = writer[wanted]
    if wanted.type.broadcastable != (False,):
        raise NotImplementedError("a shape that is no vector")
    stop = g.add("Add", lengths, g.ints(start))
    return g.add("Slice", value, g.ints(start), stop, g.ints(range(2, 2 + axes)))
