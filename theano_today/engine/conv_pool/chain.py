"""Stages that follow each other as one node, which does an image from the first to the last.

What a stage hands over to the next is still in the cache then. Between the first and the last,
gradients of images are never written to memory, nor is what a function without gradients does
not return. The numbers are the same, to the last bit, as without.

The rewrite comes after all that leave out or merge nodes: by then it is known who uses what.
"""

from __future__ import annotations

import numpy as np
from theano.compile import optdb
from theano.gof import Apply, Op, Optimizer, toolbox
from theano.gof.graph import ancestors
from theano.gof.opt import copy_stack_trace

from theano_today.engine import library
from theano_today.engine.conv_pool.op import ConvPool, ConvPoolGrad, backward, forward
from theano_today.engine.patterns import ON_KERNELS
from theano_today.engine.thunks import thunk_of


def _described(stages) -> str:
    return ", ".join(stage.in_words() for stage in stages)


class ConvPoolChain(Op):
    """Stages, each of which reads the p of the one before.

    Inputs: the first one's x, then the w (and b, and mask) of each. Outputs: p and winners of
    each stage, those that are kept.

    Parameters
    ----------
    stages : tuple of ConvPool
        All but the last with `p_blocked`, all but the first with `x_blocked`.
    kept : tuple of (bool, bool)
        Which of the p and of the winners are outputs.
    """

    __props__ = ("stages", "kept")

    def __init__(self, stages, kept):
        self.stages, self.kept = stages, kept

    def __str__(self):
        return f"ConvPoolChain{{{_described(self.stages)}}}"

    def factors(self, inputs):
        """Return w, and b and mask where it has them, of each stage, of all inputs but x."""
        rest = list(inputs)
        counts = [1 + stage.bias + stage.dropped for stage in self.stages]
        return [tuple(rest.pop(0) for _ in range(count)) for count in counts]

    def _only_kept(self, pairs):
        return [
            value
            for pair, kept in zip(pairs, self.kept, strict=True)
            for value, keep in zip(pair, kept, strict=True)
            if keep
        ]

    def make_node(self, x, *factors):
        pairs, p = [], x
        for stage, own in zip(self.stages, self.factors(factors), strict=True):
            p, winners = stage.make_node(p, *own).outputs
            pairs.append((p.clone(), winners.clone()))  # as they are: the type and the tag
        return Apply(self, [x, *factors], self._only_kept(pairs))

    def infer_shape(self, node, shapes):
        pairs, p = [], shapes[0]
        for stage, own in zip(self.stages, self.factors(shapes[1:]), strict=True):
            p, winners = stage.infer_shape(None, [p, *own])
            pairs.append((p, winners))
        return self._only_kept(pairs)

    def perform(self, node, inputs, outputs):
        pairs, p = [], inputs[0]
        for stage, own in zip(self.stages, self.factors(inputs[1:]), strict=True):
            cells: list[list] = [[None], [None]]
            stage.perform(None, [p, *own], cells)
            p = cells[0][0]
            pairs.append((p, cells[1][0]))
        for cell, value in zip(outputs, self._only_kept(pairs), strict=True):
            cell[0] = value

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if library.stages() is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(*arrays):
            x, *factors = map(np.ascontiguousarray, arrays)
            return self._only_kept(forward(self.stages, self.kept, x, self.factors(factors)))

        return thunk_of(run, node, storage_map, compute_map)


class ConvPoolGradChain(Op):
    """The gradients of such stages.

    Inputs: x, w, winners and, behind dropout, the mask of each stage, the first one's first, then
    the gradient of the last one's p. Outputs: the gradients of w and b of each stage that has
    them (`of_weights`), then that of the first one's x where it has one (`of_inputs`).

    Parameters
    ----------
    stages : tuple of ConvPoolGrad
        All but the first with `of_inputs` and `dx_blocked`, all but the last with `g_blocked`.
    """

    __props__ = ("stages",)

    def __init__(self, stages):
        self.stages = stages

    def __str__(self):
        return f"ConvPoolGradChain{{{_described(self.stages)}}}"

    def own(self, inputs):
        """Return the inputs of each stage but g, of all inputs or of their shapes."""
        rest = list(inputs[:-1])
        return [[rest.pop(0) for _ in range(stage.count)] for stage in self.stages]

    def make_node(self, *inputs):
        outputs: list = []
        dx = inputs[-1]
        for stage, arrays in reversed(list(zip(self.stages, self.own(inputs), strict=True))):
            *own, dx = _with_dx(stage, stage.make_node(*arrays, dx).outputs)
            outputs = [v.type() for v in own] + outputs
        return Apply(self, list(inputs), outputs + ([dx.type()] if dx is not None else []))

    def infer_shape(self, node, shapes):
        results = []
        for k, (stage, arrays) in enumerate(zip(self.stages, self.own(shapes), strict=True)):
            own = stage.infer_shape(None, [*arrays, None])
            *own, dx = _with_dx(stage, own)
            results += own
            if k == 0:
                first = dx
        return results + ([first] if first is not None else [])

    def perform(self, node, inputs, outputs):
        values: list = []
        dx = inputs[-1]
        for stage, arrays in reversed(list(zip(self.stages, self.own(inputs), strict=True))):
            cells = [[None] for _ in range(2 * stage.of_weights + stage.of_inputs)]
            stage.perform(None, [*arrays, dx], cells)
            *own, dx = _with_dx(stage, [cell[0] for cell in cells])
            values = own + values
        for cell, value in zip(outputs, values + ([dx] if dx is not None else []), strict=True):
            cell[0] = value

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if library.stages() is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(*arrays):
            return backward(self.stages, list(map(np.ascontiguousarray, arrays)))

        return thunk_of(run, node, storage_map, compute_map)


def _with_dx(stage, outputs):
    """Return a ConvPoolGrad's outputs with a None at the end if there is no gradient of x."""
    return [*outputs, *([] if stage.of_inputs else [None])]


class ChainStages(Optimizer):
    """Replace stages that follow each other by one node."""

    def add_requirements(self, fgraph):
        fgraph.attach_feature(toolbox.ReplaceValidate())

    def apply(self, fgraph):
        for find, chained in ((_next_stage, _forward_chain), (_next_gradient, _backward_chain)):
            done = set()
            for node in fgraph.toposort():
                if node in done:
                    continue
                nodes = [node]
                while (following := find(nodes[-1])) is not None and _is_free(following, nodes):
                    nodes.append(following)
                done.update(nodes)
                if len(nodes) > 1:
                    fgraph.replace_all_validate(chained(nodes), reason="conv_pool_chain")


def _next_stage(node):
    """Return the one stage that reads this one's p, if there is one."""
    if not isinstance(node.op, ConvPool) or not node.op.p_blocked:
        return None
    users = [u for u, i in node.outputs[0].clients if u != "output" and i == 0]
    stages = [u for u in users if isinstance(u.op, ConvPool)]
    return stages[0] if len(stages) == 1 else None


def _next_gradient(node):
    """Return the gradient of the stage before, if nothing else uses what it gets from this one."""
    if not isinstance(node.op, ConvPoolGrad) or not node.op.of_inputs:
        return None
    clients = node.outputs[-1].clients
    if len(clients) != 1 or clients[0][0] == "output":
        return None
    user, place = clients[0]
    is_gradient = isinstance(user.op, ConvPoolGrad) and place == len(user.inputs) - 1
    return user if is_gradient and node.op.dx_blocked and user.op.g_blocked else None


def _is_free(node, chain) -> bool:
    """Say whether nothing else that `node` reads is computed from what the chain computes."""
    handed_over = {v for before in chain for v in before.outputs}
    others = [v for v in node.inputs if v not in chain[-1].outputs]
    return not handed_over & set(ancestors(others))


def _forward_chain(nodes):
    kept = [[bool(v.clients) for v in node.outputs] for node in nodes]
    for k, node in enumerate(nodes[:-1]):
        kept[k][0] = any(user is not nodes[k + 1] for user, _ in node.outputs[0].clients)
    op = ConvPoolChain(tuple(node.op for node in nodes), tuple(map(tuple, kept)))
    old = op._only_kept([node.outputs for node in nodes])
    factors = [v for node in nodes for v in node.inputs[1:]]
    new = op(nodes[0].inputs[0], *factors, return_list=True)
    copy_stack_trace(old, new)
    return list(zip(old, new, strict=True))


def _backward_chain(nodes):
    nodes = nodes[::-1]
    op = ConvPoolGradChain(tuple(node.op for node in nodes))
    old = [v for node in nodes for v in node.outputs[: 2 * node.op.of_weights]]
    if nodes[0].op.of_inputs:
        old.append(nodes[0].outputs[-1])
    inputs = [v for node in nodes for v in node.inputs[:-1]] + [nodes[-1].inputs[-1]]
    new = op(*inputs, return_list=True)
    copy_stack_trace(old, new)
    return list(zip(old, new, strict=True))


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=conv_pool_chain`` turns it off."""
    # Behind fusion (49), before what works in place (50.5 and later). Once: see rewrite.register.
    if "conv_pool_chain" not in optdb:
        optdb.register("conv_pool_chain", ChainStages(), 49.9, "fast_run", ON_KERNELS)
