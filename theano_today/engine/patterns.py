"""Small patterns of a Theano graph, for the rewrites."""

from __future__ import annotations

from theano.gof import Constant, Variable
from theano.tensor import elemwise


def operands(v: Variable, scalar_op: type, count: int) -> list[Variable] | None:
    """Return the inputs of the Elemwise that computes v, if it is of this kind."""
    node = v.owner
    if node is None or not isinstance(node.op, elemwise.Elemwise):
        return None
    fits = isinstance(node.op.scalar_op, scalar_op) and len(node.inputs) == count
    return node.inputs if fits else None


def either_way(pair: list[Variable] | None) -> list[tuple[Variable, Variable]]:
    """Return both orders of two operands; an empty list for None."""
    return [] if pair is None else [(pair[0], pair[1]), (pair[1], pair[0])]


def is_number(v: Variable, number: float) -> bool:
    """Say whether v is this constant, broadcast or not."""
    if v.owner is not None and isinstance(v.owner.op, elemwise.DimShuffle):
        v = v.owner.inputs[0]
    return isinstance(v, Constant) and v.ndim == 0 and float(v.data) == number
