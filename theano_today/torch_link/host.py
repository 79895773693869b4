"""What runs on the host: arithmetic on shapes, and Ops that have no torch function."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import theano
from theano.gof.graph import Constant
from theano.sandbox.rng_mrg import DotModulo
from theano.tensor import TensorType
from theano.tensor import basic as tb
from theano.tensor.elemwise import Elemwise
from theano.tensor.opt import MakeVector

log = logging.getLogger("theano_today")

# Six integers, thousands of times when a random stream is made: nobody wants to hear of it.
_AT_HOME = (DotModulo,)
_announced: set[str] = set()


def shape_arithmetic(node) -> Callable:
    """Return a function of NumPy values for a node on small integers."""
    op = node.op
    if type(op) is MakeVector:
        return lambda *elements: np.array([int(e) for e in elements], dtype=op.dtype)
    if type(op) in (tb.ScalarFromTensor, tb.TensorFromScalar):
        dtype = np.dtype(node.outputs[0].type.dtype)
        return lambda x: np.asarray(x, dtype)
    if type(op) is Elemwise and all(v.ndim == 0 for v in node.inputs):
        dtype = np.dtype(node.outputs[0].type.dtype)
        scalar_op = op.scalar_op
        if hasattr(scalar_op, "impl"):
            scalar_op.prepare_node(node, None, None, "py")
            return lambda *values: np.asarray(scalar_op.impl(*(v[()] for v in values)), dtype)
    return thunk(node, "py")


def fallback(node) -> Callable:
    """Return a function of NumPy values for a node without a torch function; says so, once."""
    name = type(node.op).__name__
    if type(node.op) not in _AT_HOME and name not in _announced:
        _announced.add(name)
        log.warning("torch link: %s has no torch function; it runs on the host", name)
    return thunk(node, None)


def thunk(node, implementation: str | None) -> Callable:
    """Wrap what Theano itself would run for `node`.

    Parameters
    ----------
    node : Apply
    implementation : "py", "c" or None
        None: compiled C code where the Op has some, else its Python.

    Returns
    -------
    function
        Of the node's inputs; returns a value, or a tuple if the node has several outputs.
    """
    storage = {v: [v.data if isinstance(v, Constant) else None] for v in node.inputs}
    storage.update({v: [None] for v in node.outputs})
    computed = {v: [v not in node.outputs] for v in storage}
    if hasattr(node.op, "prepare_node"):  # Scan has none
        node.op.prepare_node(node, storage, computed, implementation)
    run = node.op.make_thunk(node, storage, computed, [], impl=implementation)
    inputs = [(storage[v], v.type) for v in node.inputs]
    outputs = [storage[v] for v in node.outputs]

    def function(*values):
        for (cell, kind), value in zip(inputs, values, strict=True):
            cell[0] = theano._asarray(value, kind.dtype) if isinstance(kind, TensorType) else value
        for cell in outputs:
            cell[0] = None  # a result handed out before belongs to somebody else
        for v in node.outputs:
            computed[v][0] = False
        run()
        results = tuple(cell[0] for cell in outputs)
        return results[0] if len(results) == 1 else results

    return function
