"""Finds functions of images and channels, and their sums, and lets one pass compute them."""

from __future__ import annotations

import logging

import theano.scalar as ts
from theano.compile import optdb
from theano.gof import Constant, Variable
from theano.gof.graph import ancestors
from theano.gof.opt import copy_stack_trace
from theano.tensor import elemwise

from theano_today.engine import genuine
from theano_today.engine.channelwise.composites import (
    computed,
    is_constant,
    name_of,
    number_of,
    scalar_op,
)
from theano_today.engine.channelwise.op import AXES, IMAGES, NUMBER, OF_CHANNELS, Channelwise
from theano_today.engine.channelwise.program import program_of
from theano_today.engine.patterns import ON_KERNELS, Rewrite, operands

log = logging.getLogger("theano_today")

# More would take longer than memory does.
_MOST_INPUTS, _MOST_FUNCTIONS = 20, 48


def is_function(node) -> bool:
    """Say whether a node computes images of what Channelwise takes, by functions it knows."""
    if type(node.op) is not elemwise.Elemwise or not genuine.is_genuine(node.op):
        return False
    (out,) = node.outputs if len(node.outputs) == 1 else (None,)
    if out is None or out.dtype != "float32" or out.broadcastable != IMAGES:
        return False
    kinds = IMAGES, OF_CHANNELS, NUMBER
    if any(v.dtype != "float32" or v.broadcastable not in kinds for v in node.inputs):
        return False
    op = node.op.scalar_op
    if isinstance(op, ts.Composite):
        if not genuine.is_genuine(op):
            return False
        nodes = scalar_op(node).fgraph.toposort()
    else:
        nodes = [op.make_node(*(ts.float32() for _ in node.inputs))]
    return all(name_of(inner) is not None for inner in nodes)


def is_sum(node) -> bool:
    """Say whether a node is the sum of images over all but the channels, in float64."""
    if type(node.op) is not elemwise.Sum or not genuine.is_genuine(node.op):
        return False
    x, (out,) = node.inputs[0], node.outputs
    wanted = ("float32", "float64", "float32")
    if (x.dtype, node.op.acc_dtype, out.dtype) != wanted or x.broadcastable != IMAGES:
        return False
    return node.op.axis is not None and tuple(node.op.axis) == AXES


class Functions:
    """Which functions of a graph are computed where they are read, and what they read then."""

    def __init__(self, order) -> None:
        self.reads: dict[Variable, list[Variable]] = {}  # by function: its inputs if so
        self.sizes: dict[Variable, int] = {}
        self.again: set[Variable] = set()  # those that are computed where they are read
        nodes = [node for node in order if is_function(node)]
        known = set(nodes)
        for node in nodes:
            (out,) = node.outputs
            leaves = dict.fromkeys(leaf for v in node.inputs for leaf in self.leaves(v))
            size = _size(node) + sum(self.sizes[v] for v in set(node.inputs) & self.again)
            if len(leaves) > _MOST_INPUTS or size > _MOST_FUNCTIONS:
                leaves = dict.fromkeys(v for v in node.inputs if not is_constant(v))
                size = _size(node)
                self.again -= set(node.inputs)
            self.reads[out], self.sizes[out] = list(leaves), size
            users = [user for user, _ in out.clients]
            inside = all(u != "output" and (u in known or is_sum(u)) for u in users)
            if inside and (len(users) == 1 or len(_images(leaves)) <= 2):
                self.again.add(out)

    def leaves(self, v: Variable) -> list[Variable]:
        """Return what is read in place of v."""
        if is_constant(v):
            return []
        return self.reads[v] if v in self.again else [v]


def _size(node) -> int:
    op = scalar_op(node)
    return len(op.fgraph.apply_nodes) if isinstance(op, ts.Composite) else 1


def _images(leaves) -> set[Variable]:
    return {v for v in leaves if v.broadcastable == IMAGES}


class FuseChannelwise(Rewrite):
    """Let sums over images compute what they sum up, those of the same images together."""

    def rewrite(self, fgraph):
        for node in [node for node in fgraph.toposort() if is_sum(node)]:
            _take_out_factors(fgraph, node)
        order = fgraph.toposort()
        sums = [node.outputs[0] for node in order if is_sum(node)]
        if not sums:
            return
        functions = Functions(order)
        count = 0
        while sums:
            group = _group(sums, functions)
            sums = [v for v in sums if v not in group]
            values = [v.owner.inputs[0] for v in group]
            if len(group) > 1 or values[0] in functions.again:
                count += _replace(fgraph, functions, group, values, True)
        # From the last to the first: what a function reads is still the variable that it was.
        for v in reversed(functions.reads):
            if v in fgraph.variables and v not in functions.again:
                inlined = [i for i in v.owner.inputs if i in functions.again]
                if inlined:
                    count += _replace(fgraph, functions, [v], [v], False)
        for node in fgraph.toposort():
            if type(node.op) is Channelwise and node in fgraph.apply_nodes:
                _sum_up_at_once(fgraph, node)
        if count:
            log.info("%d passes over images, their sums among them", count)


def _group(sums, functions: Functions) -> list[Variable]:
    """Return the first of these sums, and those that can be taken with it.

    They read the same images, or some of them, and none is computed from another.
    """
    first, *others = sums
    group, leaves = [first], functions.leaves(first.owner.inputs[0])
    before, behind = set(ancestors(leaves)), _computed_from(first)
    for v in others:
        more = functions.leaves(v.owner.inputs[0])
        smaller, larger = sorted((_images(leaves), _images(more)), key=len)
        together = list(dict.fromkeys([*leaves, *more]))
        if not smaller <= larger or len(together) > _MOST_INPUTS:
            continue
        if v in before or not behind.isdisjoint(more):
            continue
        group.append(v)
        leaves = together
        before.update(ancestors(more))
        behind |= _computed_from(v)
    return group


def _computed_from(v: Variable) -> set[Variable]:
    """Return v and what is computed from it in its graph."""
    found: set[Variable] = set()
    waiting = [v]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            for user, _ in one.clients:
                if user != "output":
                    waiting += user.outputs
    return found


def _replace(fgraph, functions: Functions, old, values, are_sums: bool) -> bool:
    """Replace variables by outputs of one Channelwise; say whether its program was possible."""
    leaves = list(dict.fromkeys(
        leaf for v in values
        for leaf in (functions.leaves(v) if are_sums else functions.reads[v])
    ))  # fmt: skip
    scalars = {v: ts.float32() for v in leaves}
    outputs = [_scalar(v, functions, scalars, not are_sums) for v in values]
    outputs = [ts.identity(out) if out.owner is None else out for out in outputs]
    composite = ts.Composite([scalars[v] for v in leaves], outputs)
    if program_of(composite, [v.broadcastable == IMAGES for v in leaves]) is None:
        return False
    new = Channelwise(composite, (are_sums,) * len(old))(*leaves, return_list=True)
    copy_stack_trace(old, new)
    fgraph.replace_all_validate(list(zip(old, new, strict=True)), reason="channelwise")
    return True


def _take_out_factors(fgraph, node) -> None:
    """Multiply the sum of x - its mean by channels' numbers, rather than all that is summed up.

    The gradient of a mean is such a sum. What the factors are is known late in the backward pass,
    x - mean in the forward pass, which takes another sum of it. Where a factor is not finite, so
    is all that Theano sums up, of both signs or 0 times that: NaN.
    """
    x, (total,) = node.inputs[0], node.outputs
    if len(total.clients) != 1 or len(x.clients) != 1 or x.owner is None:
        return
    client = total.clients[0][0]
    if client == "output" or type(client.op) is not elemwise.DimShuffle:
        return
    if client.op.new_order != ("x", 0, "x", "x") or not is_function(x.owner):
        return
    op = scalar_op(x.owner)
    if not isinstance(op, ts.Composite):
        return
    given = dict(zip(op.fgraph.inputs, x.owner.inputs, strict=True))
    centered, factors = _factors(op.fgraph.outputs[0], given)
    if centered in given:  # for others as well
        difference = given[centered]
        pair = operands(difference, ts.Sub, 2)
    elif centered.owner is not None and type(centered.owner.op) is ts.Sub:
        difference, pair = None, [given.get(v) for v in centered.owner.inputs]
    else:
        pair = None
    if not factors or pair is None or None in pair:
        return
    image, mean = pair
    if not _is_image(image) or not _is_mean(mean, image):
        return
    if difference is None:
        difference = elemwise.Elemwise(ts.sub)(image, mean)
    sums = elemwise.Sum(axis=AXES, dtype="float32", acc_dtype="float64")(difference)
    scalars: dict = {v: ts.float32() for v, of in given.items() if not _is_image(of)}

    def of_channels(v):
        if isinstance(v, Constant) or v in scalars:
            return scalars.get(v, v)
        return v.owner.op.make_node(*map(of_channels, v.owner.inputs)).outputs[0]

    factor, zero = (ts.constant(k, dtype="float32") for k in (1, 0))
    for divided, v in reversed(factors):
        factor = (ts.true_div if divided else ts.mul)(factor, of_channels(v))
    of_sums = ts.float32()
    composite = ts.Composite(
        [of_sums, *scalars.values()], [ts.add(ts.mul(factor, of_sums), ts.mul(factor, zero))]
    )
    new = elemwise.Elemwise(composite)(
        client.op(sums), *(given[v] for v in scalars)
    )  # fmt: skip
    (old,) = client.outputs
    if new.type == old.type:
        copy_stack_trace([total, old], [sums, new])
        fgraph.replace_all_validate([(old, new)], reason="channelwise")


def _factors(v, given) -> tuple:
    """Return what v is without factors that are the same for all of a channel, and these.

    As pairs: whether it is divided by one, and which, the last first.
    """
    found: list = []
    while v.owner is not None and type(v.owner.op) in (ts.Mul, ts.TrueDiv):
        inputs = v.owner.inputs
        varying = [i for i in inputs if _varies(i, given)]
        divided = type(v.owner.op) is ts.TrueDiv
        if len(varying) != 1 or (divided and varying[0] is not inputs[0]):
            break
        found += [(divided, i) for i in reversed(inputs) if i is not varying[0]]
        (v,) = varying
    return v, found


def _varies(v, given) -> bool:
    """Say whether a scalar of a graph is another for each pixel."""
    if v in given:
        return _is_image(given[v])
    return v.owner is not None and any(_varies(i, given) for i in v.owner.inputs)


def _is_mean(v, image) -> bool:
    """Say whether channels' numbers are the images' mean, by whichever divisions of a sum."""
    while v.owner is not None:
        node = v.owner
        if type(node.op) is elemwise.Sum:
            return is_sum(node) and node.inputs[0] is image
        if type(node.op) is elemwise.Elemwise and genuine.is_genuine(node.op):
            nodes = scalar_op(node)
            inner = nodes.fgraph.apply_nodes if isinstance(nodes, ts.Composite) else ()
            kinds = {type(n.op) for n in inner} or {type(nodes)}
            if kinds != {ts.TrueDiv}:
                return False
        elif type(node.op) is not elemwise.DimShuffle:
            return False
        v = node.inputs[0]
    return False


def _sum_up_at_once(fgraph, node) -> None:
    """Let sums of an image that has to be written be taken in the pass that computes it."""
    for image in node.inputs:
        before = image.owner
        written = before is not None and (type(before.op) is Channelwise or is_function(before))
        if not written or image.broadcastable != IMAGES or not all(node.op.sums):
            continue
        others = [v for v in node.inputs if v not in before.outputs]
        if not set(before.outputs).isdisjoint(ancestors(others)):
            continue  # they wait for it
        made = _together(before, node)
        if made is not None:
            old = [*before.outputs, *node.outputs]
            copy_stack_trace(old, made)
            fgraph.replace_all_validate(list(zip(old, made, strict=True)), reason="channelwise")
            return


def _together(first, second):
    """Return the outputs of a Channelwise for two nodes, the second of which reads the first's."""
    known: dict = {}
    inputs: list = []

    def given(node):
        for v in node.inputs:
            if v not in known:
                known[v] = number_of(v) if is_constant(v) else ts.float32()
                if not is_constant(v):
                    inputs.append(v)
        return [known[v] for v in node.inputs]

    def functions(node):
        return node.op.composite if type(node.op) is Channelwise else node.op.scalar_op

    outputs = computed(functions(first), given(first))
    known.update(zip(first.outputs, outputs, strict=True))
    outputs = outputs + computed(functions(second), given(second))
    if len(inputs) > _MOST_INPUTS:
        return None
    sums = first.op.sums if type(first.op) is Channelwise else (False,)
    sums += second.op.sums
    composite = ts.Composite([known[v] for v in inputs], outputs)
    size = len(composite.fgraph.apply_nodes)
    if size > _MOST_FUNCTIONS or program_of(composite, [_is_image(v) for v in inputs]) is None:
        return None
    return Channelwise(composite, sums)(*inputs, return_list=True)


def _is_image(v) -> bool:
    return v.broadcastable == IMAGES


def _scalar(v: Variable, functions: Functions, scalars, this: bool = False):
    """Return v as a scalar computed from those of the leaves; of `this` one, not the leaf."""
    if v in scalars and not this:
        return scalars[v]
    if is_constant(v):
        return number_of(v)
    node = v.owner
    inputs = [_scalar(i, functions, scalars) for i in node.inputs]
    (made,) = computed(node.op.scalar_op, inputs)
    if not this:
        scalars[v] = made
    return made


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=channelwise`` turns it off."""
    # Behind fusion (49), before what works in place (50.5 and later). Once: Theano may be reloaded.
    if "channelwise" not in optdb:
        optdb.register("channelwise", FuseChannelwise(), 49.8, "fast_run", ON_KERNELS)
