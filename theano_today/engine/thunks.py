"""What Theano calls when it runs a node: plain functions of arrays, wrapped as it wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


def thunk_of(run: Callable, node, storage_map, compute_map) -> Callable[[], None]:
    """Return a thunk of `node`.

    Parameters
    ----------
    run : callable
        Takes the values of the node's inputs and returns a sequence of its outputs'.
    node : Apply
    storage_map, compute_map : dict
        As for Op.make_thunk.

    Raises
    ------
    ValueError, TypeError
        By the thunk, if an input that no node computes is no array, or not of its variable's
        dtype and number of dimensions: a function with trust_input leaves that to C code.
    """
    inputs = [storage_map[v] for v in node.inputs]
    outputs: Sequence[list] = [storage_map[v] for v in node.outputs]
    computed = [compute_map[v] for v in node.outputs] if compute_map else []
    given = [
        (storage_map[v], np.dtype(v.type.dtype), v.type.ndim)
        for v in node.inputs
        if v.owner is None and hasattr(v.type, "broadcastable") and storage_map[v][0] is None
    ]

    def thunk():
        for cell, dtype, ndim in given:
            value = cell[0]
            if getattr(value, "dtype", object) != dtype or value.ndim != ndim:  # None is float64
                _refuse(value, dtype, ndim)
        for cell, value in zip(outputs, run(*[cell[0] for cell in inputs]), strict=True):
            cell[0] = value
        for flag in computed:
            flag[0] = True

    thunk.inputs = inputs  # type: ignore[attr-defined]
    thunk.outputs = outputs  # type: ignore[attr-defined]
    thunk.lazy = False  # type: ignore[attr-defined]
    return thunk


def _refuse(value, dtype: np.dtype, ndim: int) -> None:
    if not isinstance(value, (np.ndarray, np.generic)):
        raise ValueError(f"expected an ndarray, got {value!r}")
    raise TypeError(
        f"expected {dtype} of {ndim} dimensions, got {value.dtype} of {value.ndim}. Arguments of "
        "a function with trust_input=True are not converted: numpy.asarray(argument, dtype) does it"
    )
