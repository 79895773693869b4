"""Dropout behind a stage: its mask is applied in the stage, which keeps stages a chain.

What Lasagne's DropoutLayer writes is, by the time that this looks for it,

    dropped = constant * p * cast(mask)          and backward
    g = constant * g' * cast(mask)

where mask is bool and the constant, one over the probability to be kept, is missing if rescale
is False. Otherwise p and g would each be written, read and written again, as planes, and each
stage would be a node of its own.
"""

from __future__ import annotations

import logging

import numpy as np
from theano import scalar
from theano.compile import optdb
from theano.gof import Constant, Variable

from theano_today.engine import genuine
from theano_today.engine.conv_pool.op import ConvPool, ConvPoolGrad
from theano_today.engine.conv_pool.rewrite import lay_out, remade
from theano_today.engine.patterns import ON_KERNELS, Rewrite, operands

log = logging.getLogger("theano_today")


def find_dropout(v: Variable) -> tuple[Variable, Variable, float] | None:
    """Return (x, mask, constant) if v is x times a mask times a constant, or None."""
    factors = operands(v, scalar.Mul, 2) or operands(v, scalar.Mul, 3)
    if factors is None or v.ndim != 4 or v.dtype != "float32":
        return None
    masks = [f for f in factors if _mask(f) is not None]
    constants = [f for f in factors if _number(f) is not None]
    others = [f for f in factors if f not in masks and f not in constants]
    if len(masks) != 1 or len(others) != 1 or len(constants) != len(factors) - 2:
        return None
    (x,), mask = others, _mask(masks[0])
    assert mask is not None
    if not x.broadcastable == mask.broadcastable == v.broadcastable or x.dtype != "float32":
        return None
    number = _number(constants[0]) if constants else 1.0
    assert number is not None
    return x, mask, number


def _mask(v: Variable) -> Variable | None:
    """Return the bool tensor that v is cast from, or None."""
    cast = operands(v, scalar.Cast, 1)
    if cast is None or not genuine.is_genuine(v.owner.op.scalar_op) or v.dtype != "float32":
        return None
    return cast[0] if cast[0].dtype == "bool" and cast[0].ndim == 4 else None


def _number(v: Variable) -> float | None:
    if isinstance(v, Constant) and v.data.size == 1 and v.dtype == "float32":
        number = float(np.asarray(v.data).reshape(()))
        return number if np.isfinite(number) else None
    return None


class FuseDropout(Rewrite):
    """Let stages multiply p, and its gradient, by the masks of dropout layers."""

    def rewrite(self, fgraph):
        fused = 0
        for node in fgraph.toposort():
            if isinstance(node.op, ConvPool):
                fused += _fuse_forward(fgraph, node)
        for node in fgraph.toposort():
            if isinstance(node.op, ConvPoolGrad):
                fused += _fuse_backward(fgraph, node)
        if fused:
            log.info("dropout: %d masks are applied in stages", fused)
            lay_out(fgraph)


def _fuse_forward(fgraph, node) -> bool:
    p = node.outputs[0]
    if node.op.dropped or node.op.p_blocked or len(p.clients) != 1 or p.clients[0][0] == "output":
        return False
    dropped = p.clients[0][0].outputs[0]
    found = find_dropout(dropped)
    if found is None or found[0] is not p:
        return False
    new_p, winners = remade(node, [*node.inputs, found[1]], scale=found[2]).outputs
    pairs = [(dropped, new_p), (node.outputs[1], winners)]
    fgraph.replace_all_validate(pairs, reason="conv_pool_dropout")
    return True


def _fuse_backward(fgraph, node) -> bool:
    *others, g = node.inputs
    found = find_dropout(g)
    if node.op.dropped or node.op.g_blocked or found is None or len(g.clients) != 1:
        return False
    new = remade(node, [*others, found[1], found[0]], scale=found[2])
    pairs = list(zip(node.outputs, new.outputs, strict=True))
    fgraph.replace_all_validate(pairs, reason="conv_pool_dropout")
    return True


def register() -> None:
    """Register; ``optimizer_excluding=conv_pool_dropout`` turns it off."""
    # Behind what gathers the constants, before fusion (49). Once: see rewrite.register.
    if "conv_pool_dropout" not in optdb:
        optdb.register("conv_pool_dropout", FuseDropout(), 48.5, "fast_run", ON_KERNELS)
