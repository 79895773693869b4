"""Elementwise Ops: each function of Theano's scalars as nodes of ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from theano import scalar as ts
from theano.scalar import basic_scipy
from theano.tensor.elemwise import Elemwise
from theano.tensor.nnet import nnet, sigm

from theano_today.export.graph import Graph, dtype_for
from theano_today.export.ops.table import implements

# Names of ONNX whose arguments have the type of the result.
_SAME = {
    ts.Maximum: "Max", ts.Minimum: "Min", ts.Sub: "Sub", ts.TrueDiv: "Div", ts.Neg: "Neg",
    ts.Abs: "Abs", ts.Exp: "Exp", ts.Log: "Log", ts.Sqrt: "Sqrt", ts.Inv: "Reciprocal",
    ts.Sgn: "Sign", ts.Tanh: "Tanh", ts.Sin: "Sin", ts.Cos: "Cos", ts.Tan: "Tan",
    ts.ArcSin: "Asin", ts.ArcCos: "Acos", ts.ArcTan: "Atan", ts.Sinh: "Sinh", ts.Cosh: "Cosh",
    ts.ArcSinh: "Asinh", ts.ArcCosh: "Acosh", ts.ArcTanh: "Atanh", ts.Floor: "Floor",
    ts.Ceil: "Ceil", ts.RoundHalfToEven: "Round", basic_scipy.Erf: "Erf",
    sigm.ScalarSigmoid: "Sigmoid", sigm.ScalarSoftplus: "Softplus",
}  # fmt: skip

# Names whose arguments have the type that the arguments have together.
_COMPARE = {
    ts.EQ: "Equal",
    ts.LT: "Less",
    ts.GT: "Greater",
    ts.LE: "LessOrEqual",
    ts.GE: "GreaterOrEqual",
}

_LOGIC = {ts.AND: "And", ts.OR: "Or", ts.XOR: "Xor"}


def _one(g: Graph, dtype: np.dtype, value: float) -> str:
    return g.constant(np.asarray(value, dtype))


def _fold(g: Graph, kind: str, values: list[str]) -> str:
    result = values[0]
    for value in values[1:]:
        result = g.add(kind, result, value)
    return result


# f(graph, values, dtype): the values have the type of the result, dtype.
_FORMULAS: dict[type, Callable[[Graph, list[str], np.dtype], str]] = {
    ts.Add: lambda g, v, t: _fold(g, "Add", v),
    ts.Mul: lambda g, v, t: _fold(g, "Mul", v),
    ts.Pow: lambda g, v, t: g.add("Pow", *v),
    ts.Sqr: lambda g, v, t: g.add("Mul", v[0], v[0]),
    ts.Identity: lambda g, v, t: v[0],
    ts.Second: lambda g, v, t: g.add("Expand", v[1], g.add("Shape", v[0])),
    ts.Log1p: lambda g, v, t: g.add("Log", g.add("Add", v[0], _one(g, t, 1))),
    ts.Expm1: lambda g, v, t: g.add("Sub", g.add("Exp", v[0]), _one(g, t, 1)),
    ts.Log2: lambda g, v, t: g.add("Div", g.add("Log", v[0]), _one(g, t, np.log(2))),
    ts.Log10: lambda g, v, t: g.add("Div", g.add("Log", v[0]), _one(g, t, np.log(10))),
    ts.Exp2: lambda g, v, t: g.add("Pow", _one(g, t, 2), v[0]),
    ts.Deg2Rad: lambda g, v, t: g.add("Mul", v[0], _one(g, t, np.pi / 180)),
    ts.Rad2Deg: lambda g, v, t: g.add("Mul", v[0], _one(g, t, 180 / np.pi)),
    ts.Mod: lambda g, v, t: (
        g.add("Mod", *v)
        if t.kind == "i"
        # The sign of the divisor, as Python's.
        else g.add("Sub", v[0], g.add("Mul", v[1], g.add("Floor", g.add("Div", *v))))
    ),
    basic_scipy.Erfc: lambda g, v, t: g.add("Sub", _one(g, t, 1), g.add("Erf", v[0])),
    nnet.ScalarSoftsign: lambda g, v, t: g.add(
        "Div", v[0], g.add("Add", g.add("Abs", v[0]), _one(g, t, 1))
    ),
    sigm.UltraFastScalarSigmoid: lambda g, v, t: _ultra_fast_sigmoid(g, v[0], t),
    ts.RoundHalfAwayFromZero: lambda g, v, t: g.add(
        "Mul",
        g.add("Sign", v[0]),
        g.add("Floor", g.add("Add", g.add("Abs", v[0]), _one(g, t, 0.5))),
    ),
    ts.Trunc: lambda g, v, t: g.add("Mul", g.add("Sign", v[0]), g.add("Floor", g.add("Abs", v[0]))),
}


def _ultra_fast_sigmoid(g: Graph, x: str, t: np.dtype) -> str:
    # Theano's: 0.5 * (z / (1 + |z|) + 1) near zero, pieces of lines further out.
    half = g.add("Mul", x, _one(g, t, 0.5))
    size = g.add("Abs", half)
    near = g.add("Div", g.add("Mul", size, _one(g, t, 1.5)), g.add("Add", size, _one(g, t, 1)))
    middle = g.add(
        "Add",
        g.add("Mul", g.add("Sub", size, _one(g, t, 1.7)), _one(g, t, 0.0458812946797165)),
        _one(g, t, 0.935409070603099),
    )
    far = _one(g, t, 0.99505475368673)
    y = g.add(
        "Where",
        g.add("Less", size, _one(g, t, 1.7)),
        near,
        g.add("Where", g.add("Less", size, _one(g, t, 3)), middle, far),
    )
    signed = g.add("Where", g.add("GreaterOrEqual", half, _one(g, t, 0)), y, g.add("Neg", y))
    return g.add("Mul", g.add("Add", signed, _one(g, t, 1)), _one(g, t, 0.5))


@implements(Elemwise)
def elemwise(writer: Any, node: Any) -> str:
    g, op = writer.graph, node.op.scalar_op
    kind, out = type(op), dtype_for(node.outputs[0].dtype)
    if (x := _rectified(writer, node)) is not None:
        return g.add("Relu", writer[x])

    def values(dtype: np.dtype) -> list[str]:
        return [
            writer[v] if dtype_for(v.dtype) == dtype else g.cast(writer[v], dtype)
            for v in node.inputs
        ]

    if kind is ts.Cast:
        return _cast(writer, node)
    if kind is ts.Switch:
        test = writer[node.inputs[0]]
        if dtype_for(node.inputs[0].dtype) != np.bool_:
            test = g.cast(test, np.bool_)
        return g.add("Where", test, *values(out)[1:])
    together = np.result_type(*(dtype_for(v.dtype) for v in node.inputs))
    together = dtype_for(np.float32 if together.kind == "f" else together)
    if kind in _COMPARE or kind is ts.NEQ:
        if together.kind == "b" and kind not in (ts.EQ, ts.NEQ):
            together = np.dtype(np.int64)
        result = g.add(_COMPARE.get(kind, "Equal"), *values(together))
        return g.add("Not", result) if kind is ts.NEQ else result
    if kind in (ts.IsNan, ts.IsInf):
        return g.add("IsNaN" if kind is ts.IsNan else "IsInf", writer[node.inputs[0]])
    if kind in _LOGIC:
        if out.kind != "b":
            raise NotImplementedError(f"bitwise {kind.__name__} of integers")
        return _fold_logic(g, _LOGIC[kind], values(out))
    if kind is ts.Invert and out.kind == "b":
        return g.add("Not", *values(out))
    if kind is ts.IntDiv:
        return _int_div(g, values(out), out)
    if kind is ts.Clip:
        x, low, high = values(out)
        return g.add("Min", g.add("Max", x, low), high)
    if out.kind == "b" and kind in (ts.Add, ts.Mul, ts.Maximum, ts.Minimum):
        return _fold_logic(g, "Or" if kind in (ts.Add, ts.Maximum) else "And", values(out))
    if kind in _SAME:
        name, given = _SAME[kind], values(out)
        return _fold(g, name, given) if name in ("Max", "Min") else g.add(name, *given)
    if kind in _FORMULAS:
        return _FORMULAS[kind](g, values(out), out)
    raise NotImplementedError(f"the elementwise function {op}")


def _rectified(writer: Any, node: Any) -> Any:
    """The x of 0.5 * (x + |x|), Lasagne's rectify, which is a node of its own in ONNX."""
    if type(node.op.scalar_op) is not ts.Mul or len(node.inputs) != 2:
        return None
    for half, total in (node.inputs, node.inputs[::-1]):
        value, inner = writer.known(half), total.owner
        if value is None or value.size != 1 or value.item() != 0.5 or total.dtype[:5] != "float":
            continue
        if (
            inner is None
            or type(inner.op) is not Elemwise
            or type(inner.op.scalar_op) is not ts.Add
        ):
            continue
        if len(inner.inputs) != 2:
            continue
        for x, size in (inner.inputs, inner.inputs[::-1]):
            absolute = size.owner
            if absolute is None or type(absolute.op) is not Elemwise:
                continue
            if type(absolute.op.scalar_op) is ts.Abs and absolute.inputs[0] is x:
                return x
    return None


def _fold_logic(g: Graph, kind: str, values: list[str]) -> str:
    return _fold(g, kind, values)


def _cast(writer: Any, node: Any) -> str:
    g, (x,) = writer.graph, node.inputs
    wanted = np.dtype(node.outputs[0].dtype)
    out, given = dtype_for(wanted), dtype_for(x.dtype)
    value = writer[x]
    if out.kind == "i" and wanted != out and np.dtype(x.dtype) != wanted:
        return g.cast(g.cast(value, wanted), out)  # where it wraps around, it does so here
    return value if out == given else g.cast(value, out)


def _int_div(g: Graph, values: list[str], out: np.dtype) -> str:
    if out.kind == "f":
        return g.add("Floor", g.add("Div", *values))
    # ONNX rounds to zero, Theano down: a // b = (a - a mod b) / b.
    a, b = values
    return g.add("Div", g.add("Sub", a, g.add("Mod", a, b)), b)
