"""Which rewrites of Theano's graphs the link wants: its own, which pays on a GPU, among them."""

from __future__ import annotations

import theano.scalar as ts
from theano.compile.mode import OPT_FAST_RUN, Mode, optdb
from theano.gof import Optimizer
from theano.tensor.elemwise import Elemwise

from theano_today.engine.patterns import ON_KERNELS

TAG = "torch_link_repeat"
# Rewrites that work in place, or make Ops which run on the processor only.
_EXCLUDED = (
    "inplace",
    "conv_opts",
    "AbstractConvCheck",
    "c_blas",
    "scipy_blas",
    "specialize_device",
    ON_KERNELS,
)
_CHEAP = (ts.Add, ts.Sub, ts.Mul)


class RepeatCheapElemwise(Optimizer):
    """Compute ``z + bias`` anew wherever it is used, instead of once.

    Theano fuses an Op into the next one if nobody else uses its result. The sum of a
    convolution and its bias is used by the rectifier and by its gradient, so that it would be a
    kernel of its own, which reads and writes all of it; repeated, it is part of both.
    """

    def apply(self, fgraph) -> None:
        for node in list(fgraph.toposort()):
            if _is_cheap(node) and node.outputs[0] not in fgraph.outputs:
                clients = node.outputs[0].clients
                if len(clients) > 1 and all(_fuses(node, client) for client, _ in clients):
                    _repeat(fgraph, node, clients[1:])


def _is_cheap(node) -> bool:
    if type(node.op) is not Elemwise or type(node.op.scalar_op) not in _CHEAP:
        return False
    # One array as large as the result; what is broadcast against it costs next to nothing.
    out = node.outputs[0]
    large = [v for v in node.inputs if v.broadcastable == out.broadcastable]
    return out.ndim > 0 and not all(out.broadcastable) and len(large) == 1


def _fuses(node, client) -> bool:
    return (
        client != "output"
        and type(client.op) is Elemwise
        and client.outputs[0].broadcastable == node.outputs[0].broadcastable
    )


def _repeat(fgraph, node, clients) -> None:
    copies: dict = {}
    for client, place in list(clients):
        copy = copies.get(client)
        if copy is None:
            copy = copies[client] = node.clone().outputs[0]
        fgraph.change_input(client, place, copy, reason=TAG)


def register() -> None:
    """Enter it into Theano's database under the name `TAG`; once per process."""
    if TAG not in optdb.__db__:
        # Just before fusion (49), behind which merge2 (49 as well) joins what did not fuse.
        optdb.register(TAG, RepeatCheapElemwise(), 48.9)


def optimizer():
    """Return the query for Theano's database that makes graphs for the link."""
    register()
    return OPT_FAST_RUN.excluding(*_EXCLUDED).including(TAG)


def adapted(mode: Mode):
    """Return the optimizer of somebody's own mode, without what the link can't have."""
    return mode.excluding(*_EXCLUDED).optimizer
