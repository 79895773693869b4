"""Pooling by windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from theano.tensor.signal.pool import Pool

from theano_today.export.ops.table import implements, needed


@implements(Pool)
def pool(writer: Any, node: Any) -> str:
    """A window of Theano may reach over the far edge; ONNX's are of use where none does.

    With ``ignore_border=False`` the image is made longer first, by what the last window lacks.
    """
    g, op, x = writer.graph, node.op, node.inputs[0]
    size, stride, pad = ([int(n) for n in needed(writer, v, "a window")] for v in node.inputs[1:4])
    value = writer[x]
    lead = x.ndim - len(size)
    if lead != 2:
        value = _two_leading(writer, value, lead, x.ndim)
    if op.ignore_border:
        result = _windows(writer, value, op.mode, size, stride, pad)
    else:
        result = _beyond_the_border(writer, value, op.mode, size, stride)
    if lead != 2:
        head = g.add("Shape", writer[x], start=0, end=lead)
        tail = g.add("Shape", result, start=2)
        result = g.add("Reshape", result, g.add("Concat", head, tail, axis=0), allowzero=1)
    return result


def _two_leading(writer: Any, value: str, lead: int, ndim: int) -> str:
    g = writer.graph
    head = g.add("ReduceProd", g.add("Shape", value, start=0, end=lead), keepdims=1)
    tail = g.add("Shape", value, start=lead, end=ndim)
    return g.add("Reshape", value, g.add("Concat", g.ints([1]), head, tail, axis=0), allowzero=1)


def _windows(
    writer: Any, value: str, mode: str, size: list[int], stride: list[int], pad: list[int]
) -> str:
    g = writer.graph
    how = {"kernel_shape": size, "strides": stride, "pads": [*pad, *pad]}
    if mode == "max":
        return g.add("MaxPool", value, **how)
    if mode == "average_exc_pad":
        return g.add("AveragePool", value, count_include_pad=0, **how)
    result = g.add("AveragePool", value, count_include_pad=1, **how)
    if mode == "sum":
        return g.add("Mul", result, g.constant(np.float32(np.prod(size))))
    return result


def _beyond_the_border(
    writer: Any, value: str, mode: str, size: list[int], stride: list[int]
) -> str:
    g, n = writer.graph, len(size)
    ends = []
    for i, (w, s) in enumerate(zip(size, stride, strict=True)):
        length = g.add("Shape", value, start=2 + i, end=3 + i)
        # Where windows overlap, the last is the first that reaches the end; else the last that
        # begins inside.
        lost = 1 if s >= w else 1 + w - s
        steps = g.add("Div", g.add("Sub", length, g.ints([lost])), g.ints([s]))
        steps = g.add("Max", steps, g.ints([0]))
        reach = g.add("Add", g.add("Mul", steps, g.ints([s])), g.ints([w]))
        ends.append((g.add("Max", g.add("Sub", reach, length), g.ints([0])), length, reach))
    pads = g.add("Concat", g.ints([0] * (n + 4)), *(end for end, _, _ in ends), axis=0)
    zero = [0] * n
    if mode == "max":
        longer = g.add("Pad", value, pads, g.constant(np.float32(-np.inf)))
    else:
        longer = g.add("Pad", value, pads, g.constant(np.float32(0)))
    # Where windows leave gaps, the image may be longer than they reach.
    result = _windows(
        writer, longer, "max" if mode == "max" else "average_inc_pad", size, stride, zero
    )
    if mode == "max":
        return result
    if mode == "sum":
        return g.add("Mul", result, g.constant(np.float32(np.prod(size))))
    ones = g.add("Expand", g.constant(np.ones((), np.float32)), g.add("Shape", value))
    inside = _windows(
        writer,
        g.add("Pad", ones, pads, g.constant(np.float32(0))),
        "average_inc_pad",
        size,
        stride,
        zero,
    )
    return g.add("Div", result, inside)
