"""Who reads a variable: where an array may be handed on in the place of a copy of it.

Theano's optimizer decides what is overwritten in place as if Ops copied what they say they copy. An
Op that hands its input on must know that nobody overwrites that, nor what it hands on, and that
nobody can tell the two apart.
"""

from __future__ import annotations

from collections.abc import Iterator

from theano_today.engine import genuine


def only_added_up(v) -> bool:
    """Say whether all that becomes of a float32 variable are sums and products of matrices.

    These do not tell 0 from -0, and none of them writes to it or keeps it. An Op of the engine of
    which that is true has the attribute `adds_up`.
    """
    from theano.tensor.basic import Reshape
    from theano.tensor.blas import Dot22
    from theano.tensor.elemwise import DimShuffle, Sum
    from theano.tensor.subtensor import Subtensor

    if v.type.dtype != "float32":
        return False
    for client, at in v.clients:
        if client == "output":
            return False
        if getattr(client.op, "adds_up", False):
            continue
        if not genuine.is_genuine(client.op):
            return False
        kind = type(client.op)
        if kind is Dot22 or (kind is Sum and client.op.acc_dtype == "float64"):
            continue
        handed_on = (
            (kind in (Reshape, DimShuffle, Subtensor) and at == 0)
            or (at == 1 and increases_zeros(client))
        )  # fmt: skip
        if not handed_on or not only_added_up(client.outputs[0]):
            return False
    return True


def increases_zeros(node) -> bool:
    """Say whether a node increases a part of zeros by something."""
    from theano.gof import Constant
    from theano.tensor.basic import Alloc
    from theano.tensor.subtensor import IncSubtensor

    zeros = node.inputs[0].owner
    if type(node.op) is not IncSubtensor or zeros is None or type(zeros.op) is not Alloc:
        return False
    return isinstance(zeros.inputs[0], Constant) and not zeros.inputs[0].data.any()


def stays_as_it_is(v) -> bool:
    """Say whether nothing overwrites what a variable lies in: an array that a node computes."""
    while v.owner is not None and getattr(v.owner.op, "view_map", None):
        views = v.owner.op.view_map.get(v.owner.outputs.index(v), [])
        if len(views) != 1:
            break
        v = v.owner.inputs[views[0]]
    return v.owner is not None and all(_reads(client, at) for client, at in _users(v))


def _users(v) -> Iterator:
    """Yield the clients of a variable and of all views of it, each with the input's place."""
    for client, at in v.clients:
        yield client, at
        if client == "output":
            continue
        for k, places in getattr(client.op, "view_map", {}).items():
            if at in places:
                yield from _users(client.outputs[k])


def _reads(client, at: int) -> bool:
    if client == "output":
        return True
    destroyed = getattr(client.op, "destroy_map", {}).values()
    return all(at not in places for places in destroyed)
