"""Images whose channels come last, as Keras' data format "channels_last" has them.

Theano's convolutions and pools take channels second, so that such nets turn the axes of every
image around each of them; bias and rectify stand between two turns:

    z = conv2d(x.dimshuffle(0, 3, 1, 2), w).dimshuffle(0, 2, 3, 1)
    a = rectify(z + b.reshape((1, 1, 1, f)))
    p = pool_2d(a.dimshuffle(0, 3, 1, 2), (2, 2)).dimshuffle(0, 2, 3, 1)

Elementwise Ops do not mind where the channels are. Here they are done before the turn, not behind
it, and two turns that undo each other go. What is left has the form that find.py looks for, the
gradients too, which Theano writes in the same way; and Theano's own Ops, where no stage is made of
it, read memory in order.

Values are those of before, to the last bit. Behind a turn stays what needs the channels last: an
image that was never turned (dropout's mask), a reshape, a sum, an output.
"""

from __future__ import annotations

from theano import scalar, tensor
from theano.gof import Variable
from theano.gof.opt import copy_stack_trace
from theano.tensor import elemwise

from theano_today.engine.patterns import operands

TO_LAST = (0, 2, 3, 1)
TO_SECOND = (0, 3, 1, 2)


def turn_late(fgraph) -> None:
    """Move turns behind elementwise Ops, and leave out those that the next one undoes."""
    for node in fgraph.toposort():  # what a node reads was moved before it is looked at
        if node not in fgraph.apply_nodes:
            continue
        op, old = node.op, node.outputs[0]
        if _is_turn(node, TO_SECOND):
            new = turned(node.inputs[0])
        elif operands(old, scalar.Identity, 1) and old.ndim == 4:
            new = node.inputs[0]  # in each gradient of a turn; Theano's optimizer drops it later
        elif isinstance(op, elemwise.Elemwise) and len(node.outputs) == 1:
            new = _done_before_the_turn(node)
        else:
            continue
        if new is not None:
            copy_stack_trace(old, new)
            new = tensor.patternbroadcast(new, old.broadcastable)
            fgraph.replace(old, new, reason="channels_last")


def _done_before_the_turn(node) -> Variable | None:
    if node.op.inplace_pattern or not any(turned(v) is not None for v in node.inputs):
        return None
    inputs = [turned(v) if turned(v) is not None else _small(v) for v in node.inputs]
    if None in inputs:
        return None
    return node.op(*inputs).dimshuffle(*TO_LAST)


def _small(v: Variable) -> Variable | None:
    """Return v with its channels second, if it is a number or one for each channel."""
    if v.ndim == 4 and all(v.broadcastable):
        return v
    return v.dimshuffle(*TO_SECOND) if v.ndim == 4 and all(v.broadcastable[:3]) else None


def turned(v: Variable) -> Variable | None:
    """Return u if v is u with its channels, the second axis of four, put last."""
    return v.owner.inputs[0] if _is_turn(v.owner, TO_LAST) else None


def turned_back(v: Variable) -> Variable | None:
    """Return u if v is u with its channels, the last axis of four, put second."""
    return v.owner.inputs[0] if _is_turn(v.owner, TO_SECOND) else None


def turns(v: Variable) -> list[Variable]:
    """Return the v with channels last that the graph has."""
    return [u.outputs[0] for u, _ in v.clients if u != "output" and _is_turn(u, TO_LAST)]


def _is_turn(node, order: tuple[int, ...]) -> bool:
    return (
        node is not None
        and isinstance(node.op, elemwise.DimShuffle)
        and tuple(node.op.new_order) == order
    )
