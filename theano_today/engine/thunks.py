"""What Theano calls when it runs a node: plain functions of arrays, wrapped as it wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def thunk_of(run: Callable, node, storage_map, compute_map) -> Callable[[], None]:
    """Return a thunk of `node`.

    Parameters
    ----------
    run : callable
        Takes the values of the node's inputs and returns a sequence of its outputs'.
    node : Apply
    storage_map, compute_map : dict
        As for Op.make_thunk.
    """
    inputs = [storage_map[v] for v in node.inputs]
    outputs: Sequence[list] = [storage_map[v] for v in node.outputs]
    computed = [compute_map[v] for v in node.outputs] if compute_map else []

    def thunk():
        for cell, value in zip(outputs, run(*[cell[0] for cell in inputs]), strict=True):
            cell[0] = value
        for flag in computed:
            flag[0] = True

    thunk.inputs = inputs  # type: ignore[attr-defined]
    thunk.outputs = outputs  # type: ignore[attr-defined]
    thunk.lazy = False  # type: ignore[attr-defined]
    return thunk
