"""Stages in a graph of Theano's own ops, as rewrite.py describes them: forward, then backward."""

from __future__ import annotations

from dataclasses import dataclass

from theano import scalar
from theano.gof import Constant, Variable
from theano.tensor import basic, elemwise, subtensor
from theano.tensor.nnet import abstract_conv
from theano.tensor.signal import pool

from theano_today.engine.conv_pool import channels_last
from theano_today.engine.conv_pool.op import ConvPool
from theano_today.engine.conv_pool.padding import border_of, same_border, without_padding
from theano_today.engine.patterns import either_way, is_number, operands

LARGEST_FILTER = 5

_OF_CHANNELS = (True, False, True, True)


# ---- small patterns ----------------------------------------------------------------------


def constant_pair(v: Variable) -> tuple[int, int] | None:
    """Return the two integers of a constant vector."""
    if isinstance(v, Constant) and v.ndim == 1 and len(v.data) == 2:
        return int(v.data[0]), int(v.data[1])
    return None


def is_max_pool(node) -> bool:
    """Say whether a Pool or MaxPoolGrad is over 2x2 windows side by side, without padding."""
    if node.op.mode != "max" or node.op.ndim != 2:
        return False
    return [constant_pair(v) for v in node.inputs[-3:]] == [(2, 2), (2, 2), (0, 0)]


def rectified(a: Variable) -> Variable | None:
    """Return z if a is 0.5 * (z + abs(z))."""
    for half, total in either_way(operands(a, scalar.Mul, 2)):
        if is_number(half, 0.5):
            for z, absolute in either_way(operands(total, scalar.Add, 2)):
                if operands(absolute, scalar.Abs, 1) == [z]:
                    return z
    return None


def biased(z: Variable) -> tuple[Variable, Variable | None]:
    """Return the convolution and the bias (f,) whose sum z is; else z and None."""
    for conv, added in either_way(operands(z, scalar.Add, 2)):
        b = _of_channels(added)
        if b is not None:
            return conv, b
    return z, None


def _of_channels(v: Variable) -> Variable | None:
    """Return the vector (f,) of which v is (1, f, 1, 1)."""
    if v.broadcastable != _OF_CHANNELS:
        return None
    last = channels_last.turned_back(v)  # (1, 1, 1, f)
    node = v.owner if last is None else last.owner
    order = ("x", 0, "x", "x") if last is None else ("x", "x", "x", 0)
    if node is None or node.inputs[0].ndim != 1:
        return None
    if isinstance(node.op, basic.Reshape):  # Keras: b.reshape((1, f, 1, 1))
        return node.inputs[0]
    if isinstance(node.op, elemwise.DimShuffle) and tuple(node.op.new_order) == order:
        return node.inputs[0]
    return None


# ---- the forward pass --------------------------------------------------------------------


@dataclass
class FoundStage:
    """A stage as it was found: variables of the graph, and the ConvPool that computes p."""

    x: Variable
    w: Variable
    b: Variable | None
    z: Variable  # with bias
    a: Variable  # rectified, or z
    p: Variable
    conv: Variable  # AbstractConv2d's output
    cropped: Variable  # what is used of that: all, or the middle
    padded: Variable  # what it reads: x, or x with zeros around it
    op: ConvPool


def find_stage(node) -> FoundStage | str:
    """Return the stage that ends in this Pool, or the reason why no stage does."""
    if not is_max_pool(node):
        return "not a max-pool of 2x2, stride 2, unpadded"
    a = node.inputs[0]
    z = rectified(a)
    rectify = z is not None
    z = a if z is None else z
    conv, b = biased(z)
    cropped = conv
    if conv.owner is not None and isinstance(conv.owner.op, subtensor.Subtensor):
        conv = conv.owner.inputs[0]
    if conv.owner is None or type(conv.owner.op) is not abstract_conv.AbstractConv2d:
        return "not a pool of a convolution, or of a rectified one"
    found = describe(conv.owner, cropped)
    if isinstance(found, str):
        return found
    x, w, padded, size, border = found
    op = conv.owner.op
    if b is not None and b.dtype != "float32":
        return "not float32"
    if op.subsample != (1, 1) or op.filter_dilation != (1, 1):
        return "a stride or dilation"
    if max(size) > LARGEST_FILTER:
        return f"filters larger than {LARGEST_FILTER}x{LARGEST_FILTER}"
    pooling = node.op
    fused = ConvPool(
        size, border, bool(op.filter_flip), rectify, bool(pooling.ignore_border), b is not None
    )
    return FoundStage(x, w, b, z, a, node.outputs[0], conv, cropped, padded, fused)


def describe(node, cropped):
    """Return x, w, the padded x, the filters' size and the border of an AbstractConv2d.

    `cropped` is its output, or what is left of it. A string is the reason why it cannot be done.
    """
    op, (padded, w) = node.op, node.inputs
    if {v.dtype for v in (padded, w)} != {"float32"}:
        return "not float32"
    if op.num_groups != 1 or getattr(op, "unshared", False):
        return "grouped or unshared filters"
    size = tuple(op.kshp[2:]) if op.kshp is not None else (None, None)
    if None in size:
        return "a filter size that is not known before the net runs"
    size = tuple(int(s) for s in size)
    reach = tuple((n - 1) * apart + 1 for n, apart in zip(size, op.filter_dilation, strict=True))
    border = border_of(op.border_mode, reach)
    x, around = without_padding(padded)
    if cropped is not node.outputs[0]:
        border = None
        if op.border_mode == "full" and op.subsample == op.filter_dilation == (1, 1):
            border = same_border(cropped.owner, padded, size)
    if border is None:
        return "a border that is not valid, same, full or a number"
    return x, w, padded, size, tuple(map(sum, zip(border, around, strict=True)))


# ---- the backward pass -------------------------------------------------------------------


def users(v: Variable) -> list:
    """Return the nodes that v is an input of."""
    return [node for node, _ in v.clients if node != "output"]


def find_gradients(found: FoundStage):
    """Yield, for each gradient of p that comes back through this stage, (g, gz)."""
    for node in users(found.a):
        if type(node.op) is not pool.MaxPoolGrad or not is_max_pool(node):
            continue
        if node.inputs[:2] != [found.a, found.p]:
            continue
        if bool(node.op.ignore_border) != found.op.ignore_border:
            continue
        gz = node.outputs[0]
        if found.op.rectify:
            gz = through_rectify(gz, found.z)
        if gz is not None:
            yield node.inputs[2], gz


def through_rectify(ga: Variable, z: Variable) -> Variable | None:
    """Return ga * 0.5 + (ga * 0.5) * sgn(z), if the graph has it."""
    for node in users(ga):
        for v, half in either_way(operands(node.outputs[0], scalar.Mul, 2)):
            if v is ga and is_number(half, 0.5):
                h = node.outputs[0]
                for add in users(h):
                    for first, second in either_way(operands(add.outputs[0], scalar.Add, 2)):
                        if first is h and _is_signed(second, h, z):
                            return add.outputs[0]
    return None


def _is_signed(v: Variable, h: Variable, z: Variable) -> bool:
    for first, sign in either_way(operands(v, scalar.Mul, 2)):
        if first is h and operands(sign, scalar.Sgn, 1) == [z]:
            return True
    return False


def gradient_users(found: FoundStage, gz: Variable):
    """Return what is computed from gz: (kind, variable), kinds "w", "b" and "x"."""
    results = []
    for v in at_convolution(found, gz):
        for node in users(v):
            if is_gradient(node, found, "w") and node.inputs[1] is v:
                results.append(("w", node.outputs[0]))
            if is_gradient(node, found, "x") and node.inputs[1] is v:
                results += [("x", dx) for dx in of_x(found, node.outputs[0])]
    if found.b is not None or found.op.pool == 2:
        results += [("b", v) for v in _sums(gz, (0, 2, 3))]
        for last in channels_last.turns(gz):
            results += [("b", v) for v in _sums(last, (0, 1, 2))]
    return results


def _sums(v: Variable, axes: tuple[int, ...]) -> list[Variable]:
    """Return the sums of v over these axes."""
    return [
        node.outputs[0]
        for node in users(v)
        if isinstance(node.op, elemwise.Sum) and tuple(node.op.axis or ()) == axes
    ]


def at_convolution(found: FoundStage, gz: Variable) -> list[Variable]:
    """Return what the convolution's own gradients read of gz.

    Where pad='same', gz is first put into the zeros of a full convolution, where z was cut out.
    """
    if found.cropped is found.conv:
        return [gz]
    crop = found.cropped.owner
    where = subtensor.get_idx_list(crop.inputs, crop.op.idx_list)
    return [
        node.outputs[0]
        for node in users(gz)
        if isinstance(node.op, subtensor.IncSubtensor)
        and node.inputs[1] is gz
        and subtensor.get_idx_list(node.inputs[1:], node.op.idx_list) == where
    ]


def is_gradient(node, found: FoundStage, kind: str) -> bool:
    """Say whether a node is the gradient of a convolution with this one's x ("w") or w ("x")."""
    types = {
        "w": (abstract_conv.AbstractConv2d_gradWeights, found.padded),
        "x": (abstract_conv.AbstractConv2d_gradInputs, found.w),
    }
    op, factor = types[kind]
    if type(node.op) is not op or node.inputs[0] is not factor:
        return False
    settings = "border_mode", "subsample", "filter_flip", "filter_dilation", "num_groups"
    conv = found.conv.owner.op
    return all(getattr(node.op, name) == getattr(conv, name) for name in settings)


def of_x(found: FoundStage, dx: Variable) -> list[Variable]:
    """Return the gradients of x, from that of what the convolution reads."""
    if found.padded is found.x:
        return [dx]
    # x[:, :, top:top + rows, left:left + columns], by the indices that x was put there with
    put = found.padded.owner
    where = subtensor.get_idx_list(put.inputs[1:], put.op.idx_list)
    crops = []
    for node in users(dx):
        if not isinstance(node.op, subtensor.Subtensor) or node.inputs[0] is not dx:
            return []
        if subtensor.get_idx_list(node.inputs, node.op.idx_list) != where:
            return []
        crops.append(node.outputs[0])
    return crops
