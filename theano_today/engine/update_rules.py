"""A parameter's update in one pass over memory: adam, rmsprop, adagrad, adadelta and the like.

Lasagne's rmsprop writes, for a parameter w with an average a of its squared gradients,

    new a = rho * a + (1 - rho) * g ** 2
    new w = w - rate * g / sqrt(new a + epsilon)

Theano fuses elementwise Ops only as long as one is needed by a single other one: here two are left,
of adam three, and each reads again what the one before it has written. They become one Elemwise of
several outputs.
"""

from __future__ import annotations

import theano.scalar as ts
from theano import config
from theano.compile import optdb
from theano.gof import Constant
from theano.gof.opt import copy_stack_trace
from theano.tensor import TensorType
from theano.tensor.elemwise import Elemwise

from theano_today.engine import genuine
from theano_today.engine.formulas import Formula, Uncovered
from theano_today.engine.patterns import ON_KERNELS, Rewrite

# What Theano's own fusion of Elemwise nodes is excluded by
FUSION = "fusion", "local_elemwise_fusion", "FusionOptimizer"


class FuseUpdateRules(Rewrite):
    """Make one node of Elemwise nodes that nothing but each other and the outputs needs."""

    def rewrite(self, fgraph):
        if not config.tensor.local_elemwise_fusion:
            return
        for nodes in groups(fgraph):
            made = together(nodes)
            if made is not None:
                old, new = made
                fgraph.replace_all_validate(
                    list(zip(old, new, strict=True)), reason="fuse_update_rules"
                )


def groups(fgraph) -> list[list]:
    """Return lists of Elemwise nodes that each can be one, in the order of their computation.

    A node belongs to those that need it if nothing else does: then no other node comes between
    them.
    """
    order = fgraph.toposort()
    group: dict = {}  # node -> the representative of its group, by way of others
    inside: set = set()

    def root(node):
        while group[node] is not node:
            node = group[node]
        return node

    for node in reversed(order):
        if not _fits(node):
            continue
        (out,) = node.outputs
        clients = [client for client, _ in out.clients]
        others = [c for c in clients if c != "output"]
        pattern = out.type.broadcastable
        if all(c in inside and c.outputs[0].type.broadcastable == pattern for c in others):
            inside.add(node)
            group[node] = node
            for c in others:
                group[root(c)] = root(node)
    found: dict = {}
    for node in order:
        if node in inside:
            found.setdefault(root(node), []).append(node)
    return [nodes for nodes in found.values() if len(nodes) > 1]


def _fits(node) -> bool:
    op = node.op
    if type(op) is not Elemwise or not genuine.is_genuine(op) or op.inplace_pattern:
        return False
    return len(node.outputs) == 1 and node.outputs[0].type.ndim > 0


def together(nodes):
    """Return what is needed of these nodes' outputs, and the same of a single Elemwise.

    Returns
    -------
    (list of Variable, list of Variable) or None
        None if the kernels do not cover it.
    """
    scalars: dict = {}
    inputs: list = []
    made = {node.outputs[0] for node in nodes}
    for node in nodes:
        arguments = []
        for v in node.inputs:
            if v not in scalars:
                if not isinstance(v.type, TensorType):
                    return None
                if isinstance(v, Constant) and v.data.size == 1:
                    scalars[v] = ts.constant(v.data.reshape(-1)[0], dtype=v.type.dtype)
                else:
                    scalars[v] = ts.get_scalar_type(v.type.dtype)()
                    inputs.append(v)
            arguments.append(scalars[v])
        (out,) = node.outputs
        result = node.op.scalar_op.make_node(*arguments).outputs[0]
        if result.type.dtype != out.type.dtype:
            return None
        scalars[out] = result
    if not inputs:
        return None
    wanted = [v for v in made if any(client == "output" for client, _ in v.clients)]
    wanted.sort(key=[node.outputs[0] for node in nodes].index)
    composite = ts.Composite([scalars[v] for v in inputs], [scalars[v] for v in wanted])
    new = Elemwise(composite).make_node(*inputs)
    if [v.type for v in new.outputs] != [v.type for v in wanted]:
        return None
    try:
        Formula(new)
    except Uncovered:
        return None
    copy_stack_trace(wanted, new.outputs)
    return wanted, new.outputs


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=update_rules`` turns it off."""
    if "update_rules" in optdb:
        return  # Theano was reloaded
    # Behind Theano's own fusion (49), before what works in place (75).
    optdb.register("update_rules", FuseUpdateRules(), 49.3, "fast_run", *FUSION, ON_KERNELS)
