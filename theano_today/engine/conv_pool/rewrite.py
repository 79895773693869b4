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

Convolutions that no such pool follows become stages without a pool: with bias and rectify, with
bias, or alone, whichever is the first that leaves nothing of the convolution behind.

What is left of gradients of inputs runs on the same kernels by itself (transposed.py).

x may be padded with zeros before, as Lasagne's pad=1 and PadLayer do it:

    x = set_subtensor(zeros(...)[:, :, top:top + rows, left:left + columns], x)

Where channels come last, channels_last.py brings the graph into this form first.
"""

from __future__ import annotations

import logging

from theano import tensor
from theano.compile import optdb
from theano.gof.graph import ancestors
from theano.gof.opt import copy_stack_trace
from theano.tensor.nnet import abstract_conv
from theano.tensor.signal import pool

from theano_today.engine import genuine
from theano_today.engine.conv_pool import channels_last, unpooled
from theano_today.engine.conv_pool.find import (
    FoundStage,
    find_gradients,
    find_stage,
    gradient_users,
    users,
)
from theano_today.engine.conv_pool.op import ConvPool, ConvPoolGrad
from theano_today.engine.conv_pool.transposed import transposed
from theano_today.engine.patterns import ON_KERNELS, Rewrite

log = logging.getLogger("theano_today")


class FuseConvPool(Rewrite):
    """Replace convolution, bias, rectify and max-pool, and their gradients, by fused stages."""

    def rewrite(self, fgraph):
        fused = 0
        if any(isinstance(node.op, abstract_conv.AbstractConv2d) for node in fgraph.apply_nodes):
            channels_last.turn_late(fgraph)
        for node in fgraph.toposort():
            own = type(node.op) is pool.Pool and genuine.is_genuine(node.op)
            if own and node in fgraph.apply_nodes:
                found = find_stage(node)
                why = found if isinstance(found, str) else fuse(fgraph, found)
                fused += not why
                _log("a pool", found, f"by itself ({why})" if why else "")
        for node in fgraph.toposort():
            conv = type(node.op) is abstract_conv.AbstractConv2d
            if conv and node in fgraph.apply_nodes:
                found, why = _without_pool(fgraph, node)
                fused += not why
                _log("a convolution", found, f"Theano's own ops ({why})" if why else "")
        for node in fgraph.toposort():
            if type(node.op) is abstract_conv.AbstractConv2d_gradInputs:
                _transposed(fgraph, node)
        if fused:
            lay_out(fgraph)


def fuse(fgraph, found: FoundStage) -> str:
    """Replace one stage; return why not, or an empty string."""
    inputs = [found.x, found.w, *([found.b] if found.b else [])]
    p, winners = found.op(*inputs)
    pairs = []
    gradients = find_gradients if found.op.pool == 2 else unpooled.find_gradients
    for g, gz in gradients(found):
        # One node for all of them reads all of these. A transposed convolution is the gradient of
        # what is found in its own gradient: here x may be computed from the "gradient of x".
        before_it = set(ancestors([*inputs, g]))
        wanted = [(kind, old) for kind, old in gradient_users(found, gz) if old not in before_it]
        kinds = {kind for kind, _ in wanted}
        if not kinds:
            continue
        op, of = found.op, (bool(kinds & {"w", "b"}), "x" in kinds)
        gradient = ConvPoolGrad(
            op.filter_size, op.border, op.flip, op.rectify, op.ignore_border, *of,
            pool=op.pool, subsample=op.subsample, dilation=op.dilation, in_order=op.in_order,
        )  # fmt: skip
        outputs = gradient(found.x, found.w, winners, g, return_list=True)
        names = [*(["w", "b"] if of[0] else []), *(["x"] if of[1] else [])]
        new = dict(zip(names, outputs, strict=True))
        copy_stack_trace([old for _, old in wanted], outputs)
        pairs += [
            (old, tensor.patternbroadcast(new[kind], old.broadcastable)) for kind, old in wanted
        ]
    # p comes last: MaxPoolGrad looks for maxima that equal p to the last bit, and DebugMode still
    # computes the gradients that were replaced, from what they read when they were.
    pairs.append((found.p, p))
    # Of both, to both: errors say where they were written.
    copy_stack_trace([found.conv, found.p], [p, winners])
    before = fgraph.checkpoint()
    # Not replace_all_validate: it sets a checkpoint of its own, and only the last one can be
    # reverted to. Nothing is in place yet that could be invalid.
    fgraph.replace_all(pairs, reason="fuse_conv_pool")
    if found.conv.owner in fgraph.apply_nodes:
        fgraph.revert(before)
        return "its convolution is needed elsewhere, too"
    return ""


def _without_pool(fgraph, node):
    """Replace a convolution that no pool of ours follows; return what was found, and why not."""
    why = "its output is needed in other forms"
    for found in unpooled.candidates(node):
        if isinstance(found, str):
            return found, found
        why = fuse(fgraph, found)
        if not why:
            return found, ""
    return "", why


def _transposed(fgraph, node) -> None:
    new = transposed(node)
    name = f"{node.inputs[0].name or 'w'} transposed"
    if isinstance(new, str):
        log.info("%s: Theano's own ops (%s)", name, new)
        return
    copy_stack_trace(node.outputs[0], new)
    fgraph.replace_all_validate([(node.outputs[0], new)], reason="fuse_conv_transposed")
    log.info("%s: fused", name)


def _log(name: str, found, otherwise: str) -> None:
    if not isinstance(found, str):
        size = "x".join(map(str, found.op.filter_size))
        name = f"{found.w.name or 'w'} {size}{' + pool' if found.op.pool == 2 else ''}"
    log.info("%s: %s", name, otherwise or "fused")


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
    new = type(node.op)(**props).make_node(*(inputs or node.inputs))
    for one, other in zip(node.outputs, new.outputs, strict=True):
        copy_stack_trace(one, other)
    return new


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=conv_pool`` turns it off."""
    # Behind the first merge (0) and before canonicalize (1). Once: Theano may be reloaded.
    if "conv_pool" not in optdb:
        optdb.register("conv_pool", FuseConvPool(), 0.05, "fast_run", ON_KERNELS)
