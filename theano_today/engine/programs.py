"""Elementwise formulas of float32 by a kernel: one pass over memory, on all threads.

A scalar graph becomes a program of a few instructions (kernels/elementwise.hpp), each done for
512 elements at a time. The results are NumPy's, bit by bit: the same operations of IEEE's
arithmetic, one after the other. exp, log and tanh are left to NumPy.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence

import numpy as np
import theano.scalar as ts
from theano.gof import Constant

from theano_today.engine import genuine, library

SMALLEST = 1 << 13  # elements from which on a call pays
_NARROWEST = 64  # elements of a row, where there are several

# In the order of Do in kernels/elementwise.hpp.
_NAMES = """
    copy add subtract multiply divide negate absolute sign square root invert larger smaller
    equal unequal less greater at_most at_least choose
""".split()  # noqa: SIM905 - reads as the C++ does
_NUMBER = {name: number for number, name in enumerate(_NAMES)}

_KINDS: dict[type, str] = {
    ts.Identity: "copy", ts.Add: "add", ts.Sub: "subtract", ts.Mul: "multiply",
    ts.TrueDiv: "divide", ts.Neg: "negate", ts.Abs: "absolute", ts.Sgn: "sign", ts.Sqr: "square",
    ts.Sqrt: "root", ts.Inv: "invert", ts.Maximum: "larger", ts.Minimum: "smaller",
    ts.EQ: "equal", ts.NEQ: "unequal", ts.LT: "less", ts.GT: "greater", ts.LE: "at_most",
    ts.GE: "at_least",
}  # fmt: skip
_TRUTHS = ("equal", "unequal", "less", "greater", "at_most", "at_least")


class Instruction(ctypes.Structure):
    """As in kernels/elementwise.hpp."""

    _fields_ = [(name, ctypes.c_int32) for name in ("what", "to", "a", "b", "c")]


class Operand(ctypes.Structure):
    """As in kernels/elementwise.hpp."""

    _fields_ = [
        ("data", ctypes.c_void_p), ("offsets", ctypes.c_void_p), ("step", ctypes.c_int64),
        ("bytes", ctypes.c_int64),
    ]  # fmt: skip


class Program:
    """A formula of arrays, as instructions.

    Parameters
    ----------
    steps : sequence of (str, list of int, int)
        What is done, of which values, to which register. Values are numbered: the inputs, the
        constants, the output, the registers.
    constants : sequence of float
    inputs, registers : int
        How many there are.
    """

    def __init__(self, steps, constants, inputs: int, registers: int) -> None:
        self.inputs, self.registers = inputs, registers
        self.constants = [np.array([c], np.float32) for c in constants]
        self.instructions = (Instruction * len(steps))()
        for one, (name, places, to) in zip(self.instructions, steps, strict=True):
            one.what, one.to = _NUMBER[name], to
            one.a, one.b, one.c = [*places, places[0], places[0]][:3]

    def run(self, arrays: Sequence[np.ndarray], out: np.ndarray) -> bool:
        """Write the formula's values to out, of one of the arrays' memory or of its own.

        Returns
        -------
        bool
            False if the arrays do not lie in memory as the kernel wants them: nothing was done.
        """
        found = _rows(arrays, out)
        if found is None:
            return False
        rows, columns, layouts = found
        every = [*arrays, *self.constants, out]
        layouts = [*layouts[:-1], *[(0, None)] * len(self.constants), layouts[-1]]
        operands = (Operand * len(every))()
        for operand, array, (step, offsets) in zip(operands, every, layouts, strict=True):
            operand.data, operand.step, operand.bytes = array.ctypes.data, step, array.itemsize
            operand.offsets = None if offsets is None else offsets.ctypes.data
        library.call(
            "today_elementwise", ctypes.addressof(self.instructions), len(self.instructions),
            ctypes.addressof(operands), len(every), len(every) - 1, self.registers, rows, columns,
        )  # fmt: skip
        return True


def _rows(arrays, out):
    """Divide the arrays into rows, whose elements lie side by side in each, or are one number.

    Returns
    -------
    (int, int, list of (int, array or None)) or None
        How many rows of how many elements; for each array and for out whether a row's elements
        differ (1) or are one (0), and where the rows begin.
    """
    shape, every = out.shape, [*arrays, out]
    if not out.flags.c_contiguous:
        return None
    if all((a.shape == shape and a.flags.c_contiguous) or a.size == 1 for a in arrays):
        return 1, out.size, [(int(a.size > 1 or a is out), None) for a in every]
    first, columns, steps = len(shape), 1, [0] * len(every)  # the axes from `first` on are a row
    while first > 0:
        axis, length = first - 1, shape[first - 1]
        if length != 1:
            here = [int(a.shape[axis] != 1) for a in every]
            if columns > 1 and here != steps:
                break
            apart = (a.strides[axis] != columns * a.itemsize for a in every)
            if any(step and gap for step, gap in zip(here, apart, strict=True)):
                break
            steps = here
        columns *= length
        first -= 1
    if columns < _NARROWEST:
        return None
    layouts = [(step, _offsets(a, shape[:first])) for step, a in zip(steps, every, strict=True)]
    return math.prod(shape[:first]), columns, layouts


def _offsets(array, shape):
    """Return where each row of an array begins, in elements."""
    offsets = np.zeros(1, np.int64)
    for axis, length in enumerate(shape):
        stride = 0 if array.shape[axis] == 1 else array.strides[axis] // array.itemsize
        offsets = np.add.outer(offsets, stride * np.arange(length)).ravel()
    return offsets


def program_of(op, inputs, output) -> Program | None:
    """Return what an Elemwise with this scalar Op computes as a program, or None."""
    if type(op) is ts.Composite:
        graph = op.fgraph
        if len(graph.outputs) != 1 or not genuine.is_genuine(op):
            return None
        inputs, output, nodes = graph.inputs, graph.outputs[0], graph.toposort()
    else:
        nodes = op.make_node(*(ts.get_scalar_type(v.type.dtype)() for v in inputs))
        inputs, output, nodes = nodes.inputs, nodes.outputs[0], [nodes]
    if not nodes or nodes[-1].outputs[0] is not output or output.dtype not in ("float32", "bool"):
        return None
    if not all(v.dtype in ("float32", "bool") for v in inputs):
        return None
    places = {v: i for i, v in enumerate(inputs)}
    constants: list[float] = []
    for node in nodes:
        for v in node.inputs:
            if isinstance(v, Constant) and v not in places:
                if v.dtype != "float32":
                    return None
                places[v] = len(inputs) + len(constants)
                constants.append(float(v.data))
    target = len(inputs) + len(constants)
    last_use = {v: k for k, node in enumerate(nodes) for v in node.inputs}
    steps: list[tuple] = []
    free: list[int] = []
    held: dict = {}
    registers = 0
    for k, node in enumerate(nodes):
        name = _name(node)
        if name is None:
            return None
        # A sum or product of several: one after the other, into the place of the result.
        sources = [places[v] for v in node.inputs]
        result = node.outputs[0]
        if result is output:
            place = target
        elif free:
            place = free.pop()
        else:
            place, registers = target + 1 + registers, registers + 1
        pairs = [sources] if len(sources) < 3 or name == "choose" else None
        if pairs is not None:
            steps.append((name, sources, place))
        else:
            # Of an output that lies where an input does, only the last may be written.
            between = place
            if place == target:
                between, registers = target + 1 + registers, registers + 1
            before = sources[0]
            for j, source in enumerate(sources[1:]):
                to = place if j == len(sources) - 2 else between
                steps.append((name, [before, source], to))
                before = to
        places[result] = place
        if place != target:
            held[result] = place
        for v in [v for v in held if last_use.get(v, -1) <= k and v is not result]:
            free.append(held.pop(v))
    if registers > 16:
        return None  # they would not stay in the cache
    return Program(steps, constants, len(inputs), registers)


def _name(node) -> str | None:
    """Return the instruction for a scalar node, or None."""
    op, dtypes = node.op, [v.dtype for v in node.inputs]
    if not genuine.is_genuine(op):
        return None
    made = node.outputs[0].dtype
    if type(op) is ts.Cast:
        return "copy" if made == "float32" and dtypes[0] in ("float32", "bool") else None
    if type(op) is ts.Switch:
        return "choose" if made == "float32" and dtypes[1:] == ["float32"] * 2 else None
    name = _KINDS.get(type(op))
    if name is None or set(dtypes) != {"float32"}:
        return None
    return name if made == ("bool" if name in _TRUTHS else "float32") else None
