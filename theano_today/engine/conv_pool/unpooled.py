"""Stages without a pool: which variables around a convolution are theirs."""

from __future__ import annotations

from collections.abc import Iterator

from theano import scalar, tensor
from theano.compile import ops
from theano.gof import Variable
from theano.tensor import elemwise, subtensor
from theano.tensor.signal import pool

from theano_today.engine.conv_pool.find import (
    FoundStage,
    biased,
    describe,
    is_gradient,
    rectified,
    through_rectify,
    users,
)
from theano_today.engine.conv_pool.op import ConvPool
from theano_today.engine.patterns import either_way, is_number, operands


def candidates(node) -> Iterator[FoundStage | str]:
    """Yield what may be made of an AbstractConv2d, the most first; or the reason why nothing.

    All or nothing is made of a candidate, and what it leaves out stays in the graph: rectify, then
    the bias.
    """
    conv = node.outputs[0]
    reason = ""
    for cropped in [*_crops(conv), conv]:
        described = describe(node, cropped)
        if isinstance(described, str):
            reason = described
            continue
        with_bias = [v for v in _sums(cropped) if biased(v)[0] is cropped and biased(v)[1]]
        for z in [*with_bias, cropped]:
            b = biased(z)[1] if z is not cropped else None
            if b is not None and b.dtype != "float32":
                continue
            for a in [*_rectified(z), z]:
                yield _found(node, cropped, described, b, z, a)
        reason = ""
    if reason:
        yield reason


def _found(node, cropped, described, b, z, a) -> FoundStage:
    x, w, padded, size, border = described
    op = node.op
    fused = ConvPool(
        size, border, bool(op.filter_flip), a is not z, True, b is not None,
        pool=1, subsample=tuple(map(int, op.subsample)),
        dilation=tuple(map(int, op.filter_dilation)), in_order=_is_compared(a),
    )  # fmt: skip
    return FoundStage(x, w, b, z, a, a, node.outputs[0], cropped, padded, fused)


def _crops(v: Variable) -> list[Variable]:
    return [u.outputs[0] for u in users(v) if isinstance(u.op, subtensor.Subtensor)]


def _sums(v: Variable) -> list[Variable]:
    return [u.outputs[0] for u in users(v) if operands(u.outputs[0], scalar.Add, 2)]


def _rectified(z: Variable) -> list[Variable]:
    products = [u.outputs[0] for v in _sums(z) for u in users(v)]
    return [a for a in dict.fromkeys(products) if rectified(a) is z]


def find_gradients(found: FoundStage) -> Iterator[tuple[Variable, Variable]]:
    """Yield, for each gradient of a stage's output that comes back through it, (g, gz)."""
    if found.op.rectify:
        for node in users(found.z):
            if operands(node.outputs[0], scalar.Sgn, 1):
                for ga in _halved(node.outputs[0]):
                    if (gz := through_rectify(ga, found.z)) is not None:
                        yield ga, gz
        return
    seen = set()
    for gz in _gradients_of(found):
        if gz not in seen:
            seen.add(gz)
            yield gz, gz


def _halved(sign: Variable) -> Iterator[Variable]:
    # Each ga of (ga * 0.5) * sign
    for product in users(sign):
        for h, other in either_way(operands(product.outputs[0], scalar.Mul, 2)):
            if other is sign:
                for ga, half in either_way(operands(h, scalar.Mul, 2)):
                    if is_number(half, 0.5):
                        yield ga


def _gradients_of(found: FoundStage) -> Iterator[Variable]:
    # By the nodes that read x or w, and whose results have the shape of the other
    for kind, factor, other in (("w", found.padded, found.w), ("x", found.w, found.padded)):
        for node in users(factor):
            if not is_gradient(node, found, kind) or not _is_shape_of(node.inputs[2], other):
                continue
            g = node.inputs[1]
            if found.cropped is found.conv:
                yield g
            elif g.owner is not None and isinstance(g.owner.op, subtensor.IncSubtensor):
                yield g.owner.inputs[1]


def _is_shape_of(v: Variable, x: Variable) -> bool:
    # x.shape[-2:]
    node = v.owner
    if node is None or not isinstance(node.op, subtensor.Subtensor):
        return False
    shape = node.inputs[0].owner
    return shape is not None and isinstance(shape.op, ops.Shape) and shape.inputs[0] is x


def _is_compared(v: Variable) -> bool:
    """Say whether a maximum is taken of v, or of what elementwise operations make of it."""
    waiting, seen = [v], {v}
    while waiting:
        for node in users(waiting.pop()):
            if isinstance(node.op, _COMPARING) or _is_extreme(node.op):
                return True
            if isinstance(node.op, _PLACES):
                new = [out for out in node.outputs if out not in seen]
                seen.update(new)
                waiting += new
    return False


def _is_extreme(op) -> bool:
    # A sum, as the mean of a batch, compares nothing.
    extremes = scalar.Maximum, scalar.Minimum
    return isinstance(op, elemwise.CAReduce) and isinstance(op.scalar_op, extremes)


# Where the order of sums may decide which of equal outputs is the maximum
_COMPARING = (pool.Pool, tensor.MaxAndArgmax)
# What leaves values where they are, or moves them about
_PLACES = (
    elemwise.Elemwise, elemwise.DimShuffle, subtensor.Subtensor, subtensor.IncSubtensor,
    tensor.Join, tensor.Reshape, ops.Rebroadcast,
)  # fmt: skip
