"""Elemwise nodes and Composites as the functions of scalars that they compute."""

from __future__ import annotations

import numpy as np
import theano.scalar as ts
from theano.gof import Constant

from theano_today.engine import formulas, genuine
from theano_today.engine.elemwise import _function


def name_of(node) -> str | None:
    """Return the name of a function of float32, or None for what is none, or not covered."""
    dtypes = [v.dtype for v in node.inputs]
    if {*dtypes, node.outputs[0].dtype} != {"float32"} or type(node.op) in (ts.Switch, ts.Clip):
        return None
    try:
        name = formulas._name(node.op, dtypes, "float32")
        formulas.number(name)
    except formulas.Uncovered:
        return None
    return name.removesuffix(".f4")


def scalar_op(node):
    """Return an Elemwise's scalar Op, a Composite without others in it."""
    op = node.op.scalar_op
    if not isinstance(op, ts.Composite) or not _has_composite(op):
        return op
    inputs = [v.type() for v in op.fgraph.inputs]
    return ts.Composite(inputs, computed(op, inputs))


def _has_composite(op) -> bool:
    return any(isinstance(node.op, ts.Composite) for node in op.fgraph.apply_nodes)


def computed(op, arguments) -> list:
    """Return what a scalar Op computes of these scalars, without a Composite in it."""
    if not isinstance(op, ts.Composite):
        return op.make_node(*arguments).outputs
    graph = op.fgraph
    values = dict(zip(graph.inputs, arguments, strict=True))
    for node in graph.toposort():
        inputs = [values.get(v, v) for v in node.inputs]
        if isinstance(node.op, ts.Composite) and genuine.is_genuine(node.op):
            outputs = computed(node.op, inputs)
        else:
            outputs = node.op.make_node(*inputs).outputs
        values.update(zip(node.outputs, outputs, strict=True))
    return [values.get(v, v) for v in graph.outputs]


def is_constant(v) -> bool:
    """Say whether v is a number that is known."""
    return isinstance(v, Constant) and v.dtype == "float32" and v.data.size == 1


def number_of(v):
    """Return a constant as a scalar."""
    return ts.constant(v.data.reshape(-1)[0], dtype="float32")


def evaluated(composite, inputs) -> list:
    """Return a Composite's outputs of arrays of float32, by NumPy."""
    graph = composite.fgraph
    values = dict(zip(graph.inputs, inputs, strict=True))
    for inner in graph.toposort():
        for v in inner.inputs:
            if isinstance(v, Constant):
                values[v] = np.asarray(v.data, v.dtype)
        function = _function(inner.op, inner.inputs, inner.outputs[0].dtype)
        function = function or np.vectorize(inner.op.impl, otypes=["float32"])
        values[inner.outputs[0]] = function(*(values[v] for v in inner.inputs))
    return [values[v] for v in graph.outputs]
