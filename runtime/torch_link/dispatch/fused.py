"""Fused elementwise Ops as one CUDA kernel each.

Theano's optimizer fuses chains of elementwise Ops into one Composite, for its C code to run in
one loop. On a GPU torch's jiterator makes one kernel of it: it wants the value of one element
as C++, and takes care of shapes, strides and broadcasting. Anything not written in the tables
below, or not float32, is computed Op by Op instead (scalars.py), and so is everything on a CPU.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable
from typing import NamedTuple

import theano.scalar as ts
import torch
from theano.gof.graph import Constant
from theano.tensor.nnet import sigm

from runtime.torch_link.dispatch.basic import is_number
from runtime.torch_link.target import Target

log = logging.getLogger("net2")

MOST_INPUTS = 8  # of a kernel made by the jiterator

# {0}, {1}, ... are the inputs. All are float32, so that T is float.
_VALUES = {
    ts.Sub: "{0} - {1}",
    ts.TrueDiv: "{0} / {1}",
    ts.Neg: "-{0}",
    ts.Abs: "fabsf({0})",
    ts.Sgn: "({0} > 0 ? T(1) : {0} < 0 ? T(-1) : {0} == 0 ? T(0) : {0})",
    ts.Sqr: "{0} * {0}",
    ts.Sqrt: "sqrtf({0})",
    ts.Inv: "T(1) / {0}",
    ts.Exp: "expf({0})",
    ts.Log: "logf({0})",
    ts.Log1p: "log1pf({0})",
    ts.Tanh: "tanhf({0})",
    ts.Pow: "powf({0}, {1})",
    # The comparison is false for NaN: then x + y, which is NaN.
    ts.Maximum: "({0} >= {1} ? {0} : {1} > {0} ? {1} : {0} + {1})",
    ts.Minimum: "({0} <= {1} ? {0} : {1} < {0} ? {1} : {0} + {1})",
    ts.Clip: "({0} < {1} ? {1} : {0} > {2} ? {2} : {0})",
    ts.Identity: "{0}",
    ts.Cast: "{0}",
    ts.Second: "{1}",
    sigm.ScalarSigmoid: "T(1) / (T(1) + expf(-{0}))",
}
_CONDITIONS = {
    ts.EQ: "{0} == {1}",
    ts.NEQ: "{0} != {1}",
    ts.LT: "{0} < {1}",
    ts.GT: "{0} > {1}",
    ts.LE: "{0} <= {1}",
    ts.GE: "{0} >= {1}",
}
_CHAINS = {ts.Add: " + ", ts.Mul: " * "}


class Kernel(NamedTuple):
    """One element of a fused Op.

    name, code : str
        C++ as the jiterator wants it.
    tensors, numbers : tuples of int
        Which inputs it takes by position, and which by the name ``x<i>``.
    """

    name: str
    code: str
    tensors: tuple[int, ...]
    numbers: tuple[int, ...]


def source(op, numbers: tuple[int, ...] = ()) -> Kernel | None:
    """Write the kernel of a scalar Op; None if some of it is not in the tables.

    Parameters
    ----------
    op : theano.scalar.Composite
        With float32 inputs and output; comparisons inside may be boolean.
    numbers : tuple of int
        Which inputs are numbers known on the host.
    """
    if any(v.type.dtype != "float32" for v in (*op.fgraph.inputs, *op.fgraph.outputs)):
        return None
    if len(op.fgraph.outputs) != 1:
        return None
    names = {v: f"x{i}" for i, v in enumerate(op.fgraph.inputs)}
    lines = []
    for i, node in enumerate(op.fgraph.toposort()):
        expression = _expression(node, names)
        if expression is None:
            return None
        kind = "bool" if node.outputs[0].type.dtype == "bool" else "T"
        names[node.outputs[0]] = f"v{i}"
        lines.append(f"    {kind} v{i} = {expression};")
    tensors = tuple(i for i in range(len(op.fgraph.inputs)) if i not in numbers)
    parameters = ", ".join(f"T x{i}" for i in (*tensors, *numbers))
    body = "\n".join([*lines, f"    return {names[op.fgraph.outputs[0]]};"])
    name = "composite_" + hashlib.sha256(f"{parameters}{body}".encode()).hexdigest()[:12]
    code = f"template <typename T> T {name}({parameters}) {{\n{body}\n}}"
    return Kernel(name, code, tensors, numbers)


def _expression(node, names) -> str | None:
    out = node.outputs[0].type.dtype
    dtypes = [v.type.dtype for v in node.inputs]
    terms = [_literal(v) if isinstance(v, Constant) else names[v] for v in node.inputs]
    if any(term is None for term in terms):
        return None
    kind = type(node.op)
    if kind is ts.Switch and out == "float32" and dtypes[1:] == ["float32", "float32"]:
        return "({} ? {} : {})".format(*terms)
    if any(not _float32(v) for v in node.inputs):
        return None
    if kind in _CONDITIONS and out == "bool":
        return _CONDITIONS[kind].format(*terms)
    if out != "float32":
        return None
    if kind in _CHAINS:
        return _CHAINS[kind].join(terms)
    return _VALUES[kind].format(*terms) if kind in _VALUES else None


def _float32(v) -> bool:
    # A constant of a narrower dtype is exact in float32.
    narrow = ("float32", "int8", "uint8", "int16", "bool")
    return v.type.dtype in (narrow if isinstance(v, Constant) else ("float32",))


def _literal(constant) -> str | None:
    value = float(constant.data)
    if not math.isfinite(value):
        return None
    return f"T({value!r})"


def compiled(op, node, target: Target) -> Callable | None:
    """Return a function that runs `op` as one kernel, or None if there is no such kernel.

    Parameters
    ----------
    op : theano.scalar.ScalarOp
    node : Apply of Elemwise
    target : Target
    """
    if not target.is_cuda or type(op) is not ts.Composite or len(node.inputs) > MOST_INPUTS:
        return None
    if source(op) is None:
        return None
    return _Launcher(op, target)


class _Launcher:
    """Makes the kernel when it is first called: only then it is known what is a number."""

    def __init__(self, op, target: Target) -> None:
        from runtime.torch_link.dispatch.scalars import scalar_function

        self.op = op
        dtypes = [v.type.dtype for v in op.fgraph.inputs]
        self.one_by_one = scalar_function(op, dtypes, "float32", target)
        self.kernel: Kernel | None = None
        self.launch: Callable | None = None

    def __call__(self, *inputs):
        if self.kernel is None:
            self._compile(inputs)
        if self.launch is None:
            return self.one_by_one(*inputs)
        tensors = [inputs[i] for i in self.kernel.tensors]
        numbers = {f"x{i}": float(inputs[i]) for i in self.kernel.numbers}
        return self.launch(*tensors, **numbers)

    def _compile(self, inputs) -> None:
        numbers = tuple(i for i, x in enumerate(inputs) if is_number(x))
        self.kernel = source(self.op, numbers)
        defaults = {f"x{i}": 0.0 for i in numbers}
        launch = torch.cuda.jiterator._create_jit_fn(self.kernel.code, **defaults)
        tensors = [inputs[i] for i in self.kernel.tensors]
        try:
            launch(*tensors, **{f"x{i}": float(inputs[i]) for i in numbers})
        except (RuntimeError, AssertionError) as error:
            # Slower, but the same numbers: a torch without NVRTC, a driver too old for it.
            log.warning("torch link: no fused kernel for %s (%s)", self.op, error)
            return
        self.launch = launch
