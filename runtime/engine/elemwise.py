"""Theano's Elemwise, single or fused, by NumPy: nothing to compile, and about as fast.

A fused Elemwise goes over its arrays in blocks of rows that stay in the cache, as numexpr
does. What has no NumPy function of the same results here is left to Theano's C code.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import theano.scalar as ts
from theano.gof import Constant

from runtime.engine import library

_BLOCK = 1 << 15  # elements: temporaries of 128 KiB

_FUNCTIONS: dict[type, Callable] = {
    ts.Add: np.add,
    ts.Mul: np.multiply,
    ts.Sub: np.subtract,
    ts.Neg: np.negative,
    ts.Abs: np.absolute,
    ts.Sgn: np.sign,
    ts.Sqr: np.square,
    ts.EQ: np.equal,
    ts.NEQ: np.not_equal,
    ts.LT: np.less,
    ts.GT: np.greater,
    ts.LE: np.less_equal,
    ts.GE: np.greater_equal,
    ts.Maximum: np.maximum,
    ts.Minimum: np.minimum,
    ts.Identity: np.positive,
}
# Of floats only: on integers NumPy and Theano differ in the type or in the rounding.
_OF_FLOATS: dict[type, Callable] = {
    ts.TrueDiv: np.true_divide,
    ts.Sqrt: np.sqrt,
    ts.Exp: np.exp,
    ts.Log: np.log,
    ts.Tanh: np.tanh,
    ts.Inv: np.reciprocal,
}
_OF_INTEGERS: dict[type, Callable] = {ts.IntDiv: np.floor_divide}


def _function(op, inputs, dtype: str) -> Callable | None:
    """Return a function of arrays that computes one scalar op, or None."""
    kind, dtypes = type(op), {v.type.dtype for v in inputs}
    if kind is ts.Cast:
        return lambda a: a.astype(dtype, copy=False)
    if kind is ts.Switch:
        return lambda c, a, b: np.where(c, a, b)
    if len(dtypes) > 1 or any("complex" in d for d in dtypes):
        return None
    function = _FUNCTIONS.get(kind)
    (only,) = dtypes
    if function is None and only.startswith("float"):
        function = _OF_FLOATS.get(kind)
    if function is None and only.startswith("int"):
        function = _OF_INTEGERS.get(kind)
    if function is not None and len(inputs) > 2:  # Add and Mul take any number
        binary = function
        return lambda *arrays: functools.reduce(binary, arrays)
    return function


def _steps(op, inputs, output):
    """Return the scalar ops in order: (function, places of its arguments, dtype), or None.

    The places are those in a list that starts with the inputs; a constant stands for itself.
    """
    if not isinstance(op, ts.Composite):
        function = _function(op, inputs, output.type.dtype)
        if function is None:
            return None
        return [(function, list(range(len(inputs))), output.type.dtype)], []
    graph = op.fgraph
    if len(graph.outputs) != 1:
        return None
    places = {v: i for i, v in enumerate(graph.inputs)}
    constants: list[np.ndarray] = []
    order = graph.toposort()
    for node in order:
        for v in node.inputs:
            if isinstance(v, Constant) and v not in places:
                places[v] = len(graph.inputs) + len(constants)
                constants.append(np.asarray(v.data, v.type.dtype))
    steps = []
    for node in order:
        function = _function(node.op, node.inputs, node.outputs[0].type.dtype)
        if function is None or len(node.outputs) != 1:
            return None
        steps.append((function, [places[v] for v in node.inputs], node.outputs[0].type.dtype))
        places[node.outputs[0]] = len(graph.inputs) + len(constants) + len(steps) - 1
    if not steps or order[-1].outputs[0] is not graph.outputs[0]:
        return None
    return steps, constants


def elemwise(node) -> Callable | None:
    """Return a function of the input arrays of this Elemwise node, or None."""
    if len(node.outputs) != 1:
        return None
    found = _steps(node.op.scalar_op, node.inputs, node.outputs[0])
    if found is None:
        return None
    steps, constants = found
    dtype = node.outputs[0].type.dtype
    overwritten = node.op.inplace_pattern.get(0)

    def evaluate(arrays):
        values = [*arrays, *constants]
        for function, places, kind in steps:
            value = function(*[values[i] for i in places])
            values.append(value if value.dtype == kind else value.astype(kind))
        return values[-1]

    def run(*arrays):
        if not arrays[0].ndim:
            return (np.asarray(evaluate(arrays), dtype),)
        # Not by broadcast_shapes: Theano only broadcasts dimensions declared as such, and
        # a length of 0 is no error.
        shape = np.broadcast_shapes(*[a.shape for a in arrays])
        out = library.empty(shape, dtype) if overwritten is None else arrays[overwritten]
        rows, size = shape[0], out.size
        if size == 0:
            return (out,)
        step = max(1, _BLOCK * rows // size)
        for i in range(0, rows, step):
            part = [a if a.shape[0] == 1 and rows > 1 else a[i : i + step] for a in arrays]
            out[i : i + step] = evaluate(part)
        return (out,)

    return run
