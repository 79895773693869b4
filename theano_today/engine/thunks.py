"""What Theano calls when it runs a node: plain functions of arrays, wrapped as it wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from theano_today.engine import genuine


class Latest(dict):
    """What was prepared for the latest few keys, shapes of arrays for instance."""

    _COUNT = 16

    def keep(self, key, value):
        """Add a value, in the place of the oldest where there are enough, and return it."""
        while len(self) >= self._COUNT:
            self.pop(next(iter(self)), None)
        self[key] = value
        return value


def thunk_of(run: Callable, node, storage_map, compute_map) -> Callable[[], None]:
    """Return a thunk of `node`.

    An Op of the user's own may return something else than it promised: another dtype or byte
    order, memory that is not aligned, or that must not be written to and is the input of what works
    in place. `run` gets a copy then, as promised.

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
        dtype and number of dimensions: a function with trust_input leaves that to C code. If
        another input is no array, or of another number of dimensions.
    """
    inputs = [storage_map[v] for v in node.inputs]
    outputs: Sequence[list] = [storage_map[v] for v in node.outputs]
    computed = [compute_map[v] for v in node.outputs] if compute_map else []
    doubtful = _doubtful(node, storage_map)

    def thunk():
        values = [cell[0] for cell in inputs]
        for k, dtype, ndim, overwritten, given in doubtful:
            value = values[k]
            if type(value) is np.ndarray and value.dtype == dtype and value.ndim == ndim:
                flags = value.flags
                if flags.aligned and (not overwritten or flags.writeable):
                    continue
            values[k] = _fitting(value, dtype, ndim, overwritten, given)
        for cell, value in zip(outputs, run(*values), strict=True):
            cell[0] = value
        for flag in computed:
            flag[0] = True

    thunk.inputs = inputs  # type: ignore[attr-defined]
    thunk.outputs = outputs  # type: ignore[attr-defined]
    thunk.lazy = False  # type: ignore[attr-defined]
    return thunk


def _doubtful(node, storage_map) -> list[tuple[int, np.dtype, int, bool, bool]]:
    """Return the inputs that must be looked at in each call.

    Returns
    -------
    list of (place, dtype, number of dimensions, is it overwritten, is it an argument)
    """
    from theano.tensor import TensorType

    overwritten = {k for places in getattr(node.op, "destroy_map", {}).values() for k in places}
    found = []
    for k, v in enumerate(node.inputs):
        given = v.owner is None
        known = storage_map[v][0] is not None if given else genuine.keeps_promises(v.owner.op)
        if not known and isinstance(v.type, TensorType):
            found.append((k, np.dtype(v.type.dtype), v.type.ndim, k in overwritten, given))
    return found


def _fitting(value, dtype: np.dtype, ndim: int, overwritten: bool, given: bool) -> np.ndarray:
    """Return an array that the kernels can read and write, a copy where it must be one."""
    if not isinstance(value, (np.ndarray, np.generic)):
        raise ValueError(f"expected an ndarray, got {value!r}")
    if given and (value.dtype != dtype or value.ndim != ndim):
        raise TypeError(
            f"expected {dtype} of {ndim} dimensions, got {value.dtype} of {value.ndim}. Arguments "
            "of a function with trust_input=True are not converted: numpy.asarray(argument, dtype) "
            "does it"
        )
    if value.ndim != ndim:
        raise TypeError(
            f"expected {ndim} dimensions, got {value.ndim}: an Op of the graph returned another "
            "number than its make_node says"
        )
    return np.require(value, dtype, ["E", "A", "W"] if overwritten else ["E", "A"])
