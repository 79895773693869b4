"""Where a graph of Theano's own ops becomes fused stages.

Runs after gradients were taken and before anything else has changed the graph: what Lasagne,
nolearn and theano.grad wrote is still there in their own forms, which are

    z = conv2d(x, w)                       a crop of a full convolution where pad='same'
    z = z + b.dimshuffle('x', 0, 'x', 'x')
    a = 0.5 * (z + abs(z))                 lasagne.nonlinearities.rectify
    p = pool_2d(a, (2, 2), mode='max')

and backward

    ga = MaxPoolGrad(a, p, g)
    gz = ga * 0.5 + (ga * 0.5) * sgn(z)
    gradients of w and x from gz, that of b as its sum

All of it is replaced, or nothing: if the convolution is still needed afterwards, because
its output or the gradient at it is used elsewhere, the graph is put back as it was.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import theano
from theano import scalar, tensor
from theano.compile import optdb
from theano.gof import Constant, Optimizer, Variable, toolbox
from theano.tensor import elemwise, subtensor
from theano.tensor.nnet import abstract_conv
from theano.tensor.signal import pool

from theano_today.engine.conv_pool.op import ConvPool, ConvPoolGrad
from theano_today.engine.dispatch import is_on
from theano_today.engine.patterns import either_way, is_number, operands

log = logging.getLogger("theano_today")

LARGEST_FILTER = 5


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
    for conv, b in either_way(operands(z, scalar.Add, 2)):
        node = b.owner
        if node is None or not isinstance(node.op, elemwise.DimShuffle):
            continue
        if node.op.new_order == ("x", 0, "x", "x") and node.inputs[0].ndim == 1:
            return conv, node.inputs[0]
    return z, None


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
    op: ConvPool


def find_stage(node) -> FoundStage | str:
    """Return the stage that ends in this Pool, or the reason why no stage does."""
    if not is_max_pool(node):
        return "not a max-pool of 2x2, stride 2, without padding"
    a = node.inputs[0]
    z = rectified(a)
    rectify = z is not None
    z = a if z is None else z
    conv, b = biased(z)
    cropped = conv
    if conv.owner is not None and isinstance(conv.owner.op, subtensor.Subtensor):
        conv = conv.owner.inputs[0]
    if conv.owner is None or not isinstance(conv.owner.op, abstract_conv.AbstractConv2d):
        return "not a pool of a convolution, or of a rectified one"
    op, (x, w) = conv.owner.op, conv.owner.inputs
    if {v.dtype for v in (x, w, *([b] if b else []))} != {"float32"}:
        return "not float32"
    if op.subsample != (1, 1) or op.filter_dilation != (1, 1):
        return "a stride or dilation"
    if op.num_groups != 1 or getattr(op, "unshared", False):
        return "grouped or unshared filters"
    size = tuple(op.kshp[2:]) if op.kshp is not None else (None, None)
    if None in size:
        return "a filter size that is not known before the net runs"
    size = tuple(int(s) for s in size)
    if max(size) > LARGEST_FILTER:
        return f"filters larger than {LARGEST_FILTER}x{LARGEST_FILTER}"
    border = border_of(op.border_mode, size)
    if cropped is not conv:
        border = same_border(cropped.owner, x, size) if op.border_mode == "full" else None
    if border is None:
        return "a border that is not valid, same, full or a number"
    pooling = node.op
    fused = ConvPool(
        size, border, bool(op.filter_flip), rectify, bool(pooling.ignore_border), b is not None
    )
    return FoundStage(x, w, b, z, a, node.outputs[0], conv, fused)


def border_of(mode, size) -> tuple[int, int, int, int] | None:
    """Return rows and columns of zeros that a border_mode means: top, bottom, left, right."""
    rows, columns = size
    if mode == "valid":
        return 0, 0, 0, 0
    if mode == "half":
        return rows // 2, rows // 2, columns // 2, columns // 2
    if mode == "full":
        return rows - 1, rows - 1, columns - 1, columns - 1
    if isinstance(mode, tuple) and all(isinstance(n, int) for n in mode):
        return mode[0], mode[0], mode[1], mode[1]
    return None


def same_border(crop, x, size) -> tuple[int, int, int, int] | None:
    """Return the border of a full convolution cropped to x's size, as Lasagne's pad='same'."""
    starts = [(n - 1) // 2 for n in size]
    indices = subtensor.get_idx_list(crop.inputs, crop.op.idx_list)
    if len(indices) != 4 or any(i != slice(None, None, None) for i in indices[:2]):
        return None
    for axis, index, start in zip((2, 3), indices[2:], starts, strict=True):
        if index.step is not None or not _is_int(index.start, start):
            return None
        if not _is_size_plus(index.stop, x, axis, start):
            return None
    (rows, columns), (top, left) = size, (n // 2 for n in size)
    return top, rows - 1 - top, left, columns - 1 - left


def _is_int(v, number: int) -> bool:
    if isinstance(v, Variable):
        return isinstance(v, Constant) and int(v.data) == number
    return v == number


def _is_size_plus(v, x: Variable, axis: int, number: int) -> bool:
    # x.shape[axis] + number, as Theano writes it; + 0 may be there or not
    if not isinstance(v, Variable):
        return False
    if v.owner is not None and isinstance(v.owner.op, tensor.basic.ScalarFromTensor):
        v = v.owner.inputs[0]
    options = either_way(operands(v, scalar.Add, 2))
    if number == 0:
        options = [*options, (v, None)]
    for size, plus in options:
        if plus is not None and not is_number(plus, number):
            continue
        if _is_size(size, x, axis):
            return True
    return False


def _is_size(v: Variable, x: Variable, axis: int) -> bool:
    # Subtensor(Shape(x), axis)
    node = v.owner
    if node is None or not isinstance(node.op, subtensor.Subtensor):
        return False
    shape = node.inputs[0].owner
    if shape is None or not isinstance(shape.op, theano.compile.ops.Shape):
        return False
    index = subtensor.get_idx_list(node.inputs, node.op.idx_list)
    return shape.inputs[0] is x and len(index) == 1 and _is_int(index[0], axis)


# ---- the backward pass -------------------------------------------------------------------


def users(v: Variable) -> list:
    """Return the nodes that v is an input of."""
    return [node for node, _ in v.clients if node != "output"]


def find_gradients(found: FoundStage):
    """Yield, for each gradient of p that comes back through this stage, (g, gz)."""
    for node in users(found.a):
        if not isinstance(node.op, pool.MaxPoolGrad) or not is_max_pool(node):
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
    at_conv = [gz]  # where pad='same', gz is first put into the zeros of a full convolution
    for node in users(gz):
        if isinstance(node.op, subtensor.IncSubtensor) and node.inputs[1] is gz:
            at_conv.append(node.outputs[0])
    for v in at_conv:
        for node in users(v):
            for kind, op, factor in (
                ("w", abstract_conv.AbstractConv2d_gradWeights, found.x),
                ("x", abstract_conv.AbstractConv2d_gradInputs, found.w),
            ):
                if isinstance(node.op, op) and node.inputs[:2] == [factor, v]:
                    results.append((kind, node.outputs[0]))
    for node in users(gz):
        if isinstance(node.op, elemwise.Sum) and tuple(node.op.axis or ()) == (0, 2, 3):
            results.append(("b", node.outputs[0]))
    return results


# ---- the rewrite -------------------------------------------------------------------------


class FuseConvPool(Optimizer):
    """Replace convolution, bias, rectify and max-pool, and their gradients, by fused stages."""

    def add_requirements(self, fgraph):
        fgraph.attach_feature(toolbox.ReplaceValidate())

    def apply(self, fgraph):
        if not is_on():
            return
        fused = 0
        for node in fgraph.toposort():
            if isinstance(node.op, pool.Pool) and node in fgraph.apply_nodes:
                found = find_stage(node)
                why = found if isinstance(found, str) else fuse(fgraph, found)
                fused += not why
                _log(node, found, why)
        if fused:
            lay_out(fgraph)


def fuse(fgraph, found: FoundStage) -> str:
    """Replace one stage; return why not, or an empty string."""
    inputs = [found.x, found.w, *([found.b] if found.b else [])]
    p, winners = found.op(*inputs)
    pairs = []
    for g, gz in find_gradients(found):
        wanted = gradient_users(found, gz)
        kinds = {kind for kind, _ in wanted}
        if not kinds:
            continue
        op, of = found.op, (bool(kinds & {"w", "b"}), "x" in kinds)
        gradient = ConvPoolGrad(
            op.filter_size, op.border, op.flip, op.rectify, op.ignore_border, *of
        )
        outputs = gradient(found.x, found.w, winners, g, return_list=True)
        names = [*(["w", "b"] if of[0] else []), *(["x"] if of[1] else [])]
        new = dict(zip(names, outputs, strict=True))
        pairs += [
            (old, tensor.patternbroadcast(new[kind], old.broadcastable)) for kind, old in wanted
        ]
    # p comes last: MaxPoolGrad looks for maxima that equal p to the last bit, and DebugMode still
    # computes the gradients that were replaced, from what they read when they were.
    pairs.append((found.p, p))
    before = fgraph.checkpoint()
    # Not replace_all_validate: it sets a checkpoint of its own, and only the last one can be
    # reverted to. Nothing is in place yet that could be invalid.
    fgraph.replace_all(pairs, reason="fuse_conv_pool")
    if found.conv.owner in fgraph.apply_nodes:
        fgraph.revert(before)
        return "its convolution is needed elsewhere, too"
    return ""


def _log(node, found, why: str) -> None:
    name = "a stage"
    if not isinstance(found, str):
        name = f"{found.w.name or 'w'} {'x'.join(map(str, found.op.filter_size))} + pool"
    if why:
        log.info("%s: Theano's own ops (%s)", name, why)
    else:
        log.info("%s: fused", name)


def lay_out(fgraph) -> None:
    """Let stages that follow each other hand over their arrays in blocks of channels."""
    # From the last to the first: a replaced stage is a new node, its inputs are the old ones.
    for node in reversed(fgraph.toposort()):
        if not isinstance(node.op, ConvPool) or node.op.p_blocked:
            continue
        p = node.outputs[0]
        if not all(u != "output" and _is_stage(u) and i == 0 for u, i in p.clients):
            continue
        blocked, winners = remade(node, p_blocked=True).outputs
        for user in users(p):  # one by one: the next may read what this one computes
            new = remade(user, x_blocked=True, inputs=[blocked, *user.inputs[1:]])
            _replace(fgraph, zip(user.outputs, new.outputs, strict=True))
        _replace(fgraph, [(node.outputs[1], winners)])
    for node in fgraph.toposort():
        g = node.inputs[-1]
        if not isinstance(node.op, ConvPoolGrad) or g.owner is None or len(g.clients) > 1:
            continue
        if node.op.g_blocked:
            continue
        if isinstance(g.owner.op, ConvPoolGrad) and g is g.owner.outputs[-1]:
            before = remade(g.owner, dx_blocked=True)
            after = remade(node, g_blocked=True, inputs=[*node.inputs[:-1], before.outputs[-1]])
            _replace(fgraph, zip(g.owner.outputs[:-1], before.outputs[:-1], strict=True))
            _replace(fgraph, zip(node.outputs, after.outputs, strict=True))


def _replace(fgraph, pairs) -> None:
    fgraph.replace_all_validate(list(pairs), reason="conv_pool_layout")


def _is_stage(node) -> bool:
    return isinstance(node.op, (ConvPool, ConvPoolGrad))


def remade(node, inputs=None, **changes):
    """Return a new node whose Op has these properties changed."""
    props = {name: getattr(node.op, name) for name in node.op.__props__} | changes
    return type(node.op)(**props).make_node(*(inputs or node.inputs))


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=conv_pool`` turns it off."""
    # Behind the first merge (0) and before canonicalize (1). Once: Theano may be reloaded.
    if "conv_pool" not in optdb:
        optdb.register("conv_pool", FuseConvPool(), 0.05, "fast_run")
