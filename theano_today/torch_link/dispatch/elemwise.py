"""Elementwise Ops, and DimShuffle, which lines up their dimensions."""

from __future__ import annotations

from theano.compile.ops import DeepCopyOp, Rebroadcast, SpecifyShape, ViewOp
from theano.tensor.elemwise import DimShuffle, Elemwise

from theano_today.torch_link.dispatch.basic import implements, ints, is_number
from theano_today.torch_link.dispatch.fused import compiled
from theano_today.torch_link.dispatch.scalars import scalar_function


@implements(Elemwise, numbers="one element")
def elemwise(op, node, target):
    dtypes = [v.type.dtype for v in node.inputs]
    function = scalar_function(op.scalar_op, dtypes, node.outputs[0].type.dtype, target)
    function = compiled(op.scalar_op, node, target, function)
    must_match = dimensions_that_must_match(node)
    if function is None or not must_match:
        return function

    def checked(*inputs):
        check_dimensions(must_match, inputs)
        return function(*inputs)

    return checked


def dimensions_that_must_match(node) -> list[tuple[int, list[int]]]:
    """Which inputs must have the same size along an axis: (axis, inputs), for each axis."""
    # torch stretches any dimension of size 1, Theano only those declared broadcastable.
    found = []
    for dimension in range(node.outputs[0].ndim):
        which = [i for i, v in enumerate(node.inputs) if not v.broadcastable[dimension]]
        if len(which) > 1:
            found.append((dimension, which))
    return found


def check_dimensions(must_match, inputs) -> None:
    """Raise Theano's ValueError if inputs differ along an axis of `must_match`."""
    for axis, which in must_match:
        sizes = {i: inputs[i].shape[axis] for i in which if not is_number(inputs[i])}
        if len(set(sizes.values())) > 1:
            said = ", ".join(f"input[{i}].shape[{axis}] = {size}" for i, size in sizes.items())
            raise ValueError(f"Input dimension mis-match. ({said})")


@implements(DimShuffle)
def dimshuffle(op, node, target):
    kept = [i for i in op.new_order if i != "x"]
    dropped = [i for i in range(len(op.input_broadcastable)) if i not in kept]
    order = kept + dropped
    moves = order != sorted(order)
    new_axes = [i for i, source in enumerate(op.new_order) if source == "x"]

    def function(x):
        if moves:
            x = x.permute(order)
        for _ in dropped:
            x = x.squeeze(-1)
        for axis in new_axes:
            x = x.unsqueeze(axis)
        return x

    return function


@implements(DeepCopyOp, Rebroadcast, ViewOp)
def same(op, node, target):
    # Copies are made where values leave the graph: outputs go to the host, and updates into
    # the variable's own memory.
    return lambda x: x


@implements(SpecifyShape, host=(1,))
def specify_shape(op, node, target):
    def function(x, shape):
        if list(x.shape) != ints(shape):
            raise AssertionError(
                f"SpecifyShape: got shape {tuple(x.shape)}, expected {tuple(ints(shape))}."
            )
        return x

    return function
