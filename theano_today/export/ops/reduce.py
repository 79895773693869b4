"""Sums, maxima, products of matrices, softmax, normalization."""

from __future__ import annotations

from typing import Any

import numpy as np
from theano import scalar as ts
from theano.tensor import basic as tb
from theano.tensor import blas, extra_ops
from theano.tensor import elemwise as te
from theano.tensor.nnet import bn, nnet

from theano_today.export.graph import dtype_for
from theano_today.export.ops.table import implements, needed

_KINDS = {
    ts.Add: "ReduceSum", ts.Mul: "ReduceProd", ts.Maximum: "ReduceMax", ts.Minimum: "ReduceMin",
    ts.OR: "ReduceMax", ts.AND: "ReduceMin",
}  # fmt: skip


@implements(te.Sum, te.Prod, te.CAReduce, te.CAReduceDtype, te.All, te.Any)
def reduce(writer: Any, node: Any) -> str:
    g, (x,), op = writer.graph, node.inputs, node.op
    kind = _KINDS.get(type(op.scalar_op))
    if kind is None:
        raise NotImplementedError(f"a reduction by {op.scalar_op}")
    axes = range(x.ndim) if op.axis is None else sorted(a % x.ndim for a in np.atleast_1d(op.axis))
    out, value = dtype_for(node.outputs[0].dtype), writer[x]
    truth = out.kind == "b"
    wide = np.dtype(np.int64) if truth else out  # reductions know no truth values
    if dtype_for(x.dtype) != wide:
        value = g.cast(value, wide)
    if axes:
        value = g.add(kind, value, g.ints(list(axes)), keepdims=0)
    return g.cast(value, np.bool_) if truth else value


@implements(tb.Mean)
def mean(writer: Any, node: Any) -> str:
    g, (x,), op = writer.graph, node.inputs, node.op
    axes = range(x.ndim) if op.axis is None else [a % x.ndim for a in np.atleast_1d(op.axis)]
    return g.add("ReduceMean", writer[x], g.ints(list(axes)), keepdims=0)


@implements(tb.MaxAndArgmax, tb.Argmax)
def max_and_argmax(writer: Any, node: Any) -> Any:
    g, x = writer.graph, node.inputs[0]
    if hasattr(node.op, "axis"):
        axis = node.op.axis
    else:
        axis = None if len(node.inputs) < 2 else needed(writer, node.inputs[1], "an axis")
    axes = list(range(x.ndim)) if axis is None else [int(a) % x.ndim for a in np.atleast_1d(axis)]
    results = []
    for out in node.outputs:
        if out is node.outputs[-1]:
            results.append(_argmax(writer, x, axes))
        else:
            results.append(g.add("ReduceMax", writer[x], g.ints(axes), keepdims=0))
    return results


def _argmax(writer: Any, x: Any, axes: list[int]) -> str:
    g = writer.graph
    if len(axes) == 1:
        return g.add("ArgMax", writer[x], axis=axes[0], keepdims=0)
    kept = [i for i in range(x.ndim) if i not in axes]
    value = g.add("Transpose", writer[x], perm=[*kept, *axes])
    head = g.add("Shape", value, start=0, end=len(kept))
    value = g.add("Reshape", value, g.add("Concat", head, g.ints([-1]), axis=0))
    return g.add("ArgMax", value, axis=len(kept), keepdims=0)


@implements(tb.Dot)
def dot(writer: Any, node: Any) -> str:
    return writer.graph.add("MatMul", *(writer[v] for v in node.inputs))


@implements(blas.BatchedDot)
def batched_dot(writer: Any, node: Any) -> str:
    g, (a, b) = writer.graph, node.inputs
    left = writer[a] if a.ndim == 3 else g.add("Unsqueeze", writer[a], g.ints([1]))
    right = writer[b] if b.ndim == 3 else g.add("Unsqueeze", writer[b], g.ints([2]))
    value = g.add("MatMul", left, right)
    dropped = [*([1] if a.ndim == 2 else []), *([2] if b.ndim == 2 else [])]
    return g.add("Squeeze", value, g.ints(dropped)) if dropped else value


@implements(nnet.Softmax)
def softmax(writer: Any, node: Any) -> str:
    return writer.graph.add("Softmax", writer[node.inputs[0]], axis=-1)


@implements(nnet.LogSoftmax)
def log_softmax(writer: Any, node: Any) -> str:
    return writer.graph.add("LogSoftmax", writer[node.inputs[0]], axis=-1)


@implements(nnet.SoftmaxWithBias)
def softmax_with_bias(writer: Any, node: Any) -> str:
    g, (x, b) = writer.graph, node.inputs
    return g.add("Softmax", g.add("Add", writer[x], writer[b]), axis=-1)


@implements(bn.AbstractBatchNormInference)
def normalize(writer: Any, node: Any) -> str:
    g = writer.graph
    x, scale, bias, average, variance, epsilon = (writer[v] for v in node.inputs)
    deviation = g.add("Sqrt", g.add("Add", variance, epsilon))
    return g.add(
        "Add", g.add("Div", g.add("Mul", g.add("Sub", x, average), scale), deviation), bias
    )


@implements(extra_ops.CumOp)
def cumulate(writer: Any, node: Any) -> str:
    g, (x,), op = writer.graph, node.inputs, node.op
    if op.mode != "add":
        raise NotImplementedError("a cumulated product")
    value, axis = writer[x], op.axis
    if axis is None:
        value, axis = g.add("Reshape", value, g.ints([-1])), 0
    return g.add("CumSum", value, g.constant(np.int64(axis)))
