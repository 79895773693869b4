"""What rewrites of a Theano graph are made of, and small patterns that they look for."""

from __future__ import annotations

from theano.gof import Constant, Optimizer, Variable, toolbox
from theano.tensor import elemwise

from theano_today.engine import genuine
from theano_today.engine.dispatch import is_on

# The tag of rewrites whose Ops the kernels run: who runs a graph elsewhere excludes them by it.
ON_KERNELS = "on_kernels"


class Rewrite(Optimizer):
    """A rewrite of a whole graph by `rewrite`, which is not called where the engine is off."""

    def add_requirements(self, fgraph):
        fgraph.attach_feature(toolbox.ReplaceValidate())

    def apply(self, fgraph):
        if is_on():
            self.rewrite(fgraph)

    def rewrite(self, fgraph) -> None:
        """Change a FunctionGraph."""
        raise NotImplementedError


def operands(v: Variable, scalar_op: type, count: int) -> list[Variable] | None:
    """Return the inputs of the Elemwise that computes v, if it is of this kind.

    None of an Op that the user derived from it, or whose methods are replaced.
    """
    node = v.owner
    if node is None or type(node.op) is not elemwise.Elemwise or len(node.inputs) != count:
        return None
    fits = type(node.op.scalar_op) is scalar_op and genuine.is_genuine(node.op.scalar_op)
    return node.inputs if fits and genuine.is_genuine(node.op) else None


def either_way(pair: list[Variable] | None) -> list[tuple[Variable, Variable]]:
    """Return both orders of two operands; an empty list for None."""
    return [] if pair is None else [(pair[0], pair[1]), (pair[1], pair[0])]


def is_number(v: Variable, number: float) -> bool:
    """Say whether v is this constant, broadcast or not."""
    if v.owner is not None and isinstance(v.owner.op, elemwise.DimShuffle):
        v = v.owner.inputs[0]
    return isinstance(v, Constant) and v.ndim == 0 and float(v.data) == number
