"""Theano's scalar Ops as the elementwise functions of kernels/scalars.hpp.

Only where the kernel computes what Theano's C code does, to the last bit but for exp, log, tanh,
sigmoid, softplus and pow of float32; everything else is not covered.
"""

from __future__ import annotations

import functools

import numpy as np
import theano.scalar as ts
from theano.gof import Constant
from theano.tensor.nnet import sigm

from theano_today.engine import genuine, library

CODES = {
    "float32": "f4", "float64": "f8", "int8": "i1", "bool": "i1", "int32": "i4", "int64": "i8",
}  # fmt: skip

_NAMES: dict[type, str] = {
    ts.Add: "add", ts.Mul: "mul", ts.Sub: "sub", ts.Neg: "neg", ts.Abs: "abs", ts.Sqr: "sqr",
    ts.EQ: "eq", ts.NEQ: "neq", ts.LT: "lt", ts.GT: "gt", ts.LE: "le", ts.GE: "ge",
    ts.Identity: "identity", ts.Maximum: "maximum", ts.Minimum: "minimum",
}  # fmt: skip
_OF_FLOATS: dict[type, str] = {
    ts.TrueDiv: "div", ts.Sqrt: "sqrt", ts.Exp: "exp", ts.Log: "log", ts.Log1p: "log1p",
    ts.Expm1: "expm1", ts.Tanh: "tanh", ts.Inv: "inv", ts.Sgn: "sgn", ts.Clip: "clip",
    ts.Pow: "pow",  # of float32 alone
    sigm.ScalarSigmoid: "sigmoid", sigm.ScalarSoftplus: "softplus",
}  # fmt: skip
_OF_BOOLS: dict[type, str] = {ts.AND: "and", ts.OR: "or", ts.XOR: "xor"}
_COMPARISONS = (ts.EQ, ts.NEQ, ts.LT, ts.GT, ts.LE, ts.GE)

# Of several types
_MIXED = (
    ts.Add, ts.Mul, ts.Sub, ts.TrueDiv, ts.Maximum, ts.Minimum, ts.Clip, *_COMPARISONS,
)  # fmt: skip


def in_c(a: str, b: str) -> str:
    """Return the type that C computes in, given these two, of what CODES has."""
    for wide in ("float64", "float32", "int64", "int32"):
        if wide in (a, b):
            return wide
    return "int32" if a != b else a


# What a formula may hold, the dimensions of its arrays, and elements that are done at
# a time: as in elementwise.hpp
OPERANDS, TEMPS, RANK, BLOCK = 24, 64, 5, 512


class Uncovered(Exception):
    """The kernels do not cover something, and Theano must run it; the message says why."""


@functools.cache
def _numbers() -> dict[str, int]:
    kernels = library.kernels()
    assert kernels is not None
    names = iter(lambda: kernels.today_function(len(numbers)), None)
    numbers: dict[str, int] = {}
    for name in names:
        numbers[name.decode()] = len(numbers)
    return numbers


def number(name: str) -> int:
    """Return the place of a function in kernels/scalars.hpp's table."""
    try:
        return _numbers()[name]
    except KeyError:
        raise Uncovered(f"no kernel for {name}") from None


def code_of(dtype: str) -> str:
    try:
        return CODES[dtype]
    except KeyError:
        raise Uncovered(f"no kernels for {dtype}") from None


def _name(op, dtypes: list[str], dtype: str) -> str:
    """Return the function for one scalar Op."""
    if not genuine.is_genuine(op):
        raise Uncovered(f"{type(op).__name__} is not Theano's own")
    kind = type(op)
    if kind is ts.Cast:
        source, target = dtypes[0], dtype
        if source == target:
            return "identity." + code_of(source)
        if "float" in source and target not in ("float32", "float64", "bool"):
            raise Uncovered("integers made of floats")
        if target == "bool":
            return f"cast.{code_of(source)}.b1"
        return f"cast.{code_of(source)}.{code_of(target)}"
    if len(set(dtypes)) != 1 or dtype != ("bool" if kind in _COMPARISONS else dtypes[0]):
        raise Uncovered(f"{kind.__name__} of {dtypes}")
    if dtypes[0] == "bool":
        if kind is ts.Invert:
            return "not.b1"
        name = _OF_BOOLS.get(kind) or (_NAMES[kind] if kind in _COMPARISONS[:2] else None)
    elif dtypes[0].startswith("float"):
        name = _NAMES.get(kind) or _OF_FLOATS.get(kind)
    else:
        name = _NAMES.get(kind)
    if not name:
        raise Uncovered(f"{kind.__name__} of {dtypes[0]}")
    return f"{name}.{code_of(dtypes[0])}"


# Function of (result of another, other argument) or the like -> both as one: the outer's name, the
# inner's, the kernel's, and whether the other argument is the kernel's last, not its first. Those
# that need more of it come first.
_JOINED = (
    ("mul", "sub_sqr", "mul_sub_sqr", False), ("mul", "sub", "mul_sub", False),
    ("mul", "mul", "mul_mul", True), ("add", "mul", "mul_add", True),
)  # fmt: skip


class Formula:
    """An Elemwise's scalar Op, as functions in order.

    Values are numbered: the outputs, the inputs, the constants, then what the functions compute.

    Parameters
    ----------
    node : Apply
    joined : bool
        Whether a product and a sum may be one function, which is rounded once where the processor
        can do that, as C compilers have it.

    Attributes
    ----------
    outputs : int
        How many.
    constants : list of array
        Of no dimensions.
    steps : list of tuple of int
        A function's number, where its result goes, and three arguments.
    names : set of str
        The functions' names.
    item : int
        Bytes of the largest element.
    temps : int
        How many values there are.

    Raises
    ------
    Uncovered
    """

    def __init__(self, node, joined: bool = False) -> None:
        op, inputs, outputs = node.op.scalar_op, node.inputs, node.outputs
        self.outputs, self.inputs = len(outputs), len(inputs)
        before = self.outputs + self.inputs
        self.constants: list[np.ndarray] = []
        self.calls: list[tuple[str, list[int], str]] = []  # name, arguments, dtype
        self._places: dict = {}
        if type(op) is ts.Composite:
            self._collect_constants(op, before)
        self.first = before + len(self.constants)
        arguments = list(range(self.outputs, before))
        dtypes = [v.type.dtype for v in inputs]
        if type(op) is ts.Composite:
            found = self._composite(op, arguments)
        elif self.outputs == 1:
            found = [self._call(_Single(op, outputs[0]), arguments, dtypes)]
        else:
            raise Uncovered(f"{op} of several outputs")
        results = []  # each a call of its own, which is where it is stored
        for place, v in zip(found, outputs, strict=True):
            if place < self.first or place in results:
                place = self._add("identity." + code_of(v.type.dtype), [place], v.type.dtype)
            results.append(place)
        if joined:
            results = self._join(results)
        if self.first > OPERANDS:
            raise Uncovered(f"an Elemwise of {self.first} operands")
        self.item = max(
            np.dtype(d).itemsize
            for d in (*[v.type.dtype for v in (*inputs, *outputs)], *[c[2] for c in self.calls],
                      *[c.dtype for c in self.constants])
        )  # fmt: skip
        self.names = {name for name, _, _ in self.calls}
        overwritten = {o: self.outputs + i for o, i in node.op.inplace_pattern.items()}
        self.steps = self._place(results, overwritten)

    def _collect_constants(self, op, first: int) -> None:
        for inner in op.fgraph.toposort():
            if type(inner.op) is ts.Composite:
                self._collect_constants(inner.op, first)
            for v in inner.inputs:
                if isinstance(v, Constant) and v not in self._places:
                    self._places[v] = first + len(self.constants)
                    self.constants.append(np.asarray(v.data, v.type.dtype))

    def _add(self, name: str, arguments: list[int], dtype: str) -> int:
        self.calls.append((name, arguments, dtype))
        return self.first + len(self.calls) - 1

    def _cast(self, place: int, source: str, target: str) -> int:
        if source == target:
            return place
        code = "b1" if target == "bool" else code_of(target)
        return self._add(f"cast.{code_of(source)}.{code}", [place], target)

    def _composite(self, op, arguments) -> list[int]:
        """Add what a Composite computes; return where its outputs are."""
        if not genuine.is_genuine(op):
            raise Uncovered("a Composite that is not Theano's own")
        graph = op.fgraph
        places = {**self._places, **dict(zip(graph.inputs, arguments, strict=True))}
        for inner in graph.toposort():
            sources = [places[v] for v in inner.inputs]
            if type(inner.op) is ts.Composite:
                places.update(zip(inner.outputs, self._composite(inner.op, sources), strict=True))
                continue
            if len(inner.outputs) != 1:
                raise Uncovered(f"{inner.op} of several outputs")
            dtypes = [v.type.dtype for v in inner.inputs]
            places[inner.outputs[0]] = self._call(inner, sources, dtypes)
        return [places[v] for v in graph.outputs]

    def _call(self, node, arguments: list[int], dtypes: list[str]) -> int:
        """Add what a node computes; return where that is."""
        kind, dtype = type(node.op), node.outputs[0].type.dtype
        if kind is ts.Switch:
            if in_c(*dtypes[1:]) != dtype:
                raise Uncovered(f"a switch of {dtypes}")
            picked = [
                self._cast(a, d, dtype) for a, d in zip(arguments[1:], dtypes[1:], strict=True)
            ]
            told = arguments[0]
            if dtypes[0] not in ("bool", "int8"):
                told = self._cast(told, dtypes[0], "bool")
            return self._add("switch." + code_of(dtype), [told, *picked], dtype)
        if len(set(dtypes)) > 1 and kind in _MIXED:
            # As C does it: of two types it makes one, and computes in that.
            shared = dtype if kind not in _COMPARISONS else in_c(*dtypes)
            if in_c(*dtypes[:2]) != shared or any(in_c(d, shared) != shared for d in dtypes):
                raise Uncovered(f"{kind.__name__} of {dtypes}")
            arguments = [self._cast(a, d, shared) for a, d in zip(arguments, dtypes, strict=True)]
            dtypes = [shared] * len(dtypes)
        if kind in (ts.Add, ts.Mul):  # of any number
            if len(arguments) == 1:
                return self._add("identity." + code_of(dtype), arguments, dtype)
            name = _name(node.op, dtypes, dtype)
            before = arguments[0]
            for argument in arguments[1:]:
                before = self._add(name, [before, argument], dtype)
            return before
        return self._add(_name(node.op, dtypes, dtype), arguments, dtype)

    def _join(self, results: list[int]) -> list[int]:
        """Make one function of two where nothing else needs what is between them."""
        first = self.first
        uses: dict[int, int] = {}
        for a in (*results, *(a for _, arguments, _ in self.calls for a in set(arguments))):
            uses[a] = uses.get(a, 0) + 1
        gone: set[int] = set()  # places

        def inner(place: int, name: str) -> list[int] | None:
            """Return the arguments of a function, if it is this one and used once."""
            if place < first or uses[place] != 1 or self.calls[place - first][0] != name:
                return None
            return self.calls[place - first][1]

        for at, (name, arguments, dtype) in enumerate(self.calls):
            outer, _, code = name.partition(".")
            if dtype not in ("float32", "float64") or len(set(arguments)) != len(arguments):
                continue
            if outer == "sub" and (found := inner(arguments[1], "sqr." + code)):
                gone.add(arguments[1])
                self.calls[at] = f"sub_sqr.{code}", [arguments[0], *found], dtype
                continue
            for wanted, of, kernel, behind in _JOINED if len(arguments) == 2 else ():
                for k in (0, 1):
                    other = arguments[1 - k]
                    if outer != wanted or self.calls[at][0] != name:
                        continue
                    if found := inner(arguments[k], f"{of}.{code}"):
                        gone.add(arguments[k])
                        new = [*found, other] if behind else [other, *found]
                        self.calls[at] = f"{kernel}.{code}", new, dtype
        left = [k for k in range(len(self.calls)) if first + k not in gone]
        place = {first + k: first + n for n, k in enumerate(left)}
        self.calls = [
            (name, [place.get(a, a) for a in arguments], dtype)
            for name, arguments, dtype in (self.calls[k] for k in left)
        ]
        return [place[r] for r in results]

    def _place(self, results: list[int], overwritten: dict[int, int]) -> list[tuple[int, ...]]:
        """Say where each result is stored.

        They share memory: each keeps its place until it is read for the last time. An output that
        overwrites an input waits until nothing reads that any more.
        """
        calls, first = self.calls, self.first
        last = {}
        for at, (_, arguments, _) in enumerate(calls):
            for a in arguments:
                last[a] = at
        target = {}  # call -> output that it writes
        late = []  # outputs that are copied in the end
        for output, result in enumerate(results):
            source = overwritten.get(output)
            if source is not None and last.get(source, -1) > result - first:
                late.append((output, result))
                last[result] = len(calls)
            else:
                target[result - first] = output
        place = {k: k for k in range(first)}
        free: list[int] = []
        used = first
        steps = []
        for at, (name, arguments, _) in enumerate(calls):
            values = [place[a] for a in arguments]
            if at in target:
                to = target[at]
            elif free:
                to = free.pop()
            else:
                to, used = used, used + 1
            place[first + at] = to
            # Not for this function's own result: elements may differ in size.
            free += [place[a] for a in set(arguments) if place[a] >= first and last[a] == at]
            steps.append((number(name), to, *(values + [values[0]] * 3)[:3]))
        for output, result in late:
            source, code = place[result], code_of(calls[result - first][2])
            steps.append((number("identity." + code), output, source, source, source))
        if used > TEMPS or len(steps) > TEMPS:
            raise Uncovered(f"an Elemwise of {len(steps)} functions")
        self.temps = used
        return steps


def of(name: str, item: int, inputs: int = 1) -> Formula:
    """Return the formula of a single function, of elements of at most `item` bytes."""
    formula = Formula.__new__(Formula)
    formula.outputs, formula.inputs, formula.constants = 1, inputs, []
    formula.item, formula.temps, formula.names = item, 1 + inputs, {name}
    formula.steps = [(number(name), 0, *[*range(1, 1 + inputs), 1, 1][:3])]
    return formula


class _Single:
    """A scalar Op alone, in the place of a node of a Composite."""

    def __init__(self, op, output) -> None:
        self.op, self.outputs = op, [output]
