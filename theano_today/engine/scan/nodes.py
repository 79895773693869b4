"""What each Op is in a scan's program: a function of the Builder and the node."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from theano.compile import ops
from theano.gof import Constant
from theano.tensor import basic, blas, blas_c, blas_scipy, opt
from theano.tensor import elemwise as te
from theano.tensor import subtensor as st

from theano_today.engine import formulas
from theano_today.engine.elemwise import shape_of
from theano_today.engine.formulas import Formula, Uncovered, code_of
from theano_today.engine.scan import products
from theano_today.engine.scan.views import NoSplit, Number, View, contiguous

Builder = Any  # program.Builder, which imports this module


def elemwise(b: Builder, node) -> list[View] | Number:
    out = node.outputs[0]
    if out.type.ndim == 0 and all(b.is_number(v) for v in node.inputs):
        return on_host(b, node)
    formula = b.formulas.get(node)
    if formula is None:
        formula = b.formulas[node] = Formula(node, joined=True)
    views = [b.view(v) for v in node.inputs]
    declared = [v.type.broadcastable for v in node.inputs]
    try:
        shape = shape_of(views, declared) if out.type.ndim else ()
    except ValueError as error:
        raise Uncovered(str(error)) from None
    splits = {v.split for v in views if v.split is not None}
    if len(splits) > 1:
        raise NoSplit
    split = splits.pop() if splits else None
    if split is not None:
        views = [
            v if d[split] else b.sliced(v, split) for v, d in zip(views, declared, strict=True)
        ]
        if any(v.split is not None and d[split] for v, d in zip(views, declared, strict=True)):
            raise NoSplit
    pattern = node.op.inplace_pattern
    outs = [
        b.writable(views[pattern[k]]) if k in pattern else b.new(v, shape, split)
        for k, v in enumerate(node.outputs)
    ]
    spread = [
        v.change(
            shape=shape,
            strides=tuple(
                0 if b and n > 1 else s for s, b, n in zip(v.strides, d, shape, strict=True)
            ),
        )
        for v, d in zip(views, declared, strict=True)
    ]
    b.chain(formula, outs, spread)
    return outs


def on_host(b: Builder, node) -> Number:
    """Compute integers now."""
    # Copies: some Ops work in place.
    inputs = [np.array(b.number(v).value, v.type.dtype) for v in node.inputs]
    cell: list = [None]
    node.op.perform(node, inputs, [cell])
    return Number(np.asarray(cell[0]))


def shape_i(b: Builder, node) -> Number:
    view = b.view(node.inputs[0])
    return Number(np.asarray(view.shape[node.op.i]), (view.split == node.op.i,))


def shape(b: Builder, node) -> Number:
    view = b.view(node.inputs[0])
    return Number(np.array(view.shape, np.int64), tuple(view.split == k for k in range(view.ndim)))


def make_vector(b: Builder, node) -> Number:
    numbers = [b.number(v) for v in node.inputs]
    values = np.array([n.value for n in numbers], node.outputs[0].type.dtype)
    return Number(values, tuple(n.rows[0] for n in numbers))


def same(b: Builder, node) -> View | Number:
    if b.is_number(node.inputs[0]):
        return b.number(node.inputs[0])
    return b.view(node.inputs[0])


def only_number(b: Builder, node) -> Number:
    return b.number(node.inputs[0])


def assertion(b: Builder, node) -> View | Number:
    if not all(bool(b.number(v).value) for v in node.inputs[1:]):
        raise Uncovered("an assertion that does not hold")
    return same(b, node)


def rebroadcast(b: Builder, node) -> View:
    view = b.view(node.inputs[0])
    if any(one and view.shape[axis] != 1 for axis, one in node.op.axis.items()):
        raise Uncovered("a dimension that is not 1")
    return view


def deep_copy(b: Builder, node) -> View:
    if b.is_number(node.inputs[0]):
        return b.view(node.inputs[0])
    view = b.view(node.inputs[0])
    to = b.new(node.outputs[0], view.shape, view.split)
    b.copy(to, view)
    return to


def dimshuffle(b: Builder, node) -> View:
    view, order = b.view(node.inputs[0]), node.op.new_order
    dropped = [k for k in range(view.ndim) if k not in order]
    if any(view.shape[k] != 1 for k in dropped) or view.split in dropped:
        raise Uncovered("a dropped dimension that is not 1")
    shuffled = view.change(
        shape=tuple(1 if k == "x" else view.shape[k] for k in order),
        strides=tuple(0 if k == "x" else view.strides[k] for k in order),
        split=None if view.split is None else order.index(view.split),
    )
    if getattr(node.op, "view_map", None):
        return shuffled
    to = b.new(node.outputs[0], shuffled.shape, shuffled.split)
    b.copy(to, shuffled)
    return to


def part(b: Builder, view: View, op, inputs) -> View:
    """view[...], for an Op that has idx_list"""
    rest = iter(inputs)

    def value(entry):
        if entry is None or isinstance(entry, (int, np.integer)):
            return entry
        return int(b.number(next(rest)).value)

    offset, split = view.offset, None
    shape: list[int] = []
    strides: list[int] = []
    for axis, length in enumerate(view.shape):
        entry = op.idx_list[axis] if axis < len(op.idx_list) else slice(None)
        step = view.strides[axis]
        if isinstance(entry, slice):
            # Evaluated in the order of the inputs
            start, stop, by = value(entry.start), value(entry.stop), value(entry.step)
            if by == 0:
                raise Uncovered("a step of 0")
            start, stop, by = slice(start, stop, by).indices(length)
            count = len(range(start, stop, by))
            if axis == view.split:
                if (start, count, by) != (0, length, 1):
                    raise NoSplit
                split = len(shape)
            elif count:
                offset += start * step
            shape.append(count)
            strides.append(by * step)
        else:
            k = value(entry)
            if axis == view.split:
                raise NoSplit
            if not -length <= k < length:
                raise Uncovered("an index out of range")
            offset += k % length * step
    return view.change(offset=offset, shape=tuple(shape), strides=tuple(strides), split=split)


def subtensor(b: Builder, node) -> View | Number:
    x = node.inputs[0]
    if b.is_number(x):
        return on_host(b, node)
    view = b.view(x)
    columns = products.columns_of(node, view.shape[1]) if view.ndim == 2 else None
    if (x, columns) in b.cut:
        return b.cut[x, columns]
    return part(b, view, node.op, node.inputs[1:])


def inc_subtensor(b: Builder, node) -> View:
    x, y = b.view(node.inputs[0]), b.view(node.inputs[1])
    out = node.outputs[0]
    if x.dtype != y.dtype:
        raise Uncovered("an increment of another type")
    inner = part(b, x, node.op, node.inputs[2:])
    if y.split is not None and x.split is None:
        axis = _axis_behind(node.op, y.split + inner.ndim - y.ndim)
        if x.shape[axis] != b.rows:
            raise NoSplit
        x = b.sliced(x, axis)
    if node.op.inplace or node in b.pieces:
        to = b.writable(x)
    else:
        to = b.new(out, x.shape, x.split)
        b.copy(to, x)
    inner = part(b, to, node.op, node.inputs[2:])
    if y.ndim > inner.ndim:
        raise Uncovered("an increment of more dimensions")
    y = spread(b, y, inner)
    if node in b.pieces:
        zero = b.constant(np.zeros((), x.dtype)).change(shape=y.shape, strides=(0,) * y.ndim)
        item = np.dtype(x.dtype).itemsize
        b.chain(formulas.of("add." + code_of(x.dtype), item, 2), [inner], [zero, y])
    elif node.op.set_instead_of_inc:
        b.copy(inner, y)
    else:
        item = np.dtype(x.dtype).itemsize
        b.chain(formulas.of("add." + code_of(x.dtype), item, 2), [inner], [inner, y])
    return to


def _axis_behind(op, axis: int) -> int:
    """Which axis of x is axis `axis` of x[...]."""
    kept = [k for k, entry in enumerate(op.idx_list) if isinstance(entry, slice)]
    kept += range(len(op.idx_list), len(op.idx_list) + axis + 1)
    return kept[axis]


def spread(b: Builder, view: View, out: View) -> View:
    """NumPy's broadcasting of `view` to the shape of `out`"""
    lead = out.ndim - view.ndim
    strides = [0] * lead
    split = None if view.split is None else view.split + lead
    for length, stride, wanted in zip(view.shape, view.strides, out.shape[lead:], strict=True):
        if length not in (1, wanted):
            raise Uncovered("shapes that do not fit")
        strides.append(stride if length == wanted else 0)
    spread = view.change(shape=out.shape, strides=tuple(strides), split=split)
    if out.split is None:
        if split is not None:
            raise NoSplit
        return spread
    axis = out.split
    if split is None and strides[axis] == 0 and out.shape[axis] != 1:
        return spread  # the same for all rows
    return b.sliced(spread, axis)


def alloc(b: Builder, node) -> View:
    numbers = [b.number(v) for v in node.inputs[1:]]
    shape = tuple(int(n.value) for n in numbers)
    if min(shape, default=0) < 0:
        raise Uncovered("a negative length")
    marked = [k for k, n in enumerate(numbers) if n.rows[0]]
    rows = marked[0] if len(marked) == 1 else None
    pieces = _pieces(b, node, shape)
    if pieces:  # nothing of the zeros is left in the end
        b.pieces.update(pieces)
        return b.new(pieces[-1].outputs[0], shape, rows)
    to = b.new(node.outputs[0], shape, rows)
    b.copy(to, spread(b, b.view(node.inputs[0]), to))
    return to


def _pieces(b: Builder, node, shape) -> list:
    """Return the nodes that increase zeros piece by piece until each element had its turn.

    The gradient of what a layer cuts into gates is written so. Empty if it is not.
    """
    value = node.inputs[0]
    if not isinstance(value, Constant) or np.any(value.data) or len(shape) < 1:
        return []
    whole = View(-1, node.outputs[0].type.dtype, 0, shape, contiguous(shape, 1))
    found, seen, v = [], np.zeros(shape[-1], int), node.outputs[0]
    while len(v.clients) == 1 and not isinstance(v.clients[0][0], str):
        client, at = v.clients[0]
        entries = getattr(client.op, "idx_list", ())
        fits = type(client.op) is st.IncSubtensor and at == 0 and len(entries) == len(shape)
        if not fits or client.op.set_instead_of_inc or client.inputs[1].ndim != len(shape):
            break
        if not all(isinstance(i, Constant) for i in client.inputs[2:]):
            break
        inner = part(b, whole, client.op, client.inputs[2:])
        if inner.shape[:-1] != shape[:-1] or inner.strides != whole.strides:
            break
        seen[inner.offset : inner.offset + inner.shape[-1]] += 1
        found.append(client)
        v = client.outputs[0]
    return found if found and (seen == 1).all() else []


def alloc_empty(b: Builder, node) -> View:
    numbers = [b.number(v) for v in node.inputs]
    shape = tuple(int(n.value) for n in numbers)
    marked = [k for k, n in enumerate(numbers) if n.rows[0]]
    return b.new(node.outputs[0], shape, marked[0] if len(marked) == 1 else None)


def reshape(b: Builder, node) -> View | Number:
    view, target = b.view(node.inputs[0]), b.number(node.inputs[1])
    shape = [int(n) for n in target.value]
    size = math.prod(view.shape)
    if shape.count(-1) == 1:
        rest = -math.prod(shape)
        if rest <= 0 or size % rest:
            raise Uncovered("a shape that does not fit")
        shape[shape.index(-1)] = size // rest
    if math.prod(shape) != size or min(shape, default=0) < 0:
        raise Uncovered("a shape that does not fit")
    split = view.split
    if split is not None and (split != 0 or shape[:1] != [b.rows]):
        raise NoSplit
    item = np.dtype(view.dtype).itemsize
    if view.strides != contiguous(view.shape, item) and size:
        whole = b.scratch(view.shape, view.dtype, split, node.outputs[0])
        b.copy(whole, view)
        view = whole
    return view.change(shape=tuple(shape), strides=contiguous(shape, item))


def join(b: Builder, node) -> View | Number:
    axis_number, *tensors = node.inputs
    axis = int(b.number(axis_number).value)
    if all(b.is_number(v) for v in tensors):
        return Number(np.concatenate([np.atleast_1d(b.number(v).value) for v in tensors]))
    views = [b.view(v) for v in tensors]
    axis %= views[0].ndim
    shape = list(views[0].shape)
    shape[axis] = sum(v.shape[axis] for v in views)
    splits = {v.split for v in views if v.split is not None}
    split = splits.pop() if len(splits) == 1 else None
    if splits or split == axis:
        raise NoSplit
    to = b.new(node.outputs[0], shape, split)
    at = 0
    for view in views:
        if [n for k, n in enumerate(view.shape) if k != axis] != [
            n for k, n in enumerate(shape) if k != axis
        ]:
            raise Uncovered("shapes that do not fit")
        if view.dtype != to.dtype:
            raise Uncovered("a join of several types")
        part = to.change(offset=to.offset + at * to.strides[axis], shape=view.shape)
        b.copy(part, view if split is None else b.sliced(view, split))
        at += view.shape[axis]
    return to


def split(b: Builder, node) -> list[View]:
    x, axis_number, lengths = node.inputs
    view, axis = b.view(x), int(b.number(axis_number).value)
    sizes = [int(n) for n in b.number(lengths).value]
    axis %= view.ndim
    if len(sizes) != node.op.len_splits or min(sizes) < 0 or sum(sizes) != view.shape[axis]:
        raise Uncovered("a split that does not fit")
    if axis == view.split:
        raise NoSplit
    parts, at = [], view.offset
    for v, size in zip(node.outputs, sizes, strict=True):
        shape = tuple(size if k == axis else n for k, n in enumerate(view.shape))
        to = b.new(v, shape, view.split)
        b.copy(to, view.change(offset=at, shape=shape))
        parts.append(to)
        at += size * view.strides[axis]
    return parts


def total(b: Builder, node) -> View:
    view, out = b.view(node.inputs[0]), node.outputs[0]
    axes = node.op.axis
    axes = tuple(range(view.ndim)) if axes is None else tuple(axes)
    if view.dtype.startswith("float"):
        fits = node.op.acc_dtype == "float64"
    else:
        fits = node.op.acc_dtype == "int64" and out.type.dtype == "int64"
        if view.dtype != "int64" and fits:
            wide = b.scratch(view.shape, "int64", view.split)
            code = code_of(view.dtype)
            b.chain(formulas.of(f"cast.{code}.i8", 8), [wide], [view])
            view = wide
    types = {"float32": 0, "float64": 1, "int64": 2}
    if not fits or out.type.dtype not in types:
        raise Uncovered("a sum in another type")
    kept = [k for k in range(view.ndim) if k not in axes]
    accumulator = -1
    k = b.accumulated.get(out)
    if k is not None:
        if view.split not in axes or not view.dtype.startswith("float"):
            raise NoSplit
        dtype, shape, strides = b.given.states[k]
        if tuple(view.shape[a] for a in kept) != shape:
            raise Uncovered("a sum of another shape")
        accumulator = len(b.accumulators)
        slot = b.view(b.taps[k, -1]).slot
        b.accumulators.append([math.prod(shape), b.slot("out", k), types[dtype]])
        to = View(slot, dtype, 0, shape, strides)
    else:
        if view.split in axes and view.split is not None:
            raise NoSplit
        rows = kept.index(view.split) if view.split is not None else None
        to = b.new(out, [view.shape[a] for a in kept], rows)
    lengths, steps = [1] * view.ndim, [0] * view.ndim
    for a, length, stride in zip(kept, to.shape, to.strides, strict=True):
        lengths[a], steps[a] = length, stride
    wide = to.change(
        shape=tuple(lengths), strides=tuple(steps),
        split=view.split if k is None else None,
    )  # fmt: skip
    b.emit(2, [types[view.dtype], types[to.dtype], accumulator, *wide.words(), *view.words()])
    return to


HANDLERS: dict[type, Callable] = {
    te.Elemwise: elemwise,
    te.DimShuffle: dimshuffle,
    te.Sum: total,
    blas.Gemm: products.gemm,
    blas.Dot22: products.dot22,
    blas.Dot22Scalar: products.dot22_scalar,
    blas.Gemv: products.gemv,
    blas_c.CGemv: products.gemv,
    basic.Dot: products.dot,
    blas.Ger: products.ger,
    blas_c.CGer: products.ger,
    blas_scipy.ScipyGer: products.ger,
    basic.Alloc: alloc,
    basic.AllocEmpty: alloc_empty,
    basic.Reshape: reshape,
    basic.Join: join,
    basic.Split: split,
    basic.ScalarFromTensor: only_number,
    basic.TensorFromScalar: only_number,
    opt.Assert: assertion,
    opt.MakeVector: make_vector,
    ops.Shape: shape,
    ops.Shape_i: shape_i,
    ops.ViewOp: same,
    ops.Rebroadcast: rebroadcast,
    ops.DeepCopyOp: deep_copy,
    st.Subtensor: subtensor,
    st.IncSubtensor: inc_subtensor,
}
