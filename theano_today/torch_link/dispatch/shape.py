"""Ops that make, join, split and reshape tensors, and those that move scalars to and fro."""

from __future__ import annotations

import numpy as np
import torch
from theano.tensor import basic as tb
from theano.tensor.opt import Assert, MakeVector

from theano_today.torch_link.dispatch.basic import (
    every_input,
    from_second,
    implements,
    ints,
    is_number,
)
from theano_today.torch_link.target import torch_dtype


@implements(tb.Reshape, host=(1,))
def reshape(op, node, target):
    def function(x, shape):
        shape = ints(shape)
        try:
            return x.reshape(shape)
        except RuntimeError:
            raise ValueError(
                f"Cannot reshape input of shape {tuple(x.shape)} to shape {tuple(shape)}"
            ) from None

    return function


@implements(tb.Flatten)
def flatten(op, node, target):
    return lambda x: x.reshape([*x.shape[: op.outdim - 1], -1])


@implements(tb.Alloc, host=from_second, numbers="0-d")
def alloc(op, node, target):
    dtype = node.outputs[0].type.dtype

    def function(value, *sizes):
        shape = ints(sizes)
        if is_number(value):
            return target.full(value, dtype, shape)
        try:
            return value.expand(shape)
        except RuntimeError:
            raise ValueError(
                f"Alloc: a value of shape {tuple(value.shape)} does not fill {tuple(shape)}"
            ) from None

    return function


@implements(tb.AllocEmpty, host=every_input)
def alloc_empty(op, node, target):
    dtype = torch_dtype(op.dtype)
    return lambda *shape: torch.empty(ints(shape), dtype=dtype, device=target.device)


@implements(tb.ARange, host=every_input)
def arange(op, node, target):
    # Counted on the host: NumPy and torch round the number of float steps differently.
    def function(start, stop, step):
        values = np.arange(start.item(), stop.item(), step.item(), dtype=op.dtype)
        if target.holds(op.dtype) and np.issubdtype(values.dtype, np.integer):
            first, last = int(start), int(start) + len(values) * int(step)
            return torch.arange(first, last, int(step), device=target.device).to(
                torch_dtype(op.dtype)
            )
        return target.upload(values)

    return function


@implements(tb.Eye, host=every_input)
def eye(op, node, target):
    def function(rows, columns, diagonal):
        i = torch.arange(int(rows), device=target.device)[:, None]
        j = torch.arange(int(columns), device=target.device)[None, :]
        return (j - i == int(diagonal)).to(torch_dtype(op.dtype))

    return function


@implements(tb.Join, host=(0,))
def join(op, node, target):
    dtype = torch_dtype(node.outputs[0].type.dtype)

    def function(axis, *parts):
        axis = int(axis)
        rest = {(*p.shape[:axis], *p.shape[axis:][1:]) for p in parts} if axis >= 0 else ()
        if len(rest) > 1:
            raise ValueError(
                f"Join: shapes {[tuple(p.shape) for p in parts]} differ outside of axis {axis}"
            )
        return torch.cat([p.to(dtype) for p in parts], axis)

    return function


@implements(tb.Split, host=(1, 2))
def split(op, node, target):
    def function(x, axis, sizes):
        axis, sizes = int(axis), ints(sizes)
        if len(sizes) != op.len_splits or sum(sizes) != x.shape[axis] or min(sizes) < 0:
            raise ValueError(
                f"Split: sizes {sizes} for {op.len_splits} parts of {x.shape[axis]} along axis "
                f"{axis}"
            )
        parts = torch.split(x, sizes, axis)
        return parts if len(parts) > 1 else parts[0]

    return function


@implements(MakeVector)
def make_vector(op, node, target):
    dtype = torch_dtype(node.outputs[0].type.dtype)
    return lambda *elements: torch.stack([e.to(dtype) for e in elements])


@implements(tb.TensorFromScalar, host=(0,))
def tensor_from_scalar(op, node, target):
    dtype = node.outputs[0].type.dtype
    return lambda x: target.full(x.item() if hasattr(x, "item") else x, dtype)


@implements(Assert, host=from_second)
def check(op, node, target):
    def function(x, *conditions):
        if not all(np.all(c) for c in conditions):
            raise op.exc_type(op.msg) if hasattr(op, "exc_type") else AssertionError(op.msg)
        return x

    return function
