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

from theano_today.engine import genuine, library, programs, shapes

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
    ts.Identity: lambda a: a,  # copied where it is stored
    ts.Second: lambda a, b: b,
}
_COMPARISONS = (ts.EQ, ts.NEQ, ts.LT, ts.GT, ts.LE, ts.GE)


def _power(a, b):
    # As exact as C's powf, which computes in float64, too; NumPy's vectors of float32 are not.
    return np.power(a, b, dtype="float64")


# Of floats only: on integers NumPy and Theano differ in the type or in the rounding.
_OF_FLOATS: dict[type, Callable] = {
    ts.TrueDiv: np.true_divide,
    ts.Sqrt: np.sqrt,
    ts.Exp: np.exp,
    ts.Log: np.log,
    ts.Tanh: np.tanh,
    ts.Inv: np.reciprocal,
    ts.Pow: _power,
}


def _floor_divide(a, b):
    if not np.all(b):
        raise ZeroDivisionError("integer division by zero")
    return np.floor_divide(a, b)


_OF_INTEGERS: dict[type, Callable] = {ts.IntDiv: _floor_divide}
_EXTREMES: dict[type, Callable] = {ts.Maximum: np.maximum, ts.Minimum: np.minimum}


def _extreme(function: Callable, dtype: str) -> Callable:
    # Theano's C code is ``y > x ? y : (x >= y ? x : nan(""))``.
    if dtype.startswith("float"):
        # Of equal ones the first, which shows in the sign of zero. NumPy has either.
        def of_floats(x, y):
            return np.where(np.equal(x, y), x, function(x, y))

        return of_floats
    if dtype in ("int64", "uint64"):
        # nan("") is a double, and so C makes a double of the other two.
        return lambda x, y: function(x, y).astype(np.float64).astype(dtype)
    return function


def same_in_c(a: str, b: str) -> bool:
    """Say whether ``c ? a : b`` hands on both as NumPy does.

    C++ brings them to one type first (the standard's usual arithmetic conversions), and that
    loses what NumPy keeps: of int32 and float32 it makes float, of int64 and uint64 uint64.
    """
    if a == b or "float64" in (a, b):
        return True
    narrow = ("bool", "int8", "uint8", "int16", "uint16")
    if "float32" in (a, b):
        return a in narrow or b in narrow
    unsigned, signed = [d for d in (a, b) if d[0] == "u"], [d for d in (a, b) if d[0] == "i"]
    if not unsigned or not signed or unsigned[0] in narrow:
        return "float16" not in (a, b)
    return unsigned[0] == "uint32" and signed[0] == "int64"


def _function(op, inputs, dtype: str) -> Callable | None:
    """Return a function of arrays that computes one scalar op, or None."""
    kind, dtypes = type(op), {v.type.dtype for v in inputs}
    if any("complex" in d for d in (*dtypes, dtype)) or not genuine.is_genuine(op):
        return None
    if kind is ts.Cast:
        if dtype == "uint32" and inputs[0].type.dtype.startswith("float"):
            # What does not fit goes through 64 bits in C code: of NaN comes 0, of -1 2**32 - 1.
            return lambda a: a.astype(np.int64).astype(dtype)
        return lambda a: a.astype(dtype, copy=False)
    if kind is ts.Switch:
        fits = same_in_c(inputs[1].type.dtype, inputs[2].type.dtype)
        return (lambda c, a, b: np.where(c, a, b)) if fits else None
    if len(dtypes) > 1:
        return None
    function = _FUNCTIONS.get(kind)
    (only,) = dtypes
    # An Op made with another output type computes in C's types, not in those of its inputs.
    if dtype != (only if kind not in _COMPARISONS else "bool"):
        return None
    if kind in _EXTREMES:
        function = _extreme(_EXTREMES[kind], only)
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
    if type(op) is not ts.Composite:
        function = _function(op, inputs, output.type.dtype)
        if function is None:
            return None
        return [(function, list(range(len(inputs))), output.type.dtype)], []
    graph = op.fgraph
    if len(graph.outputs) != 1 or not genuine.is_genuine(op):
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


def shape_of(arrays, broadcastable) -> tuple[int, ...]:
    """Return the shape of an Elemwise of these arrays.

    Raises
    ------
    ValueError
        If they do not fit each other. Theano broadcasts only the dimensions that a variable's
        type declares to be of length 1, not all that happen to be. If one of those is not.
    """
    shape = []
    for axis in range(arrays[0].ndim):
        lengths = set()
        for i, (a, declared) in enumerate(zip(arrays, broadcastable, strict=True)):
            if not declared[axis]:
                lengths.add(a.shape[axis])
            elif a.shape[axis] != 1:
                raise ValueError(
                    f"input[{i}].shape[{axis}] = {a.shape[axis]} on a broadcastable dimension"
                )
        if len(lengths) > 1:
            raise ValueError(_mismatch(arrays, broadcastable, axis))
        shape.append(lengths.pop() if lengths else 1)
    return tuple(shape)


def _mismatch(arrays, broadcastable, axis) -> str:
    # In Theano's words: people look for them.
    counted = [i for i, declared in enumerate(broadcastable) if not declared[axis]]
    first = counted[0]
    other = next(i for i in counted if arrays[i].shape[axis] != arrays[first].shape[axis])
    said = [f"input[{i}].shape[{axis}] = {arrays[i].shape[axis]}" for i in (first, other)]
    return f"Input dimension mis-match. ({', '.join(said)})"


# That NumPy has as vectors, and the kernels by the C library, an element at a time
_SLOW = {"exp.f8", "log.f8", "tanh.f8"}


def elemwise(node) -> Callable | None:
    """Return a function of the input arrays of this Elemwise node, or None."""
    of_integers = shapes.of_integers(node)
    if of_integers is not None:
        return of_integers
    declared = [v.type.broadcastable for v in node.inputs]
    program = programs.program_of(node, lambda arrays: shape_of(arrays, declared))
    run = program.run if program is not None else by_numpy(node)
    if program is not None and not _SLOW.isdisjoint(program.formula.names):
        run = by_numpy(node) or run
    return run


def by_numpy(node) -> Callable | None:
    """Return the same by NumPy, in blocks, or None."""
    if len(node.outputs) != 1:
        return None
    found = _steps(node.op.scalar_op, node.inputs, node.outputs[0])
    if found is None:
        return None
    steps, constants = found
    powers = any(function is _power for function, *_ in steps)
    if powers and node.outputs[0].ndim and library.lanes() < 16:
        return None  # NumPy has vectors for it with AVX-512 alone (NumPy 2.4)
    dtype = node.outputs[0].type.dtype
    overwritten = node.op.inplace_pattern.get(0)
    broadcastable = [v.type.broadcastable for v in node.inputs]

    def evaluate(arrays):
        values = [*arrays, *constants]
        for function, places, kind in steps:
            value = function(*[values[i] for i in places])
            values.append(value if value.dtype == kind else value.astype(kind))
        return values[-1]

    # C code says nothing of overflow and the like, whatever the user has NumPy do about it.
    @np.errstate(all="ignore")
    def run(*arrays):
        if not arrays[0].ndim:
            return (np.array(evaluate(arrays), dtype),)
        shape = shape_of(arrays, broadcastable)
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
