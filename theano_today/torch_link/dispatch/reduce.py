"""Sums, products, extremes and their positions along axes; cumulative sums."""

from __future__ import annotations

import math

import theano.scalar as ts
import torch
from theano.tensor import basic as tb
from theano.tensor import elemwise as te
from theano.tensor.extra_ops import CumOp

from theano_today.torch_link.dispatch.basic import implements
from theano_today.torch_link.raw_kernels import sum_in_float64
from theano_today.torch_link.target import torch_dtype

_REDUCTIONS = (te.CAReduce, te.CAReduceDtype, te.Sum, te.Prod, te.All, te.Any)


@implements(*_REDUCTIONS, *(getattr(tb, n) for n in ("Max", "Min") if hasattr(tb, n)))
def careduce(op, node, target):
    (x,), (out,) = node.inputs, node.outputs
    axes = tuple(range(x.ndim)) if op.axis is None else tuple(a % x.ndim for a in op.axis)
    dtype = torch_dtype(out.type.dtype)
    accumulator = target.accumulator(getattr(op, "acc_dtype", None) or out.type.dtype)
    kind = type(op.scalar_op)
    if not axes:
        return lambda x: x.to(dtype)
    if kind is ts.Add:
        # Theano adds float32 up in float64.
        if target.is_cuda and dtype == torch.float32 and accumulator == torch.float64:
            return lambda x: _sum_on_cuda(x, axes).to(dtype)
        return lambda x: x.sum(axes, dtype=accumulator).to(dtype)
    if kind is ts.Mul:
        return lambda x: _prod(x, axes, accumulator).to(dtype)
    if kind in (ts.Maximum, ts.Minimum):
        return _extreme("amax" if kind is ts.Maximum else "amin", axes, op.scalar_op)
    if x.type.dtype == "bool" and kind in (ts.AND, ts.OR):
        return torch_all(axes) if kind is ts.AND else torch_any(axes)
    return None


def _extreme(name, axes, scalar_op):
    def function(x):
        for axis in axes:
            if not x.shape[axis]:  # what Theano's C code says
                said = f"Input of CAReduce{{{scalar_op}}} has zero-size on axis {axis}"
                raise ValueError(said)
        return getattr(x, name)(axes)

    return function


def _sum_on_cuda(x, axes):
    found = sum_in_float64(x, axes) if x.dtype == torch.float32 else None
    return x.sum(axes, dtype=torch.float64) if found is None else found


def _prod(x, axes, dtype):
    x = x.to(dtype)
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis)
    return x


def torch_all(axes):
    """``x.all`` along several axes."""
    return lambda x: torch.all(x, dim=axes)


def torch_any(axes):
    """``x.any`` along several axes."""
    return lambda x: torch.any(x, dim=axes)


def _last_axis(op, node):
    x = node.inputs[0]
    axes = list(range(x.ndim)) if op.axis is None else sorted(a % x.ndim for a in op.axis)
    kept = [a for a in range(x.ndim) if a not in axes]

    def reorder(x):
        # (kept..., reduced...) -> (kept..., all of the reduced)
        length = math.prod(x.shape[a] for a in axes)
        if not length:
            raise ValueError("attempt to get argmax of an empty sequence")
        return x.permute(kept + axes).reshape([x.shape[a] for a in kept] + [length])

    return reorder


@implements(tb.MaxAndArgmax)
def max_and_argmax(op, node, target):
    reorder = _last_axis(op, node)

    def function(x, *_):
        y = reorder(x)
        return y.amax(-1), y.argmax(-1)  # of equal ones the first, as Theano's

    return function


@implements(tb.Argmax)
def argmax(op, node, target):
    reorder = _last_axis(op, node)
    return lambda x, *_: reorder(x).argmax(-1)


@implements(CumOp)
def cumulative(op, node, target):
    function = torch.cumsum if op.mode == "add" else torch.cumprod
    dtype = torch_dtype(node.outputs[0].type.dtype)
    if op.axis is None:
        return lambda x: function(x.reshape(-1), 0, dtype=dtype)
    return lambda x: function(x, op.axis, dtype=dtype)
