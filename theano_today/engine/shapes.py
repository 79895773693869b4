"""Shapes, indices and views: what takes hardly any time, in as few steps of Python as possible.

A training step of a recurrent net has a hundred such nodes around its two scans. Theano's own
perform() takes 5 to 40 microseconds for each, a tenth of that step.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np
import theano.scalar as ts
from theano.gof import Constant

from theano_today.engine import genuine

# From here on C code, which makes a double of what is the larger of two, is not exact any more.
_LARGE = 2**53

_FUNCTIONS: dict[type, Callable] = {
    ts.Add: operator.add, ts.Mul: operator.mul, ts.Sub: operator.sub, ts.Neg: operator.neg,
    ts.Abs: abs, ts.EQ: operator.eq, ts.NEQ: operator.ne, ts.LT: operator.lt,
    ts.GT: operator.gt, ts.LE: operator.le, ts.GE: operator.ge, ts.Maximum: max,
    ts.Minimum: min, ts.Identity: lambda a: a, ts.Cast: lambda a: a, ts.IntDiv: operator.floordiv,
    ts.Switch: lambda c, a, b: a if c else b,
}  # fmt: skip
_OF_BOOLS: dict[type, Callable] = {ts.AND: operator.and_, ts.OR: operator.or_}
_TRUTHS = (ts.EQ, ts.NEQ, ts.LT, ts.GT, ts.LE, ts.GE)
_SIGNED = ("bool", "int8", "int16", "int32", "int64")


def integers(node) -> Callable | None:
    """Return a function of integers without dimensions that computes this Elemwise, or None.

    Parameters
    ----------
    node : Apply

    Returns
    -------
    callable or None
        Takes Python's integers and returns one; None where C's would overflow or divide by 0.
    """
    op, variables = node.op.scalar_op, [*node.inputs, *node.outputs]
    if any(v.type.ndim or v.type.dtype not in _SIGNED for v in variables):
        return None
    if len(node.outputs) != 1:
        return None
    if type(op) is not ts.Composite:
        step = _step(op, [v.type.dtype for v in node.inputs], node.outputs[0].type.dtype)
        steps = None if step is None else [(*step, tuple(range(len(node.inputs))))]
        constants: list[int] = []
    else:
        steps, constants = _steps(op)
    if not steps:
        return None

    def run(*numbers):
        values = [*numbers, *constants]
        for function, low, high, places in steps:
            try:
                value = function(*[values[i] for i in places])
            except ZeroDivisionError:
                return None
            if not low <= value <= high:
                return None
            values.append(value)
        return values[-1]

    return run


def _steps(op):
    """Return the steps of a Composite: (function, least, most, places of arguments), constants."""
    graph = op.fgraph
    if not genuine.is_genuine(op) or len(graph.outputs) != 1:
        return None, []
    order = graph.toposort()
    places = {v: i for i, v in enumerate(graph.inputs)}
    constants: list[int] = []
    for node in order:
        for v in node.inputs:
            if isinstance(v, Constant) and v not in places:
                if v.dtype not in _SIGNED:
                    return None, []
                places[v] = len(graph.inputs) + len(constants)
                constants.append(int(v.data))
    steps = []
    for node in order:
        step = _step(node.op, [v.dtype for v in node.inputs], node.outputs[0].dtype)
        if step is None or len(node.outputs) != 1:
            return None, []
        # A sum or product of several: one after the other
        pairs = [places[v] for v in node.inputs]
        if type(node.op) in (ts.Add, ts.Mul) and len(pairs) != 2:
            return None, []
        steps.append((*step, tuple(pairs)))
        places[node.outputs[0]] = len(graph.inputs) + len(constants) + len(steps) - 1
    if not order or order[-1].outputs[0] is not graph.outputs[0]:
        return None, []
    return steps, constants


def _step(op, dtypes, dtype: str):
    """Return the function for one scalar Op with the least and the most that it may give."""
    kind = type(op)
    if not genuine.is_genuine(op) or any(d not in _SIGNED for d in (*dtypes, dtype)):
        return None
    function = _OF_BOOLS.get(kind) if dtype == "bool" == max(dtypes) else _FUNCTIONS.get(kind)
    if function is None or (kind in (ts.Add, ts.Mul) and len(dtypes) != 2):
        return None
    if dtype == "bool":
        if kind not in _TRUTHS and set(dtypes) != {"bool"}:
            return None
        if kind in (ts.Add, ts.Mul, ts.Sub, ts.Neg, ts.Abs, ts.IntDiv):
            return None
        return function, 0, 1
    info = np.iinfo(dtype)
    return function, max(info.min, -_LARGE), min(info.max, _LARGE)


def of_integers(node, otherwise: Callable | None) -> Callable | None:
    """Return a function of arrays without dimensions for `integers`, or `otherwise`."""
    compute = integers(node)
    if compute is None or otherwise is None:
        return otherwise
    dtype = np.dtype(node.outputs[0].type.dtype)

    def run(*arrays):
        value = compute(*[a.item() for a in arrays])
        if value is None:
            return otherwise(*arrays)
        return (np.array(value, dtype),)

    return run


def shape_i(node) -> Callable | None:
    """One length of an array."""
    i, dtype = node.op.i, np.dtype(np.int64)
    if not hasattr(node.inputs[0].type, "broadcastable"):
        return None
    return lambda x: (np.array(x.shape[i], dtype),)


def make_vector(node) -> Callable | None:
    """Integers side by side."""
    dtype = np.dtype(node.outputs[0].type.dtype)
    if dtype.kind not in "ib" or any(v.type.dtype not in _SIGNED for v in node.inputs):
        return None
    return lambda *numbers: (np.array([n.item() for n in numbers], dtype),)


def scalar_from_tensor(node) -> Callable:
    """A number of an array without dimensions."""
    return lambda x: (x[()],)


def dimshuffle(node) -> Callable | None:
    """Axes in another order, some of length 1 among them."""
    op = node.op
    if op.drop or not op.inplace:
        return None
    order = tuple(op.shuffle)
    if order == tuple(range(len(order))):
        order = ()
    # With an ellipsis, or NumPy makes a number of an array without dimensions.
    index = (*(np.newaxis if k == "x" else slice(None) for k in op.new_order), ...)
    if "x" not in op.new_order:
        return lambda x: (x.transpose(order) if order else x[index],)
    if not order:
        return lambda x: (x[index],)
    return lambda x: (x.transpose(order)[index],)


def subtensor(node) -> Callable | None:
    """A part of an array, its indices constants or integers of nodes."""
    makers: list = []
    at = 0

    def entry(given):
        nonlocal at
        if given is None or isinstance(given, (int, np.integer)):
            return None, given
        at += 1
        v = node.inputs[at]
        if isinstance(v, Constant):
            return None, int(np.asarray(v.data))
        return at - 1, None

    fixed = True
    for given in node.op.idx_list:
        if isinstance(given, slice):
            parts = [entry(g) for g in (given.start, given.stop, given.step)]
        else:
            parts = [entry(given)]
        fixed = fixed and all(place is None for place, _ in parts)
        makers.append(parts)

    def index(numbers):
        found = []
        for parts in makers:
            values = [value if place is None else int(numbers[place]) for place, value in parts]
            found.append(values[0] if len(values) == 1 else slice(*values))
        return (*found, ...)

    if fixed:
        constant = index(())
        return lambda x, *numbers: (x[constant],)
    return lambda x, *numbers: (x[index(numbers)],)
