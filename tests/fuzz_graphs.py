"""Random graphs, by the engine and by Theano's own implementations, until the time is up.

    python -m tests.fuzz_graphs [--minutes 60] [--seed N] [--go-on] [--torch | --c | --kept]

Each graph is drawn from a seed: inputs of all dtypes, shapes and strides with values such as 0,
-0, NaN and infinities, then steps over theano.tensor's functions, gradients and updates. The
reference is Theano with the same optimizer, on the Python implementations of its Ops, so that
nothing has to be compiled. What differs is shortened and printed as a program, with its seed;
that becomes a test. With --torch, the torch link on torch's CPU is compared as well.

Where C and Python differ in Theano itself, the tests of the engine's modules have C's side. With
--c the reference is Theano's C code. A graph takes seconds then instead of a tenth of one, less
and less as the compile directory fills: the same seeds again need no compiler. With --kept each
graph is compiled twice by the engine, the second time as it was kept (theano_today/kept_graphs),
and must be the same to the last bit and to the order of its nodes.
"""

from __future__ import annotations

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import argparse
import contextlib
import itertools
import logging
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import theano
import theano.scalar as ts
import theano.tensor as T
from theano.compile.mode import OPT_FAST_RUN, Mode
from theano.configparser import change_flags
from theano.gof.toolbox import BadOptimization

from tests.kept_runs import Runs, printed
from tests.theano_graphs import engine
from theano_today.engine import elemwise, library

FLOATS = ("float32", "float64")
INTS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64")
DTYPES = (*FLOATS, *INTS, "bool")
LAYOUTS = ("plain", "turned", "backwards", "every other", "repeated", "read-only")
MOST = 24  # elements of an input


class Skip(Exception):
    """A step that Theano refuses for these arguments: another one is drawn."""


@dataclass(frozen=True)
class Input:
    """An argument, or a shared variable where `update` may give it a new value."""

    dtype: str
    shape: tuple[int, ...]
    ones: tuple[bool, ...]  # which axes are declared to be of length 1
    layout: str
    seed: int
    units: int = 0  # of the last place, by which floats are moved

    def value(self) -> np.ndarray:
        numbers = _numbers(self.dtype, self.shape, random.Random(self.seed))
        if self.units and self.dtype in FLOATS:
            with np.errstate(over="ignore"):
                numbers *= np.dtype(self.dtype).type(1 + self.units * np.finfo(self.dtype).eps)
        return _laid_out(numbers, self.layout)


class Changed(Exception):
    """A call changed what is not its own."""


class Step(NamedTuple):
    """A function of `VOCABULARY` of earlier values, with a number to choose a variant by."""

    name: str
    arguments: tuple[int, ...]
    variant: int


@dataclass(frozen=True)
class Program:
    """Inputs, steps, which values are returned, and which one the first input becomes."""

    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    update: int | None = None
    gradient: bool = False

    def __str__(self) -> str:
        lines = [f"v{i} = {x}" for i, x in enumerate(self.inputs)]
        for i, step in enumerate(self.steps, len(self.inputs)):
            names = ", ".join(f"v{a}" for a in step.arguments)
            lines.append(f"v{i} = {step.name}({names})  # variant {step.variant}")
        lines.append(f"return {', '.join(f'v{o}' for o in self.outputs)}")
        if self.update is not None:
            lines.append(f"update v0 <- v{self.update}")
        return "\n".join(lines + ["and the gradient of the sum"] * self.gradient)


# ---- values ------------------------------------------------------------------------------


def _numbers(dtype: str, shape, draw: random.Random) -> np.ndarray:
    if dtype == "bool":
        pool: list = [False, True]
    elif dtype in FLOATS:
        info = np.finfo(dtype)
        pool = [0.0, -0.0, 1, -1, 2.5, -2.5, 0.5, 3, -7, 0.1, float(info.tiny) / 4]
        if draw.random() < 0.3:
            pool += [np.nan, np.inf, -np.inf, float(info.max), -float(info.max), 88.0, -104.0]
    else:
        i = np.iinfo(dtype)
        pool = [0, 1, 2, 3, 5, 7] + ([-1, -2, -5] if i.min else [])
        if draw.random() < 0.3:
            pool += [int(i.max), int(i.min), int(i.max) // 2 + 1]
    count = int(np.prod(shape))
    return np.array([draw.choice(pool) for _ in range(count)], dtype).reshape(shape)


def _laid_out(array: np.ndarray, how: str) -> np.ndarray:
    if not array.ndim:
        return array
    if how == "turned":
        return np.asfortranarray(array)
    if how == "backwards":
        back = tuple([slice(None, None, -1)] * array.ndim)
        return array[back].copy()[back]
    if how == "every other":
        return np.repeat(array, 2, -1)[..., ::2]
    if how == "repeated" and len(array):
        return np.broadcast_to(array[:1], array.shape)
    if how == "read-only":
        array = array.copy()
        array.flags.writeable = False
    return array


# ---- steps -------------------------------------------------------------------------------


class Value(NamedTuple):
    """A variable, and whether every implementation finds it to the last bit."""

    variable: T.TensorVariable
    exact: bool


VOCABULARY: dict[str, Callable] = {}


def step(function: Callable) -> Callable:
    """Enter a function of (variant, values) -> value into the vocabulary."""
    VOCABULARY[function.__name__] = function
    return function


def _is_float(v) -> bool:
    return v.dtype in FLOATS


def _need(fits: bool) -> None:
    if not fits:
        raise Skip


def _plain(names: dict[str, Callable], *, exact: bool, kinds: str = "fib") -> None:
    """Enter functions of one variable that keep its shape."""
    for name, function in names.items():

        def call(variant, x, function=function):
            kind = "f" if _is_float(x.variable) else "b" if x.variable.dtype == "bool" else "i"
            _need(kind in kinds)
            return Value(function(x.variable), x.exact and exact)

        VOCABULARY[name] = call


_plain({"neg": T.neg, "sqr": T.sqr}, exact=True, kinds="fi")
_plain({"copy": T.tensor_copy, "zeros": T.zeros_like, "ones": T.ones_like}, exact=True)
_plain({"inv": T.inv, "sqrt": T.sqrt, "ceil": T.ceil, "floor": T.floor}, exact=True, kinds="f")
_plain({"invert": T.invert}, exact=True, kinds="ib")
_plain({"absolute": T.abs_}, exact=True, kinds="fi")
_plain(
    {
        "exp": T.exp, "log": T.log, "tanh": T.tanh, "log1p": T.log1p, "expm1": T.expm1,
        "sin": T.sin, "cos": T.cos, "sigmoid": T.nnet.sigmoid, "softplus": T.nnet.softplus,
    },
    exact=False, kinds="f",
)  # fmt: skip


def _pair(x, y):
    _need(x.variable.ndim == y.variable.ndim or 0 in (x.variable.ndim, y.variable.ndim))
    return x.variable, y.variable, x.exact and y.exact


def _binary(names: dict[str, Callable], *, kinds: str, discrete: bool = False) -> None:
    for name, function in names.items():

        def call(variant, x, y, function=function):
            a, b, exact = _pair(x, y)
            _need(exact or not discrete)
            for v in (a, b):
                _need(("f" if _is_float(v) else "b" if v.dtype == "bool" else "i") in kinds)
            return Value(function(a, b), exact)

        VOCABULARY[name] = call


_binary({"add": T.add, "mul": T.mul}, kinds="fib")
_binary({"sub": T.sub}, kinds="fi")


def _no_minus_zero(v):
    return T.switch(T.eq(v, 0), T.zeros_like(v), v) if _is_float(v) else v


def _extreme(function: Callable) -> Callable:
    # Of 0 and -0, and of 64-bit integers, Theano's C and Python find different ones.
    def of(x, y):
        found = function(x, y)
        _need(found.dtype != "int64")
        return _no_minus_zero(found)

    return of


_binary({"maximum": _extreme(T.maximum), "minimum": _extreme(T.minimum)}, kinds="fi")
_binary({"true_div": T.true_div}, kinds="f")
_binary(
    {"eq": T.eq, "neq": T.neq, "lt": T.lt, "gt": T.gt, "le": T.le, "ge": T.ge},
    kinds="fi", discrete=True,
)  # fmt: skip
_binary({"and_": T.and_, "or_": T.or_, "xor": T.xor}, kinds="ib")


@step
def fill(variant, x, y):
    a, b, exact = _pair(x, y)
    return Value(T.fill(a, b), exact)


@step
def switch(variant, c, x, y):
    a, b, exact = _pair(x, y)
    _need(c.exact and c.variable.ndim in (0, a.ndim) and a.dtype == b.dtype)
    return Value(T.switch(c.variable, a, b), exact)


@step
def sgn(variant, x):
    _need(x.exact and x.variable.dtype.startswith(("float", "int")))
    return Value(T.sgn(x.variable), True)


@step
def cast(variant, x):
    # Floats to whole numbers only where all fit: the rest C leaves open.
    dtype = DTYPES[variant % len(DTYPES)]
    v = x.variable
    if _is_float(v) and dtype not in FLOATS and dtype != "bool":
        _need(x.exact)
        v = T.switch(T.and_(T.ge(v, 0), T.le(v, 100)), v, T.constant(1, dtype=v.dtype))
    _need(x.exact or dtype != "bool")
    return Value(T.cast(v, dtype), x.exact)


@step
def divided(variant, x):
    _need(x.variable.dtype in INTS)
    number = T.constant((3, 1, 7, 2)[variant % 4], dtype=x.variable.dtype)
    return Value((x.variable // number, x.variable % number)[variant // 4 % 2], True)


@step
def with_constant(variant, x):
    _need(_is_float(x.variable))
    number = (0.5, 2, 0, 1, -1, 3.25, 300)[variant % 7]
    v = x.variable
    forms = (v * number, v + number, number - v, _extreme(T.maximum)(v, number), v / (number or 4))
    return Value(forms[variant // 7 % 5], x.exact)


@step
def powers(variant, x):
    _need(_is_float(x.variable))
    exponents = (2, 3, 0.5, -1, 0.75, -1.3, 0, x.variable)
    return Value(x.variable ** exponents[variant % 8], False)


@step
def clip(variant, x):
    _need(x.variable.dtype != "bool")
    return Value(T.clip(x.variable, 1, (5, 2, 1)[variant % 3]), x.exact)


@step
def dimshuffle(variant, x):
    orders = list(itertools.permutations(range(x.variable.ndim)))
    order = list(orders[variant % len(orders)])
    if variant // 7 % 3 == 0 and len(order) < 3:
        order.insert(variant // 21 % (len(order) + 1), "x")
    return Value(x.variable.dimshuffle(*order), x.exact)


@step
def part(variant, x):
    _need(x.variable.ndim > 0)
    slices = (
        slice(1, None), slice(None, None, -1), slice(None, -1), slice(None, None, 2),
        slice(0, 0), slice(-2, None), 0, -1,
    )  # fmt: skip
    axis = variant // 8 % x.variable.ndim
    index = (*[slice(None)] * axis, slices[variant % 8])
    return Value(x.variable[index], x.exact)


@step
def changed_part(variant, x, y):
    _need(x.variable.ndim > 0 and y.variable.ndim == 0 and x.variable.dtype == y.variable.dtype)
    _need(x.variable.dtype != "bool")
    change = (T.set_subtensor, T.inc_subtensor)[variant % 2]
    return Value(change(x.variable[1:], y.variable), x.exact and y.exact)


@step
def taken(variant, x):
    _need(x.variable.ndim > 0)
    return Value(x.variable[T.constant(np.array([0, -1, 0]))], x.exact)


@step
def reshaped(variant, x):
    v = x.variable
    forms: tuple = ((-1,), (1, -1), (-1, 1), v.shape, (v.size,))
    return Value(T.reshape(v, forms[variant % 5], ndim=(1, 2, 2, v.ndim, 1)[variant % 5]), x.exact)


@step
def joined(variant, x, y):
    _need(x.variable.ndim == y.variable.ndim > 0)
    return Value(T.join(variant % (2 * x.variable.ndim) - x.variable.ndim, x[0], y[0]),
                 x.exact and y.exact)  # fmt: skip


@step
def stacked(variant, x, y):
    _need(x.variable.ndim == y.variable.ndim < 3)
    return Value(T.stack([x.variable, y.variable]), x.exact and y.exact)


@step
def allocated(variant, x):
    _need(x.variable.ndim < 3)
    return Value(T.alloc(x.variable, 2, *x.variable.shape), x.exact)


@step
def shape(variant, x):
    return Value(x.variable.shape if variant % 2 else x.variable.size, True)


def _axis(variant: int, ndim: int):
    axes: list = [None, *range(ndim), *range(-ndim, 0), *itertools.combinations(range(ndim), 2)]
    return axes[variant % len(axes)]


@step
def summed(variant, x):
    v = x.variable
    more = {"keepdims": True} if variant // 13 % 2 else {}
    return Value(v.sum(_axis(variant, v.ndim), **more), x.exact and not _is_float(v))


@step
def averaged(variant, x):
    return Value(x.variable.mean(_axis(variant, x.variable.ndim)), False)


@step
def multiplied(variant, x):
    v = x.variable
    _need(v.dtype != "bool")
    return Value(v.prod(_axis(variant, v.ndim)), x.exact and not _is_float(v))


@step
def extreme(variant, x):
    v = x.variable
    _need(v.ndim > 0 and v.dtype != "bool")
    function = (T.max, T.min, T.argmax)[variant // 17 % 3]
    _need(x.exact or function is not T.argmax)
    found = function(v, axis=_axis(variant, v.ndim))
    # Of two that are joined Theano makes a maximum, which `_extreme` leaves out as well.
    _need(function is T.argmax or v.dtype != "int64")
    # Which of 0 and -0 is the largest depends on the order.
    return Value(_no_minus_zero(found), x.exact)


@step
def truth(variant, x):
    _need(x.exact)
    return Value((T.any, T.all)[variant % 2](T.neq(x.variable, 0)), True)


@step
def product(variant, x, y):
    a, b = x.variable, y.variable
    _need(a.dtype == b.dtype and _is_float(a) and a.ndim in (1, 2) and b.ndim in (1, 2))
    if a.ndim == b.ndim == 2 and variant % 2:
        b = b.T
    scaled = T.dot(a, b) * (1, 0.5, -2)[variant % 3]
    return Value(scaled, False)


@step
def softmax(variant, x):
    _need(_is_float(x.variable) and x.variable.ndim == 2)
    return Value(T.nnet.softmax(x.variable), False)


# ---- drawing -----------------------------------------------------------------------------


def draw_program(seed: int, steps: int = 12) -> Program:
    """Return the program of this seed."""
    draw = random.Random(seed)
    kinds = [*draw.sample(DTYPES, 2), draw.choice(FLOATS)]
    full = [draw.choice((1, 2, 3, 3, 4)) for _ in range(3)]
    if draw.random() < 0.1:
        full[draw.randrange(3)] = 0
    inputs = []
    for _ in range(draw.randint(2, 5)):
        ndim = draw.choice((0, 1, 2, 2, 3))
        ones = tuple(draw.random() < 0.15 for _ in range(ndim))
        sizes = tuple(1 if one else n for one, n in zip(ones, full[3 - ndim :], strict=True))
        inputs.append(
            Input(draw.choice(kinds), sizes, ones, draw.choice(LAYOUTS), draw.randrange(2**31))
        )
    program = Program(tuple(inputs), (), ())
    values = _values(program, _variables(program))
    made: list[Step] = []
    for _ in range(20 * steps):
        if len(made) == steps:
            break
        name = draw.choice(sorted(VOCABULARY))
        count = VOCABULARY[name].__code__.co_argcount - 1 - len(VOCABULARY[name].__defaults__ or ())
        arguments = tuple(draw.randrange(len(values)) for _ in range(count))
        candidate = Step(name, arguments, draw.randrange(1000))
        with _refusals() as refused:
            values.append(_apply(candidate, values))
            made.append(candidate)
        del refused
    first = len(inputs)
    outputs = draw.sample(range(first, len(values)), min(4, len(values) - first))
    program = Program(tuple(inputs), tuple(made), tuple(outputs))
    update = None
    for i in range(first, len(values)):
        if values[i].variable.type == values[0].variable.type and draw.random() < 0.5:
            update = i
    return Program(program.inputs, program.steps, program.outputs, update, draw.random() < 0.3)


class _refusals:
    """What Theano says to arguments that do not go together, and `Skip`."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        fine = (Skip, TypeError, ValueError, NotImplementedError, IndexError, AssertionError)
        return kind is not None and issubclass(kind, fine)


def _variables(program: Program) -> list:
    return [T.TensorType(x.dtype, x.ones)(f"v{i}") for i, x in enumerate(program.inputs)]


def _apply(drawn: Step, values: list[Value]) -> Value:
    made = VOCABULARY[drawn.name](drawn.variant, *[values[i] for i in drawn.arguments])
    _need(made.variable.ndim <= 3 and made.variable.dtype in DTYPES)
    return made


def _values(program: Program, variables: list) -> list[Value]:
    values = [Value(v, True) for v in variables]
    for drawn in program.steps:
        values.append(_apply(drawn, values))
    return values


# ---- running -----------------------------------------------------------------------------


@dataclass
class Outcome:
    """What a program's calls gave: arrays or an exception, call by call."""

    exact: list[bool]
    precise: bool  # nothing is of float32
    results: list = field(default_factory=list)
    error: Exception | None = None


# Not fused: a fused Op runs its elements one by one as Python's numbers, which do not wrap.
REFERENCE = Mode("py", OPT_FAST_RUN.excluding("fusion"))
C_CODE = Mode("cvm", OPT_FAST_RUN.excluding("fusion"))
OURS = Mode("cvm", OPT_FAST_RUN)


def run(
    program: Program, mode: Mode, how: str, *, calls: int = 2, strict: bool = False, made=None
) -> Outcome:
    """Return the Outcome of a program in a mode, with the engine `how`.

    Where `strict`, raise `Changed` if anything but the update changes what the caller has. The
    function is appended to the list `made`, if given.
    """
    variables = _variables(program)
    given = [x.value() for x in program.inputs]
    shared = None
    if program.update is not None:
        shared = theano.shared(given[0].copy(), "v0", broadcastable=program.inputs[0].ones)
        variables[0] = shared
    values = _values(program, variables)
    outputs = [values[i].variable for i in program.outputs]
    exact = [values[i].exact for i in program.outputs]
    if program.gradient:
        costs = [v.variable.sum() for v in (values[i] for i in program.outputs)
                 if v.variable.dtype in FLOATS]  # fmt: skip
        wanted = [v for v in variables if v.dtype in FLOATS]
        if costs and wanted:
            gradients = T.grad(sum(costs), wanted, disconnected_inputs="ignore")
            outputs, exact = [*outputs, *gradients], [*exact, *[False] * len(gradients)]
    updates = [] if shared is None else [(shared, values[program.update].variable)]
    if shared is not None:
        exact.append(values[program.update].exact)
    outcome = Outcome(exact, all(v.variable.dtype != "float32" for v in values))
    arguments = [v for v in variables if v is not shared]

    def compiled(mode):
        return theano.function(
            arguments, outputs, updates=updates, mode=mode, on_unused_input="ignore"
        )

    with engine(how), _minus_zero_stays() if mode is REFERENCE else contextlib.nullcontext():
        function = compiled(mode)
        if mode is OURS and not _all_fused_are_ours(function):
            function = compiled(mode.excluding("fusion"))
    if made is not None:
        made.append(function)
    arrays = given[1:] if shared is not None else given
    before = [a.copy() for a in arrays]
    try:
        with warnings.catch_warnings():
            # C code warns of nothing; Theano's Python does
            warnings.simplefilter("ignore")
            for _ in range(calls):
                found = function(*arrays)
                if shared is not None:
                    found = [*found, shared.get_value()]
                outcome.results.append([np.array(a) for a in found])
                if strict:
                    _nobody_else_changed(found, arrays, before, shared)
    except Changed:
        raise
    except Exception as error:
        outcome.error = error
    return outcome


@contextlib.contextmanager
def _minus_zero_stays() -> Iterator[None]:
    """Alloc.perform makes 0 of -0, unlike Alloc's C code; not so in what is compiled inside."""

    def perform(self, node, inputs, out):
        value, *shape = inputs
        out[0][0] = np.broadcast_to(value, tuple(int(n) for n in shape)).copy()

    before, T.Alloc.perform = T.Alloc.perform, perform
    try:
        yield
    finally:
        T.Alloc.perform = before


def _all_fused_are_ours(function) -> bool:
    # Those that are left to C code would run element by element here, as Python's numbers, and
    # one sum that fusion makes of i + (f + g) is all of it in float64, without overflow.
    nodes = function.maker.fgraph.apply_nodes
    fused = [n for n in nodes if isinstance(getattr(n.op, "scalar_op", None), ts.Composite)
             or (isinstance(n.op, T.Elemwise) and len(n.inputs) > 2
                 and isinstance(n.op.scalar_op, ts.Add | ts.Mul))]  # fmt: skip
    return all(elemwise.elemwise(n) is not None for n in fused)


def _nobody_else_changed(found, arrays, before, shared) -> None:
    for array, copy in zip(arrays, before, strict=True):
        if not np.array_equal(array, copy, equal_nan=array.dtype.kind == "f"):
            raise Changed("an argument was changed")
    owners = [*arrays, *([] if shared is None else [shared.get_value(borrow=True)])]
    for result in found:
        if type(result) is not np.ndarray:
            raise Changed(f"a result is a {type(result)}")
        if any(np.shares_memory(result, a) for a in owners):
            raise Changed("a result is a view of what is the caller's")


def difference(
    want: Outcome, got: Outcome, units: int = 0, about_1: int = 0, *, exact_only: bool = False
) -> str:
    """Say how two outcomes differ; an empty string if they do not.

    Every float may be off by `units` of its type's epsilon, and what is left of a difference of
    numbers about 1 by `about_1` of it. With `exact_only` those are compared that every
    implementation finds to the last bit.
    """
    if want.error is not None or got.error is not None:
        fits_not = ("imension mis-match", "Dimension mismatch", "cannot add a product")
        if type(want.error) is type(got.error) or any(s in str(got.error) for s in fits_not):
            return ""  # Theano's Python broadcasts some that its C code and we refuse
        if "Softmax" in str(want.error) and "zero-size array" in str(want.error):
            return ""  # of rows without elements, which its C code takes
        return f"expected {want.error!r:.300}\ngot      {got.error!r:.300}"
    for call, (wanted, found) in enumerate(zip(want.results, got.results, strict=True)):
        for i, (a, b, same) in enumerate(zip(wanted, found, want.exact, strict=True)):
            if (a.dtype, a.shape) != (b.dtype, b.shape):
                return f"result {i}: expected {a.dtype}{a.shape}, got {b.dtype}{b.shape}"
            # What an update has made of v0 is in the next call's numbers.
            same = same and (call == 0 or want.exact[-1])
            if not same and (exact_only or a.dtype.kind != "f"):
                continue
            loose = 0 if same else 1e-9 if want.precise else 1e-3
            if not _equal(a, b, loose, units, max(units, about_1)):
                return f"result {i} of call {call}:\nexpected {a!r}\ngot      {b!r}"
    return ""


def _equal(a: np.ndarray, b: np.ndarray, loose: float, units: int, about_1: int) -> bool:
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    info = np.finfo(a.dtype)
    loose = max(loose, units * float(info.eps))
    with np.errstate(all="ignore"):
        same = (np.isnan(a) & np.isnan(b)) | ((a == b) & (np.signbit(a) == np.signbit(b)))
        if not loose:
            return bool(same.all())
        largest = np.abs(np.where(np.isfinite(a), a, 0)).max(initial=0)
        # sigmoid is 0 in Theano's code where the true value is a number too small to be normal.
        least = loose * largest + float(info.tiny) + about_1 * float(info.eps)
        close = np.isclose(a, b, loose, least, equal_nan=True)
        # Where one overflows just before the other does, both are as large as can be.
        huge = (np.abs(a) > info.max / 1e3) & (np.abs(b) > info.max / 1e3)
        if units:  # a sum in another order: with both infinities in it NaN, or with one
            huge |= ~np.isfinite(a) & ~np.isfinite(b)
        return bool((same | close | huge).all())


def failure(
    program: Program, others: dict[str, tuple[Mode, str]], reference: Mode = REFERENCE
) -> str:
    """Say what is wrong with a program; an empty string if nothing is."""
    try:
        want = run(program, reference, "stock")
    except Exception as error:
        return "" if _is_theanos_own(error) else f"reference: {_could_not(error)}"
    rounds_itself = any(step.name == "softmax" for step in program.steps)
    for name, (mode, how) in others.items():
        try:
            got = run(program, mode, how, strict=name == "engine")
        except Changed as error:
            return f"{name}: {error}"
        except Exception as error:
            return f"{name}: {_could_not(error)}"
        # The engine's softmax rounds otherwise than Theano's, and PyTorch everything.
        said = difference(
            want, got, units=2 if name == "torch" else 0, about_1=2 if rounds_itself else 0
        )
        if not said or _another_comes_first(program, want, got, reference):
            continue
        rounded = name == "torch" or not difference(want, got, exact_only=True)
        if rounded and _is_sensitive(program, want, reference):
            continue
        return f"{name}: {said}"
    return ""


def kept_difference(program: Program, runs: Runs) -> str:
    """Say how a program's graph differs when it was kept; an empty string if it does not."""
    found: list = []
    used, refusals = runs.used, len(runs.refusals)
    for _ in range(2):
        made: list = []
        try:
            outcome = run(program, OURS, "fused", made=made)
        except Exception as error:
            found.append(type(error))
            continue
        bits = [[(a.dtype, a.shape, a.tobytes()) for a in call] for call in outcome.results]
        found.append((printed(made[0]), type(outcome.error), bits))
    if found[0] != found[1]:
        return f"kept: {found[0]!s:.2000}\n\nand     {found[1]!s:.2000}"
    if runs.used == used and runs.refusals[refusals:] and not isinstance(found[0], type):
        return f"kept: not used, {runs.refusals[-1]}"
    return ""


def kept_rounds(seeds: Iterable[int], runs: Runs) -> tuple[int, str]:
    """As `rounds`, for kept graphs."""
    done = 0
    for seed in seeds:
        program = draw_program(seed)
        said = kept_difference(program, runs)
        shutil.rmtree(runs.folder, ignore_errors=True)
        if said:
            return done, f"seed {seed}\n{program}\n{said}\n"
        done += 1
    return done, ""


def _is_sensitive(program: Program, want: Outcome, reference: Mode) -> bool:
    """Say whether the reference gives something else for inputs a little off: cos(exp(50)).

    So do sums of terms much larger than they are.
    """
    steps = {drawn.name for drawn in program.steps}
    # Of what an update has made: sigmoid and softplus of less than -30 are 0 in Theano's Python,
    # and tiny in its C code; their signs differ.
    jumps = {"floor", "ceil", "sigmoid", "softplus"}
    if program.update is not None and not want.exact[-1] and steps & jumps:
        return True  # of what the first call made of v0
    for units in (1, -1):
        inputs = tuple(replace(x, units=units) for x in program.inputs)
        if difference(want, run(replace(program, inputs=inputs), reference, "stock"), units=2):
            return True
    return False


def _another_comes_first(program: Program, want: Outcome, got: Outcome, reference: Mode) -> bool:
    """Say whether both failed, in different parts of the graph, and the reference's parts alike.

    Which of two nodes comes first, where neither needs the other, is up to Theano's linker.
    """
    if want.error is None or got.error is None:
        return False
    parts = [Program(program.inputs, program.steps, (o,), None, program.gradient)
             for o in program.outputs]  # fmt: skip
    if program.update is not None:
        parts.append(Program(program.inputs, program.steps, (program.update,)))
    errors = set()
    for part in parts:
        with contextlib.suppress(Exception):  # a part that cannot be compiled says nothing
            errors.add(type(run(part, reference, "stock").error))
    return type(got.error) in errors


def _could_not(error: Exception) -> str:
    return f"could not be compiled: {type(error).__name__} {str(error).splitlines()[:1]}"


# Optimisations of Theano's own that replace a variable by one of another type, which Theano then
# refuses: of unsigned integers; of a product of multiples (float32 ** int64 is float64); of x[::-1]
# with its axis dropped; of rows stacked on matrices; of a mean of float32, summed up in float64.
MISTYPED = (
    "local_div_switch_sink",
    "local_mul_switch_sink",
    "local_sum_prod_mul_by_scalar",
    "local_dimshuffle_subtensor",
    "local_reduce_join",
    "local_sum_prod_div_dimshuffle",
)


def _is_theanos_own(error: Exception) -> bool:
    """Say whether Theano 1.0.5 cannot compile such a graph, in 2020 neither."""
    if isinstance(error, BadOptimization):
        return str(error.reason).startswith(MISTYPED)
    if isinstance(error, TypeError):  # its optimizer takes -b and b - c of booleans
        return str(error) in ("bool input not supported", "bool output not supported")
    if isinstance(error, AttributeError):  # a condition that is a constant, of numpy.bool
        return traceback.extract_tb(error.__traceback__)[-1].name == "local_useless_switch"
    # Found when constants are folded: shapes that do not fit, indices out of bounds, extremes of
    # nothing.
    if isinstance(error, AssertionError):
        return str(error).startswith("Theano Assert failed!")
    return isinstance(error, IndexError | ValueError)


def shortened(program: Program, fails: Callable[[Program], bool]) -> Program:
    """Leave out what is not needed for the failure: outputs, the update, the gradient, steps."""
    while True:
        for shorter in _shorter(program):
            if fails(shorter):
                program = shorter
                break
        else:
            return program


def _shorter(p: Program):
    if p.gradient:
        yield Program(p.inputs, p.steps, p.outputs, p.update)
    if p.update is not None and p.outputs:
        yield Program(p.inputs, p.steps, p.outputs, None, p.gradient)
    if len(p.outputs) > 1:
        for i in range(len(p.outputs)):
            yield Program(p.inputs, p.steps, (p.outputs[i],), p.update, p.gradient)
    for i, place in zip(range(len(p.steps)), range(len(p.inputs), 99), strict=False):
        used = {a for s in p.steps for a in s.arguments} | {*p.outputs, p.update}
        if place not in used:

            def moved(k, place=place):
                return k - 1 if k is not None and k > place else k

            steps = [s._replace(arguments=tuple(map(moved, s.arguments)))
                     for k, s in enumerate(p.steps) if k != i]  # fmt: skip
            outputs = tuple(map(moved, p.outputs))
            yield Program(p.inputs, tuple(steps), outputs, moved(p.update), p.gradient)
    for i, x in enumerate(p.inputs):
        if x.layout != "plain":
            plain = Input(x.dtype, x.shape, x.ones, "plain", x.seed)
            yield Program((*p.inputs[:i], plain, *p.inputs[i + 1 :]), p.steps, p.outputs,
                          p.update, p.gradient)  # fmt: skip


# ---- the loop ----------------------------------------------------------------------------


def rounds(
    seeds: Iterable[int], others: dict[str, tuple[Mode, str]], reference: Mode = REFERENCE
) -> tuple[int, str]:
    """Try seeds until one fails; return how many were right before, and what is wrong."""

    def fails(program: Program) -> str:
        return failure(program, others, reference)

    done = 0
    for seed in seeds:
        program = draw_program(seed)
        said = fails(program)
        if said:
            short = shortened(program, _alike(fails, said.split(":")[0]))
            return done, f"seed {seed}\n{short}\n{fails(short)}\n"
        done += 1
    return done, ""


def until(end: float, first: int) -> Iterator[int]:
    """Yield seeds from `first` on until `end` of time.monotonic()."""
    return itertools.takewhile(lambda _: time.monotonic() < end, itertools.count(first))


def _alike(fails: Callable[[Program], str], kind: str) -> Callable[[Program], bool]:
    return lambda program: fails(program).startswith(kind)


@contextlib.contextmanager
def strictly(*, compiler: bool = False) -> Iterator[None]:
    """Inside, an optimisation that fails is a failure.

    Without `compiler`, what the engine leaves to C code runs as Theano's Python instead.
    """
    assert library.kernels() is not None  # loaded while there is a compiler
    logging.getLogger("theano.gof.opt").setLevel(logging.CRITICAL)  # what fails is raised
    cxx = theano.config.cxx if compiler else ""
    with change_flags(cxx=cxx, on_opt_error="raise"):
        yield


def contestants(*, with_torch: bool = False) -> dict[str, tuple[Mode, str]]:
    """Return the modes that are compared with the reference."""
    found = {"engine": (OURS, "fused")}
    if with_torch:
        import torch

        from theano_today import torch_link
        from theano_today.torch_link.target import Target

        torch.set_num_threads(1)
        found["torch"] = (torch_link.mode(Target(torch.device("cpu"))), "stock")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--torch", action="store_true", help="the torch link, too")
    which.add_argument("--c", action="store_true", help="C code is the reference")
    which.add_argument("--kept", action="store_true", help="graphs that were kept on disk")
    parser.add_argument("--go-on", action="store_true", help="behind failures")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "The softmax is applied on a dimension of shape 1")
    with strictly(compiler=options.c):
        if options.kept:
            with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
                runs = Runs(patch, Path(folder) / "kept")
                code = go_on("graphs", lambda seeds: kept_rounds(seeds, runs), options)
                print(f"{runs.kept} kept, {runs.used} used, {len(runs.refusals)} refused")
                return code
        others = contestants(with_torch=options.torch)
        reference = C_CODE if options.c else REFERENCE
        return go_on("graphs", lambda seeds: rounds(seeds, others, reference), options)


def go_on(what: str, rounds: Callable[[Iterable[int]], tuple[int, str]], options) -> int:
    """Try seeds until the time is up, or one fails; say how many, and return the exit code.

    Parameters
    ----------
    what : str
        What is tried.
    rounds : callable
        Seeds -> how many were right before one failed, and what is wrong with it.
    options : Namespace
        minutes, seed (int or None) and go_on: behind failures.
    """
    seed = random.randrange(2**31) if options.seed is None else options.seed
    end, failed, total = time.monotonic() + 60 * options.minutes, 0, 0
    while True:
        done, said = rounds(until(end, seed))
        seed, total = seed + done, total + done
        if not said:
            break
        failed, seed = failed + 1, seed + 1
        print(said, flush=True)
        if not options.go_on:
            break
    print(f"{total} {what} alike, {failed} failures; the next seed is {seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
