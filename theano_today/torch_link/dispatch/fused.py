"""CUDA kernels written from the graph: several elementwise Ops, or a pooling stage, as one.

Theano's optimizer fuses chains of elementwise Ops into one Composite, for its C code to run in
one loop. On a GPU torch's jiterator makes one kernel of it: it wants the value of one element
as C++, and takes care of shapes, strides and broadcasting. What is not in the tables below, or
not float32, runs Op by Op instead (scalars.py), and so does everything on a CPU; the tests
compile the same C++ with the host's compiler.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple

import theano.scalar as ts
import torch
from theano.gof.graph import Constant
from theano.tensor.nnet import sigm

from theano_today.torch_link.dispatch.basic import is_number
from theano_today.torch_link.target import Target

log = logging.getLogger("theano_today")

MOST_INPUTS = 8  # of a kernel made by the jiterator

# {0}, {1}, ... are the inputs. All are float32, so that T is float. __fmul_rn and its like round
# to nearest as * does, but are never made one operation with the next. CUDA's compiler is free
# to do that with a * b + c, here and not there; yet both kernels of a pooling stage must find
# the same value, to the last bit, or the gradient gets lost.
_VALUES = {
    ts.Sub: "__fsub_rn({0}, {1})",
    ts.TrueDiv: "{0} / {1}",
    ts.Neg: "-{0}",
    ts.Abs: "fabsf({0})",
    ts.Sgn: "({0} > 0 ? T(1) : {0} < 0 ? T(-1) : {0} == 0 ? T(0) : {0})",
    ts.Sqr: "__fmul_rn({0}, {0})",
    ts.Sqrt: "sqrtf({0})",
    ts.Inv: "T(1) / {0}",
    ts.Exp: "expf({0})",
    ts.Expm1: "expm1f({0})",
    ts.Log: "logf({0})",
    ts.Log1p: "log1pf({0})",
    ts.Tanh: "tanhf({0})",
    ts.Pow: "powf({0}, {1})",
    # Both comparisons are false for NaN: then x + y, which is NaN.
    ts.Maximum: "({0} >= {1} ? {0} : {1} > {0} ? {1} : {0} + {1})",
    ts.Minimum: "({0} <= {1} ? {0} : {1} < {0} ? {1} : {0} + {1})",
    ts.Clip: "({0} < {1} ? {1} : {0} > {2} ? {2} : {0})",
    ts.Identity: "{0}",
    ts.Cast: "{0}",
    ts.Second: "{1}",
    sigm.ScalarSigmoid: "T(1) / __fadd_rn(T(1), expf(-{0}))",
}
_CONDITIONS = {
    ts.EQ: "{0} == {1}",
    ts.NEQ: "{0} != {1}",
    ts.LT: "{0} < {1}",
    ts.GT: "{0} > {1}",
    ts.LE: "{0} <= {1}",
    ts.GE: "{0} >= {1}",
}
_CHAINS = {ts.Add: "__fadd_rn", ts.Mul: "__fmul_rn"}


class NotWritten(Exception):
    """Some scalar Op or dtype is not in the tables."""


class Kernel(NamedTuple):
    """The C++ of one element.

    name, code : str
        As the jiterator wants them.
    numbers : tuple of int
        Which inputs it takes by name, ``x<i>``, because they are numbers; by position the rest.
    """

    name: str
    code: str
    numbers: tuple[int, ...]

    @property
    def device_code(self) -> str:
        """The same for a kernel of our own to call; the jiterator adds the word itself."""
        return self.code.replace("template <typename T> T ", "template <typename T> __device__ T ")


class Writer:
    """Writes the body of a kernel, a line for each value."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def let(self, expression: str, kind: str = "T") -> str:
        """Name a value; returns the name."""
        name = f"v{len(self.lines)}"
        self.lines.append(f"    {kind} {name} = {expression};")
        return name

    def maximum(self, a: str, b: str) -> str:
        """The greater of two values, or NaN."""
        return self.let(_VALUES[ts.Maximum].format(a, b))

    def scalar(self, op, node, inputs: Sequence[str]) -> str:
        """Write the scalar Op of an Elemwise, whose Apply node is given, of named inputs.

        Raises
        ------
        NotWritten
        """
        (out,) = node.outputs
        if out.type.dtype != "float32" or not all(exact_in_float32(v) for v in node.inputs):
            raise NotWritten(f"{op} of {[v.type.dtype for v in node.inputs]}")
        if type(op) is not ts.Composite:
            return self.let(_expression(op, ["float32"], [True] * len(inputs), inputs))
        names = dict(zip(op.fgraph.inputs, inputs, strict=True))
        given = set(names)  # all float32, or exact in it
        for inner in op.fgraph.toposort():
            terms = [_literal(v) if isinstance(v, Constant) else names[v] for v in inner.inputs]
            floats = [v in given or exact_in_float32(v) for v in inner.inputs]
            (out,) = inner.outputs
            kind = "bool" if out.type.dtype == "bool" else "T"
            text = _expression(inner.op, [out.type.dtype], floats, terms)
            names[out] = self.let(text, kind)
        return names[op.fgraph.outputs[0]]

    def kernel(self, result: str, inputs: int, numbers: tuple[int, ...]) -> Kernel:
        """Finish: `result` is what an element becomes, of inputs ``x0``, ``x1``, ..."""
        order = (*(i for i in range(inputs) if i not in numbers), *numbers)
        parameters = ", ".join(f"T x{i}" for i in order)
        body = "\n".join([*self.lines, f"    return {result};"])
        name = "today_" + hashlib.sha256(f"{parameters}{body}".encode()).hexdigest()[:12]
        return Kernel(name, f"template <typename T> T {name}({parameters}) {{\n{body}\n}}", numbers)


def _expression(op, outputs, floats, terms) -> str:
    kind, (out,) = type(op), outputs
    if kind is ts.Switch and out == "float32" and all(floats[1:]):
        return "({} ? {} : {})".format(*terms)
    if all(floats):
        if kind in _CONDITIONS and out == "bool":
            return _CONDITIONS[kind].format(*terms)
        if kind in _CHAINS and out == "float32":
            return reduce(lambda a, b: f"{_CHAINS[kind]}({a}, {b})", terms)
        if kind in _VALUES and out == "float32":
            return _VALUES[kind].format(*terms)
    raise NotWritten(f"{op} -> {out}")


def exact_in_float32(v) -> bool:
    """True for float32 variables, and for constants of dtypes that float32 holds exactly."""
    narrow = ("float32", "int8", "uint8", "int16", "bool")
    return v.type.dtype in (narrow if isinstance(v, Constant) else ("float32",))


def _literal(constant) -> str:
    value = float(constant.data)
    if not math.isfinite(value):
        raise NotWritten(f"the constant {value}")
    return f"T({value!r})"


def elementwise(op, node, numbers: tuple[int, ...] = ()) -> Kernel:
    """Write the kernel of an Elemwise's scalar Op.

    Parameters
    ----------
    op : theano.scalar.ScalarOp
    node : Apply of Elemwise
    numbers : tuple of int
        Which inputs are numbers known on the host.

    Raises
    ------
    NotWritten
    """
    writer = Writer()
    count = len(node.inputs)
    return writer.kernel(writer.scalar(op, node, [f"x{i}" for i in range(count)]), count, numbers)


class Launcher:
    """Runs a kernel; makes it at the first call, for only then it is known what is a number.

    Parameters
    ----------
    write : function of a tuple of int (which inputs are numbers) that returns a Kernel
    otherwise : function
        Computes the same Op by Op, where the kernel cannot be made.
    """

    def __init__(self, write: Callable[[tuple[int, ...]], Kernel], otherwise: Callable) -> None:
        self.write = write
        self.otherwise = otherwise
        self.numbers: tuple[int, ...] = ()
        self.launch: Callable | None = None
        self.tried = False

    def __call__(self, *inputs):
        if self.launch is None:
            if self.tried:
                return self.otherwise(*inputs)
            return self._first(inputs)
        return self._launched(inputs)

    def _launched(self, inputs):
        tensors = [x for i, x in enumerate(inputs) if i not in self.numbers]
        numbers = {f"x{i}": float(inputs[i]) for i in self.numbers}
        return self.launch(*tensors, **numbers)  # type: ignore[misc]

    def _first(self, inputs):
        self.tried = True
        self.numbers = tuple(i for i, x in enumerate(inputs) if is_number(x))
        kernel = self.write(self.numbers)
        defaults = {f"x{i}": 0.0 for i in self.numbers}
        self.launch = torch.cuda.jiterator._create_jit_fn(kernel.code, **defaults)
        try:
            return self._launched(inputs)
        except (RuntimeError, AssertionError) as error:
            # Slower, but the same numbers: a torch without NVRTC, a driver too old for it.
            log.warning("torch link: a kernel could not be made (%s); slower without it", error)
            self.launch = None
            return self.otherwise(*inputs)


def compiled(op, node, target: Target, otherwise: Callable | None) -> Callable | None:
    """Return a function that runs a Composite as one kernel; `otherwise` if there can be none."""
    worth_it = type(op) is ts.Composite and len(node.inputs) <= MOST_INPUTS
    if not target.is_cuda or otherwise is None or not worth_it:
        return otherwise
    try:
        elementwise(op, node)
    except NotWritten:
        return otherwise
    return Launcher(lambda numbers: elementwise(op, node, numbers), otherwise)
