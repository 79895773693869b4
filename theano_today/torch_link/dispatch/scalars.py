"""Theano's scalar Ops as functions of torch, with Theano's dtypes.

Each function takes tensors or Python numbers, at least one of them a tensor. torch's own rules
of promotion never decide: the inputs are cast to a common dtype first, and the result to the
dtype that the graph declares.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import theano.scalar as ts
import torch
from theano.gof.graph import Constant
from theano.scalar import basic_scipy
from theano.tensor.nnet import nnet, sigm

from theano_today.engine.elemwise import same_in_c
from theano_today.torch_link.dispatch import checks
from theano_today.torch_link.dispatch.basic import is_number
from theano_today.torch_link.target import Target, torch_dtype


def _folded(function: Callable) -> Callable:
    return lambda *terms: reduce(function, terms)


def _maximum(a, b):
    return _extreme(torch.maximum, a, b)


def _minimum(a, b):
    return _extreme(torch.minimum, a, b)


def _extreme(function: Callable, a, b):
    if is_number(a):
        a = torch.full_like(b, a)
    if is_number(b):
        b = torch.full_like(a, b)
    # Of equal ones the first, as in Theano's C code: it shows in the sign of zero.
    found = function(a, b)
    return torch.where(a == b, a, found) if found.is_floating_point() else found


def _true(a):
    return a if a.dtype == torch.bool else a != 0


def _is_whole(x) -> bool:
    return isinstance(x, int) if is_number(x) else not x.is_floating_point()


def _divisor(b, message: str):
    """Return b, whole numbers, with 1 in place of 0, which is required not to be there."""
    if is_number(b):
        if b == 0:
            raise ZeroDivisionError(message)
        return b
    # torch itself refuses 0 on a CPU, and divides by it on a GPU.
    checks.require((b != 0).all(), ZeroDivisionError, message)
    return torch.where(b == 0, 1, b)


def _true_division(a, b):
    if is_number(a) and not is_number(b):
        # torch takes number / b for number * (1 / b), which is rounded twice and overflows early.
        a = torch.full((), a, dtype=b.dtype, device=b.device)
    return a / b


def _floor_division(a, b):
    if _is_whole(a) and _is_whole(b):
        return a // _divisor(b, "integer division by zero")
    if is_number(a):
        a = torch.full_like(b, a)
    # Theano's C code floors the quotient of the absolute values where the signs differ, and
    # takes 1 off if there is a remainder: that of -1 and infinity is -1.
    quotient = a / b
    differ = (a < 0) & (b > 0) | (a >= 0) & (b < 0)
    below = -torch.floor(-quotient) - (torch.fmod(a, b) != 0).to(quotient.dtype)
    return torch.where(differ, below, torch.floor(quotient))


def _modulo(a, b):
    if _is_whole(a) and _is_whole(b):
        return a % _divisor(b, "integer modulo by zero")
    return a % b


def _sign(a):
    # torch.sign(NaN) is 0, Theano's NaN.
    return torch.where(torch.isnan(a), a, torch.sign(a)) if a.is_floating_point() else a.sign()


def _round_half_away(a):
    whole = torch.trunc(a)
    # Not floor(|a| + 0.5): the largest float below one half plus one half is 1.
    return whole + torch.sign(a) * ((a - whole).abs() >= 0.5)


def _softplus(a):
    # log1p(exp(a)) is a, in float64 as well, from 37 on.
    return torch.where(a > 40, a, torch.log1p(torch.exp(torch.clamp(a, max=40))))


def _ultra_fast_sigmoid(a):
    # Piecewise, as Theano's C code: up to 0.005 away from the sigmoid, and no NaN.
    x = (0.5 * a).abs()
    far = torch.full_like(x, 0.99505475368673)
    middle = torch.where(x < 3, 0.935409070603099 + 0.0458812946797165 * (x - 1.7), far)
    tanh = torch.where(x < 1.7, 1.5 * x / (1 + x), middle)
    return 0.5 * (torch.where(a >= 0, tanh, -tanh) + 1.0)


# All inputs are cast to the output's dtype, and computed in it.
IN_OUTPUT_DTYPE: dict[type, Callable] = {
    ts.Add: _folded(lambda a, b: a + b),
    ts.Mul: _folded(lambda a, b: a * b),
    ts.Sub: lambda a, b: a - b,
    ts.TrueDiv: _true_division,
    ts.IntDiv: _floor_division,
    ts.Mod: _modulo,
    ts.Pow: lambda a, b: a**b,
    ts.Neg: lambda a: -a,
    ts.Abs: torch.abs,
    ts.Sgn: _sign,
    ts.Sqr: lambda a: a * a,
    ts.Sqrt: torch.sqrt,
    ts.Inv: torch.reciprocal,
    ts.Exp: torch.exp,
    ts.Exp2: torch.exp2,
    ts.Expm1: torch.expm1,
    ts.Log: torch.log,
    ts.Log2: torch.log2,
    ts.Log10: torch.log10,
    ts.Log1p: torch.log1p,
    ts.Sin: torch.sin,
    ts.Cos: torch.cos,
    ts.Tan: torch.tan,
    ts.ArcSin: torch.asin,
    ts.ArcCos: torch.acos,
    ts.ArcTan: torch.atan,
    ts.Sinh: torch.sinh,
    ts.Cosh: torch.cosh,
    ts.Tanh: torch.tanh,
    ts.ArcSinh: torch.asinh,
    ts.ArcCosh: torch.acosh,
    ts.ArcTanh: torch.atanh,
    ts.Deg2Rad: torch.deg2rad,
    ts.Rad2Deg: torch.rad2deg,
    ts.Ceil: torch.ceil,
    ts.Floor: torch.floor,
    ts.Trunc: torch.trunc,
    ts.RoundHalfToEven: torch.round,
    ts.RoundHalfAwayFromZero: _round_half_away,
    basic_scipy.Erf: torch.erf,
    basic_scipy.Erfc: torch.erfc,
    basic_scipy.Erfinv: torch.erfinv,
    basic_scipy.GammaLn: torch.lgamma,
    basic_scipy.Psi: torch.digamma,
    sigm.ScalarSigmoid: torch.sigmoid,
    sigm.UltraFastScalarSigmoid: _ultra_fast_sigmoid,
    sigm.ScalarSoftplus: _softplus,
    nnet.ScalarSoftsign: lambda a: a / (1 + a.abs()),
    ts.AND: _folded(lambda a, b: a & b),
    ts.OR: _folded(lambda a, b: a | b),
    ts.XOR: lambda a, b: a ^ b,
    ts.Invert: lambda a: ~a,
    ts.Maximum: _folded(_maximum),
    ts.Minimum: _folded(_minimum),
    ts.Identity: lambda a: a,
    ts.Cast: lambda a: a,
}

# All inputs are cast to the dtype that holds them all; the result is boolean.
COMPARISONS: dict[type, Callable] = {
    ts.EQ: lambda a, b: a == b,
    ts.NEQ: lambda a, b: a != b,
    ts.LT: lambda a, b: a < b,
    ts.GT: lambda a, b: a > b,
    ts.LE: lambda a, b: a <= b,
    ts.GE: lambda a, b: a >= b,
    ts.IsNan: torch.isnan,
    ts.IsInf: torch.isinf,
}

# Theano's C code of these two converts as it likes, not as the dtypes say.
_KEEP_INPUT = (ts.Cast, ts.Identity)


def scalar_function(op, inputs: list[str], output: str, target: Target) -> Callable | None:
    """Return the torch function of a scalar Op, or None if it has none.

    Parameters
    ----------
    op : theano.scalar.ScalarOp
    inputs : list of str
        dtypes of its inputs.
    output : str
        dtype that the graph declares for its result.
    target : Target
    """
    if type(op) is ts.Composite:
        return _composite(op, target)
    if not all(map(target.holds, (*inputs, output))):
        return None
    cast_to: list[str | None] = [output] * len(inputs)
    if type(op) is ts.Switch:
        function = _switch(output, target)
        cast_to[0] = None
        if not same_in_c(*inputs[1:]):
            if "float32" not in inputs[1:]:
                return None
            cast_to[1:] = ["float32"] * 2  # as C does, though the graph declares float64
    elif type(op) is ts.Second:
        function = _second(target)
    elif type(op) is ts.Clip:
        function = _clip(output, target)
    elif type(op) in COMPARISONS:
        function = COMPARISONS[type(op)]
        cast_to = [ts.upcast(*inputs)] * len(inputs)
    elif type(op) in IN_OUTPUT_DTYPE:
        function = IN_OUTPUT_DTYPE[type(op)]
        if type(op) in _KEEP_INPUT:
            cast_to = [None]
    else:
        return None
    return _with_dtypes(function, inputs, cast_to, output)


def _with_dtypes(function: Callable, inputs, cast_to, output: str) -> Callable:
    casts = [
        (i, torch_dtype(to))
        for i, (dtype, to) in enumerate(zip(inputs, cast_to, strict=True))
        if to is not None and to != dtype
    ]
    out = torch_dtype(output)
    to_bool = output == "bool"

    def call(*inputs):
        values = list(inputs)
        if casts:
            for i, dtype in casts:
                if not is_number(values[i]):
                    values[i] = values[i].to(dtype)
        result = function(*values)
        if result.dtype == out:
            return result
        return result != 0 if to_bool else result.to(out)

    return call


def _switch(output: str, target: Target) -> Callable:
    def switch(condition, a, b):
        if is_number(condition):
            return _broadcast(a if condition else b, a, b, output, target)
        a, b = _as_tensors(output, target, a, b)
        return torch.where(_true(condition), a, b)

    return switch


def _broadcast(chosen, a, b, output: str, target: Target):
    a, b, chosen = _as_tensors(output, target, a, b, chosen)
    return chosen.expand(torch.broadcast_shapes(a.shape, b.shape))


def _clip(output: str, target: Target) -> Callable:
    def clip(x, low, high):
        # Not clamp: where low > high, Theano's C code gives low to what is below it.
        x, low, high = _as_tensors(output, target, x, low, high)
        return torch.where(x < low, low, torch.where(x > high, high, x))

    return clip


def _second(target: Target) -> Callable:
    def second(a, b):
        # The second input in the shape of both.
        if is_number(a):
            return b
        if is_number(b):
            return torch.full_like(a, b)
        return b.expand(torch.broadcast_shapes(a.shape, b.shape))

    return second


def _as_tensors(dtype: str, target: Target, *values):
    return [target.full(v, dtype) if is_number(v) else v for v in values]


def _composite(op, target: Target) -> Callable | None:
    """The torch functions of the Ops that Theano's optimizer fused into one, one after another."""
    steps: list[tuple[Callable, list[Any], int]] = []
    slots = {v: i for i, v in enumerate(op.fgraph.inputs)}
    constants: dict[int, Any] = {}
    for node in op.fgraph.toposort():
        for v in node.inputs:
            if isinstance(v, Constant) and v not in slots:
                slots[v] = len(slots)
                constants[slots[v]] = v.data.item() if hasattr(v.data, "item") else v.data
        (out,) = node.outputs
        dtypes = [v.type.dtype for v in node.inputs]
        function = scalar_function(node.op, dtypes, out.type.dtype, target)
        if function is None:
            return None
        slots[out] = len(slots)
        steps.append((_on_numbers(function, dtypes[0], target), [slots[v] for v in node.inputs],
                      slots[out]))  # fmt: skip
    outputs = [slots[v] for v in op.fgraph.outputs]
    size = len(slots)

    def composite(*inputs):
        values = [*inputs, *[None] * (size - len(inputs))]
        for slot, constant in constants.items():
            values[slot] = constant
        for function, arguments, result in steps:
            values[result] = function(*[values[i] for i in arguments])
        results = tuple(values[i] for i in outputs)
        return results[0] if len(results) == 1 else results

    return composite


def _on_numbers(function: Callable, dtype: str, target: Target) -> Callable:
    # Inside of a Composite a node may see nothing but numbers.
    def call(*values):
        if all(map(is_number, values)):
            values = (target.full(values[0], dtype), *values[1:])
        return function(*values)

    return call
