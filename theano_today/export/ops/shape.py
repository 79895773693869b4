"""Shapes, and Ops that only rearrange."""

from __future__ import annotations

from typing import Any

import numpy as np
from theano import compile as tc
from theano import gradient
from theano.tensor import basic as tb
from theano.tensor import extra_ops, opt
from theano.tensor.elemwise import DimShuffle
from theano.tensor.opt import Assert
from theano.tensor.subtensor import Subtensor

from theano_today.export.graph import dtype_for
from theano_today.export.ops.table import entries, implements, needed, scalar, vector


@implements(tc.ViewOp, tc.DeepCopyOp, tc.ops.OutputGuard, tc.Rebroadcast, tc.SpecifyShape, Assert,
            tb.TensorFromScalar, tb.ScalarFromTensor, gradient.ConsiderConstant, gradient.ZeroGrad,
            gradient.UndefinedGrad, gradient.DisconnectedGrad, gradient.GradClip,
            gradient.GradScale)  # fmt: skip
def same(writer: Any, node: Any) -> str:
    return writer[node.inputs[0]]


@implements(tc.Shape)
def shape(writer: Any, node: Any) -> str:
    return writer.graph.add("Shape", writer[node.inputs[0]])


@implements(tc.Shape_i)
def shape_i(writer: Any, node: Any) -> str:
    return one_size(writer, node.inputs[0], node.op.i)


def one_size(writer: Any, variable: Any, axis: int) -> str:
    """A scalar: how long an axis is."""
    g = writer.graph
    return scalar(writer, g.add("Shape", writer[variable], start=axis, end=axis + 1))


@implements(DimShuffle)
def dimshuffle(writer: Any, node: Any) -> str:
    g, value = writer.graph, writer[node.inputs[0]]
    order = [i for i in node.op.new_order if i != "x"]
    dropped = [i for i in range(node.inputs[0].ndim) if i not in order]
    if dropped:
        value = g.add("Squeeze", value, g.ints(dropped))
    kept = [i for i in range(node.inputs[0].ndim) if i in order]
    places = [kept.index(i) for i in order]
    if places != sorted(places):
        value = g.add("Transpose", value, perm=places)
    new = [i for i, old in enumerate(node.op.new_order) if old == "x"]
    return g.add("Unsqueeze", value, g.ints(new)) if new else value


@implements(tb.Reshape)
def reshape(writer: Any, node: Any) -> str:
    g, (x, wanted) = writer.graph, node.inputs
    known = writer.known(wanted)
    if known is not None:
        # Only where no length is 0 may one of them be -1.
        zero = 0 if (known == -1).any() else 1
        return g.add("Reshape", writer[x], g.ints(known), allowzero=zero)
    parts = _parts(wanted)
    if -1 not in [writer.whole(part) for part in parts]:
        return g.add("Reshape", writer[x], writer[wanted], allowzero=1)
    kept = len(parts) - 1
    if all(_is_length(writer, part, x, i) for i, part in enumerate(parts[:kept])):
        return _flat(writer, x, kept)
    return g.add("Reshape", writer[x], writer[wanted])


def _parts(wanted: Any) -> list:
    """The scalars that a new shape is made of, or an empty list."""
    if wanted.owner is not None and isinstance(wanted.owner.op, opt.MakeVector):
        return list(wanted.owner.inputs)
    return []


def _is_length(writer: Any, part: Any, x: Any, axis: int) -> bool:
    """Whether a scalar is ``x.shape[axis]``, or ``x.shape[:k][axis]`` as flatten writes it."""
    while part.owner is not None and isinstance(
        part.owner.op, (tb.TensorFromScalar, tb.ScalarFromTensor)
    ):
        part = part.owner.inputs[0]
    if part.owner is None or type(part.owner.op) is not Subtensor:
        return False
    index = _indices(writer, part.owner)
    whole = part.owner.inputs[0].owner
    while whole is not None and type(whole.op) is Subtensor:
        (entry,) = _indices(writer, whole)
        if not isinstance(entry, slice) or entry.start not in (None, 0) or entry.step is not None:
            return False
        whole = whole.inputs[0].owner
    return (
        index == [axis]
        and whole is not None
        and type(whole.op) is tc.Shape
        and whole.inputs[0] is x
    )


def _indices(writer: Any, node: Any) -> list:
    """The indices of a Subtensor, numbers where they are known."""
    return [
        slice(*(None if v is None else writer.whole(v) for v in (e.start, e.stop, e.step)))
        if isinstance(e, slice)
        else writer.whole(e)
        for e in entries(node.op.idx_list, node.inputs[1:])
    ]


def _flat(writer: Any, x: Any, kept: int) -> str:
    """The last axes as one. Its length is their product, not -1: a batch may have 0 rows."""
    g = writer.graph
    if kept == 0:
        return g.add("Reshape", writer[x], g.ints([-1]))
    if kept == 1:
        return g.add("Flatten", writer[x], axis=1)
    head = g.add("Shape", writer[x], start=0, end=kept)
    size = g.add("ReduceProd", g.add("Shape", writer[x], start=kept), keepdims=1)
    return g.add("Reshape", writer[x], g.add("Concat", head, size, axis=0), allowzero=1)


@implements(tb.Flatten)
def flatten(writer: Any, node: Any) -> str:
    (x,), outdim = node.inputs, node.op.outdim
    return writer[x] if outdim == x.ndim else _flat(writer, x, outdim - 1)


@implements(opt.MakeVector)
def make_vector(writer: Any, node: Any) -> str:
    g, out = writer.graph, dtype_for(node.outputs[0].dtype)
    if not node.inputs:
        return g.constant(np.zeros(0, out))
    parts = [
        vector(writer, writer[v] if dtype_for(v.dtype) == out else g.cast(writer[v], out))
        for v in node.inputs
    ]
    return g.add("Concat", *parts, axis=0)


@implements(tb.Join)
def join(writer: Any, node: Any) -> str:
    g, out = writer.graph, dtype_for(node.outputs[0].dtype)
    axis = int(needed(writer, node.inputs[0], "an axis to join at"))
    parts = [
        writer[v] if dtype_for(v.dtype) == out else g.cast(writer[v], out) for v in node.inputs[1:]
    ]
    return g.add("Concat", *parts, axis=axis)


@implements(tb.Split)
def split(writer: Any, node: Any) -> Any:
    g, (x, axis, sizes) = writer.graph, node.inputs
    place = int(needed(writer, axis, "an axis to split at"))
    n = len(node.outputs)
    return g.add("Split", writer[x], writer[sizes], outputs=n, axis=place)


@implements(tb.Alloc)
def alloc(writer: Any, node: Any) -> str:
    g = writer.graph
    if len(node.inputs) == 1:
        return writer[node.inputs[0]]
    sizes = [vector(writer, writer[v]) for v in node.inputs[1:]]
    return g.add("Expand", writer[node.inputs[0]], g.add("Concat", *sizes, axis=0))


@implements(tb.AllocEmpty)
def alloc_empty(writer: Any, node: Any) -> str:
    g, out = writer.graph, dtype_for(node.outputs[0].dtype)
    sizes = [vector(writer, writer[v]) for v in node.inputs]
    return g.add("Expand", g.constant(np.zeros((), out)), g.add("Concat", *sizes, axis=0))


@implements(tb.ARange)
def arange(writer: Any, node: Any) -> str:
    g, out = writer.graph, dtype_for(node.outputs[0].dtype)
    given = [
        writer[v] if dtype_for(v.dtype) == out else g.cast(writer[v], out) for v in node.inputs
    ]
    return g.add("Range", *given)


@implements(tb.Tile)
def tile(writer: Any, node: Any) -> str:
    return writer.graph.add("Tile", writer[node.inputs[0]], writer[node.inputs[1]])


@implements(extra_ops.RepeatOp)
def repeat(writer: Any, node: Any) -> str:
    g, x, axis = writer.graph, node.inputs[0], node.op.axis
    times = needed(writer, node.inputs[1], "a number of repetitions")
    if times.ndim:
        raise NotImplementedError("a number of repetitions for each element")
    value, ndim = writer[x], x.ndim
    if axis is None:
        value, axis, ndim = g.add("Reshape", value, g.ints([-1])), 0, 1
    axis %= ndim
    wide = g.add("Unsqueeze", value, g.ints([axis + 1]))
    wide = g.add("Expand", wide, g.ints([1] * (axis + 1) + [int(times)] + [1] * (ndim - axis - 1)))
    sizes = [g.add("Shape", value, start=i, end=i + 1) for i in range(ndim)]
    sizes[axis] = g.add("Mul", sizes[axis], g.ints([int(times)]))
    return g.add("Reshape", wide, g.add("Concat", *sizes, axis=0), allowzero=1)
