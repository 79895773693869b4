"""Shapes, indices and views: what takes hardly any time, in as few steps of Python as possible.

A training step of a recurrent net has a hundred such nodes around its two scans. Theano's own
perform() takes 5 to 40 microseconds for each, a tenth of that step.
"""

from __future__ import annotations

import functools
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
SIGNED = ("bool", "int8", "int16", "int32", "int64")


def integers(node) -> Callable | None:
    """Return a function of integers without dimensions that computes this Elemwise, or None.

    Parameters
    ----------
    node : Apply

    Returns
    -------
    callable or None
        Takes Python's integers and returns one, as C would have it, which wraps around. Raises
        ZeroDivisionError.
    """
    op, variables = node.op.scalar_op, [*node.inputs, *node.outputs]
    if any(v.type.ndim or v.type.dtype not in SIGNED for v in variables):
        return None
    if len(node.outputs) != 1:
        return None
    constants: list[int] = []
    if type(op) is ts.Composite:
        found = _steps(op)
        if found is None:
            return None
        steps, constants = found
    else:
        step = _step(op, [v.type.dtype for v in node.inputs], node.outputs[0].type.dtype)
        if step is None:
            return None
        steps = [(*step, tuple(range(len(node.inputs))))]

    def run(*numbers):
        values = [*numbers, *constants]
        for function, low, high, beyond, places in steps:
            try:
                value = function(*[values[i] for i in places])
            except ZeroDivisionError:
                raise ZeroDivisionError("integer division by zero") from None  # as C code has it
            values.append(value if low <= value <= high else beyond(value))
        return values[-1]

    return run


def _steps(op):
    """Return the steps of a Composite, `_step` and the places of its arguments, and constants.

    None if a function is not covered. A Composite within is its steps.
    """
    flat: list[tuple] = []  # (step, arguments)
    constants: list[int] = []

    def walk(op, arguments):
        """Append a Composite's steps; returns where its result is: (list, place)."""
        if not genuine.is_genuine(op) or len(op.fgraph.outputs) != 1:
            return None
        where = dict(zip(op.fgraph.inputs, arguments, strict=True))
        for node in op.fgraph.toposort():
            for v in node.inputs:
                if isinstance(v, Constant) and v not in where:
                    where[v] = ("constant", len(constants))
                    constants.append(int(v.data) if v.dtype in SIGNED else 0)
            given = [where[v] for v in node.inputs]
            (out,) = node.outputs
            if type(node.op) is ts.Composite:
                where[out] = walk(node.op, given)
                if where[out] is None:
                    return None
                continue
            step = _step(node.op, [v.dtype for v in node.inputs], out.dtype)
            if step is None:
                return None
            where[out] = ("step", len(flat))
            flat.append((step, given))
        return where[op.fgraph.outputs[0]]

    inputs = len(op.fgraph.inputs)
    if walk(op, [("input", k) for k in range(inputs)]) != ("step", len(flat) - 1):
        return None
    first = {"input": 0, "constant": inputs, "step": inputs + len(constants)}
    steps = [(*step, tuple(first[of_which] + k for of_which, k in given)) for step, given in flat]
    return steps, constants


def _step(op, dtypes, dtype: str):
    """Return the function of one scalar Op.

    With the least and the most that it may give, and what makes something of all else.
    """
    kind = type(op)
    if not genuine.is_genuine(op) or any(d not in SIGNED for d in (*dtypes, dtype)):
        return None
    function = _OF_BOOLS.get(kind) if dtype == "bool" == max(dtypes) else _FUNCTIONS.get(kind)
    if function is None:
        return None
    if len(dtypes) > 2 and kind in (ts.Add, ts.Mul):
        function = functools.partial(_one_after_the_other, function)
    if dtype == "bool":
        if kind not in _TRUTHS and set(dtypes) != {"bool"}:
            return None
        if kind in (ts.Add, ts.Mul, ts.Sub, ts.Neg, ts.Abs, ts.IntDiv):
            return None
        return function, 0, 1, bool
    info = np.iinfo(dtype)
    low, high = int(info.min), int(info.max)

    def wrapped(value: int) -> int:
        return (value - low) % (high - low + 1) + low

    if kind in (ts.Maximum, ts.Minimum) and dtype == "int64":
        return function, -_LARGE, _LARGE, lambda value: wrapped(int(float(value)))
    return function, low, high, wrapped


def _one_after_the_other(function: Callable, *numbers: int) -> int:
    return functools.reduce(function, numbers)


def of_integers(node) -> Callable | None:
    """Return a function of arrays without dimensions for `integers`, or None."""
    compute = integers(node)
    if compute is None:
        return None
    dtype = np.dtype(node.outputs[0].type.dtype)
    return lambda *arrays: (np.array(compute(*[a.item() for a in arrays]), dtype),)


def shape_i(node) -> Callable | None:
    """One length of an array."""
    i, dtype = node.op.i, np.dtype(np.int64)
    if not hasattr(node.inputs[0].type, "broadcastable"):
        return None
    return lambda x: (np.array(x.shape[i], dtype),)


def make_vector(node) -> Callable | None:
    """Integers side by side."""
    dtype = np.dtype(node.outputs[0].type.dtype)
    if dtype.kind not in "ib" or any(v.type.dtype not in SIGNED for v in node.inputs):
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


def subtensor(node) -> Callable:
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
