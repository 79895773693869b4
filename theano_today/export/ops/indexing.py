"""Subtensors, and setting or increasing them."""

from __future__ import annotations

from typing import Any

import numpy as np
from theano import compile as tc
from theano import scalar as ts
from theano.tensor import basic as tb
from theano.tensor import subtensor as sub
from theano.tensor.elemwise import DimShuffle, Elemwise

from theano_today.export.graph import dtype_for
from theano_today.export.ops.shape import one_size
from theano_today.export.ops.table import FIRST, LAST, entries, implements, vector


def _name(writer: Any, entry: Any) -> str:
    """A scalar of int64."""
    if isinstance(entry, (int, np.integer)):
        return writer.graph.constant(np.int64(entry))
    return writer[entry]


def _full(entry: Any) -> bool:
    return isinstance(entry, slice) and entry == slice(None)


def _limits(writer: Any, entry: slice) -> tuple[str, str, str]:
    """start, stop and step, vectors of one."""
    g = writer.graph
    step = 1 if entry.step is None else writer.whole(entry.step)
    if step is None:
        raise NotImplementedError("a slice whose step depends on the input")
    if entry.start is None:
        start = g.ints([0 if step > 0 else LAST])
    else:
        start = vector(writer, _name(writer, entry.start))
    if entry.stop is None:
        stop = g.ints([LAST if step > 0 else FIRST])
    else:
        stop = vector(writer, _name(writer, entry.stop))
    return start, stop, g.ints([step])


@implements(sub.Subtensor)
def subtensor(writer: Any, node: Any) -> str:
    g, x = writer.graph, node.inputs[0]
    wanted = entries(node.op.idx_list, node.inputs[1:])
    if x.owner is not None and type(x.owner.op) is tc.Shape and len(wanted) == 1:
        lengths = _lengths(writer, x.owner.inputs[0], wanted[0])
        if lengths is not None:
            return lengths
    value = writer[x]
    slices = [(i, e) for i, e in enumerate(wanted) if isinstance(e, slice) and not _full(e)]
    if slices:
        starts, stops, steps = zip(*(_limits(writer, e) for _, e in slices), strict=True)
        joined = [
            parts[0] if len(parts) == 1 else g.add("Concat", *parts, axis=0)
            for parts in (starts, stops, steps)
        ]
        axes = g.ints([i for i, _ in slices])
        value = g.add("Slice", value, joined[0], joined[1], axes, joined[2])
    # From the last axis to the first, so that those before keep their numbers.
    for axis, entry in reversed(list(enumerate(wanted))):
        if not isinstance(entry, slice):
            value = g.add("Gather", value, _name(writer, entry), axis=axis)
    return value


def _lengths(writer: Any, image: Any, entry: Any) -> str | None:
    """A part of a shape, which ONNX's Shape gives at once; what reads the file can foresee it."""
    if not isinstance(entry, slice):
        axis = writer.whole(entry)
        return None if axis is None else one_size(writer, image, axis % image.ndim)
    limits = [entry.start, entry.stop, entry.step]
    numbers = [writer.whole(v) for v in limits]
    if any(v is not None and n is None for v, n in zip(limits, numbers, strict=True)):
        return None
    start, stop, step = slice(*numbers).indices(image.ndim)
    if step != 1:
        return None
    return writer.graph.add("Shape", writer[image], start=start, end=max(start, stop))


@implements(sub.IncSubtensor)
def inc_subtensor(writer: Any, node: Any) -> str:
    x, y = node.inputs[:2]
    wanted = entries(node.op.idx_list, node.inputs[2:])
    padded = _padded(writer, node, wanted)
    if padded is not None:
        return padded
    g, out = writer.graph, dtype_for(node.outputs[0].dtype)
    update = writer[y] if dtype_for(y.dtype) == out else g.cast(writer[y], out)
    # One axis for each entry, of length 1 where the entry is a single index.
    taken, singles = [], []
    for i, entry in enumerate(wanted):
        if isinstance(entry, slice):
            taken.append(entry)
            continue
        singles.append(i)
        index = writer.whole(entry)
        if index is None:
            raise NotImplementedError("a subtensor set at an index that depends on the input")
        taken.append(slice(index, index + 1 if index != -1 else None))
    rest = x.ndim - len(wanted)
    missing = (x.ndim - len(singles)) - y.ndim
    if missing > 0:
        update = g.add("Unsqueeze", update, g.ints(range(missing)))
    if singles:
        update = g.add("Unsqueeze", update, g.ints(singles))
    parts = taken + [slice(None)] * rest
    return _set(writer, writer[x], update, parts, 0, node.op.set_instead_of_inc)


def _set(writer: Any, x: str, update: str, entries: list[slice], axis: int, replace: bool) -> str:
    """x with entries[axis:] of it set: along this axis the part is scattered back whole."""
    g = writer.graph
    while axis < len(entries) and _full(entries[axis]):
        axis += 1
    if axis == len(entries):
        if not replace:
            return g.add("Add", x, update)
        return g.add("Expand", update, g.add("Shape", x))
    start, stop, step = _limits(writer, entries[axis])
    part = g.add("Slice", x, start, stop, g.ints([axis]), step)
    inner = _set(writer, part, update, entries, axis + 1, replace)
    # The places of the part: the same slice of 0, 1, 2, ...
    length = g.add("Reshape", g.add("Shape", x, start=axis, end=axis + 1), g.ints([]))
    zero, one = g.constant(np.int64(0)), g.constant(np.int64(1))
    places = g.add("Slice", g.add("Range", zero, length, one), start, stop, g.ints([0]), step)
    around = [i for i in range(len(entries)) if i != axis]
    if around:
        places = g.add("Unsqueeze", places, g.ints(around))
    places = g.add("Expand", places, g.add("Shape", inner))
    return g.add("ScatterElements", x, places, inner, axis=axis)


def _padded(writer: Any, node: Any, entries: list) -> str | None:
    """Lasagne's padding, a box set in an array of one value, is a node of its own in ONNX."""
    x, y = node.inputs[:2]
    fill, sizes = _filled(writer, x)
    if fill is None or not node.op.set_instead_of_inc or y.ndim != x.ndim:
        return None
    if any(y.broadcastable):
        return None  # it may be stretched
    g = writer.graph
    before, after = [], []
    for axis in range(x.ndim):
        entry = entries[axis] if axis < len(entries) else slice(None)
        if not isinstance(entry, slice) or entry.step is not None:
            return None
        if _full(entry):
            before.append(g.ints([0]))
            after.append(g.ints([0]))
            continue
        start = 0 if entry.start is None else writer.whole(entry.start)
        stop = None if entry.stop is None else writer.whole(entry.stop)
        if start is None or start < 0 or (stop is not None and stop < 0) or entry.stop is None:
            return None
        size = vector(writer, writer[sizes[axis]])
        before.append(g.ints([start]))
        after.append(g.add("Sub", size, vector(writer, _name(writer, entry.stop))))
    pads = g.add("Concat", *before, *after, axis=0)
    value = g.constant(np.asarray(fill, dtype_for(x.dtype)).reshape(()))
    return g.add("Pad", writer[y], pads, value)


def _filled(writer: Any, x: Any) -> tuple[Any, list]:
    """The value and the lengths of an array that has one value; None and [] for others."""
    node = x.owner
    if node is None:
        return None, []
    if type(node.op) is tb.Alloc:
        value = writer.known(node.inputs[0])
        if value is not None and value.size == 1:
            return value.item(), list(node.inputs[1:])
    if type(node.op) is Elemwise and type(node.op.scalar_op) is ts.Mul and len(node.inputs) == 2:
        for one, other in (node.inputs, node.inputs[::-1]):
            value, (factor, sizes) = writer.known(other), _filled(writer, one)
            if value is not None and value.size == 1 and factor is not None:
                return factor * value.item(), sizes
    if type(node.op) is DimShuffle and list(node.op.new_order) == list(range(x.ndim)):
        return _filled(writer, node.inputs[0])
    return None, []


@implements(sub.AdvancedSubtensor1)
def take(writer: Any, node: Any) -> str:
    x, index = node.inputs
    return writer.graph.add("Gather", writer[x], writer[index], axis=0)


@implements(sub.AdvancedSubtensor)
def advanced_subtensor(writer: Any, node: Any) -> str:
    g, x, indices = writer.graph, node.inputs[0], node.inputs[1:]
    arrays = [(i, v) for i, v in enumerate(indices) if hasattr(v.type, "ndim")]
    for v in indices:
        if not hasattr(v.type, "ndim") and writer.known(v) is None:
            entry = getattr(v, "data", None)
            if entry != slice(None):
                raise NotImplementedError("arrays and slices as indices together")
    if len(arrays) != 1 or arrays[0][1].dtype == "bool":
        raise NotImplementedError("several arrays, or a mask, as indices")
    axis, index = arrays[0]
    return g.add("Gather", writer[x], writer[index], axis=axis)
