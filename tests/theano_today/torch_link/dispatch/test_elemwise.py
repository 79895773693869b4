"""Elementwise Ops: every scalar Op, dtype and special value that Theano's C code has."""

from tests.theano_today.torch_link.compare import FAST_RUN, TORCH, agree, refused  # isort: skip  (skips)

import numpy as np
import pytest
import theano
import theano.tensor as T
from hypothesis import given, settings
from hypothesis import strategies as st

FLOATS = np.array([-2.5, -1.5, -1, -0.5, -0.0, 0.0, 0.49999997, 0.5, 1, 1.5, 2.5, 40, np.nan,
                   np.inf, -np.inf])  # fmt: skip
INTS = [0, 1, 2, 3, 7, 100]
SIGNED = [-100, -7, -3, -2, -1]

ANYWHERE = {
    "neg": T.neg, "abs": abs, "sgn": T.sgn, "sqr": T.sqr, "exp": T.exp, "exp2": T.exp2,
    "expm1": T.expm1, "sin": T.sin, "cos": T.cos, "tan": T.tan, "arctan": T.arctan,
    "sinh": T.sinh, "cosh": T.cosh, "tanh": T.tanh, "arcsinh": T.arcsinh,
    "deg2rad": T.deg2rad, "rad2deg": T.rad2deg, "ceil": T.ceil, "floor": T.floor,
    "trunc": T.trunc, "half to even": lambda x: T.round(x, "half_to_even"),
    "half away": lambda x: T.round(x, "half_away_from_zero"), "erf": T.erf, "erfc": T.erfc,
    "sigmoid": T.nnet.sigmoid, "ultra fast": T.nnet.ultra_fast_sigmoid,
    "hard sigmoid": T.nnet.hard_sigmoid, "softplus": T.nnet.softplus, "relu": T.nnet.relu,
    "isnan": T.isnan, "isinf": T.isinf, "to int32": lambda x: T.cast(T.clip(x, -99, 99), "int32"),
    "to bool": lambda x: T.neq(x, 0),
}  # fmt: skip
POSITIVE = {
    "sqrt": T.sqrt, "log": T.log, "log2": T.log2, "log10": T.log10, "log1p": T.log1p,
    "inv": T.inv, "arccosh": T.arccosh, "gammaln": T.gammaln, "psi": T.psi,
}  # fmt: skip
UNIT = {"arcsin": T.arcsin, "arccos": T.arccos, "arctanh": T.arctanh}
BINARY = {
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y,
    "maximum": T.maximum, "minimum": T.minimum, "eq": T.eq, "neq": T.neq, "lt": T.lt,
    "gt": T.gt, "le": T.le, "ge": T.ge, "switch": lambda x, y: T.switch(x > 1, x, y),
    "second": lambda x, y: T.fill(x, y), "clip": lambda x, y: T.clip(x, y, y + 1),
    "crossed clip": lambda x, y: T.clip(x, y + 1, y),
}  # fmt: skip
DIVISIONS = {
    "true division": lambda x, y: x / y,
    "floor division": lambda x, y: x // y,
    "modulo": lambda x, y: x % y,
}
BITS = {
    "and": lambda x, y: x & y, "or": lambda x, y: x | y, "xor": lambda x, y: x ^ y,
    "invert": lambda x, y: ~x,
}  # fmt: skip


def outputs_of(table, *variables):
    return [function(*variables) for function in table.values()]


def samples(dtype):
    if dtype.startswith("float"):
        return FLOATS.astype(dtype)
    if dtype == "bool":
        return np.array([False, True])
    return np.array(INTS + (SIGNED if dtype.startswith("int") else []), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_number_by_a_vector_is_rounded_once(dtype):
    """Not number * (1 / x), which is infinite where the quotient is not."""
    x = T.vector("x", dtype)
    numbers = np.dtype(dtype).type([0.1, 7, 0.5])
    values = np.random.RandomState(0).uniform(1, 2, 300).astype(dtype)
    values = np.append(values, np.finfo(dtype).tiny / 4).astype(dtype)
    function = theano.function([x], [T.constant(n) / x for n in numbers], mode=TORCH)
    with np.errstate(over="ignore"):
        for n, found in zip(numbers, function(values), strict=True):
            np.testing.assert_array_equal(found, n / values)


class TestOneInput:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_floats(self, dtype):
        x = T.vector("x", dtype)
        # The C library and torch differ in the last digits, most of all in float32.
        rtol = 2e-6 if dtype == "float32" else 1e-13
        values = samples(dtype)
        agree([x], outputs_of(ANYWHERE, x), values, rtol=rtol, names=list(ANYWHERE))
        positive = np.abs(values[np.isfinite(values)]) + np.array(1.0, dtype)
        agree([x], outputs_of(POSITIVE, x), positive, rtol=1e-5, atol=1e-7, names=list(POSITIVE))
        unit = np.linspace(-0.99, 0.99, 9).astype(dtype)
        agree([x], outputs_of(UNIT, x), unit, rtol=1e-5, names=list(UNIT))
        agree([x], [T.erfinv(x)], unit, rtol=1e-5, stock=FAST_RUN)  # has no C code

    @pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
    def test_integers(self, dtype):
        x = T.vector("x", dtype)
        names = ["neg", "abs", "sqr", "sin", "cos", "arctan", "tanh", "ceil", "floor", "trunc",
                 "deg2rad", "relu", "isnan", "to int32", "to bool"]  # fmt: skip
        names += ["sgn"] if dtype != "uint8" else []  # for which Theano has no C code
        table = {name: ANYWHERE[name] for name in names}
        agree([x], outputs_of(table, x), samples(dtype), rtol=1e-5, names=list(table))

    def test_casts(self):
        x = T.vector("x", "float32")
        kinds = ["int8", "uint8", "int16", "int32", "int64", "float64", "bool"]
        agree([x], [T.cast(x, kind) for kind in kinds], np.float32([0, 0.9, 1, 2.7, 100]))
        i = T.vector("i", "int64")
        values = np.array([-300, -1, 0, 1, 255, 256, 70000])
        agree([i], [T.cast(i, kind) for kind in [*kinds[:4], "float32", "bool"]], values)


PAIRS = [
    ("float32", "float32"), ("float64", "float64"), ("float32", "float64"), ("float32", "int8"),
    ("float32", "int64"), ("int8", "uint8"), ("int8", "int32"), ("int64", "int64"),
    ("uint8", "uint8"), ("bool", "float32"), ("bool", "bool"),
]  # fmt: skip


class TestTwoInputs:
    @pytest.mark.parametrize(("left", "right"), PAIRS)
    def test_every_pair(self, left, right):
        x, y = T.matrix("x", left), T.matrix("y", right)
        a, b = samples(left)[:, None], samples(right)[None, :]
        a, b = (np.ascontiguousarray(m) for m in np.broadcast_arrays(a, b))
        table = dict(BINARY)
        if "bool" in (left, right):
            table = {k: table[k] for k in ("mul", "eq", "neq", "switch", "second", "maximum")}
        agree([x, y], outputs_of(table, x, y), a, b, names=list(table))

    @pytest.mark.parametrize(("left", "right"), [p for p in PAIRS if "bool" not in p])
    def test_division(self, left, right):
        x, y = T.matrix("x", left), T.matrix("y", right)
        a = samples(left)[:, None]
        b = samples(right)
        b = b[(b != 0) & np.isfinite(b.astype(float))][None, :]
        a = a[np.isfinite(a.astype(float))][:, None]
        a, b = (np.ascontiguousarray(m) for m in np.broadcast_arrays(a, b))
        agree([x, y], outputs_of(DIVISIONS, x, y), a, b, names=list(DIVISIONS))

    @pytest.mark.parametrize("divide", [lambda i, j: i // j, lambda i, j: i % j])
    def test_division_of_integers_by_zero(self, divide):
        i, j = T.ivector("i"), T.ivector("j")
        theirs, ours = refused([i, j], divide(i, j), np.int32([7, 1]), np.int32([2, 0]))
        assert type(ours) is type(theirs) is ZeroDivisionError
        assert str(ours).split("\n")[0] == str(theirs).split("\n")[0]
        nothing = np.zeros(0, "int32")
        agree([i, j], [divide(i, j)], nothing, nothing)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_floor_division_at_the_edges(self, dtype):
        x, y = T.vector("x", dtype), T.vector("y", dtype)
        a, b = (m.ravel() for m in np.meshgrid(samples(dtype), samples(dtype)))
        (found,) = agree([x, y], [x // y], a, b)
        assert found[(a == -1) & np.isposinf(b)] == [-1]

    def test_equal_extremes_are_the_first(self):
        x, y = T.vector("x"), T.vector("y")
        function = theano.function([x, y], [T.maximum(x, y), T.minimum(x, y)], mode=TORCH)
        zero = np.zeros(5, np.float32)
        for a, b in ((zero, -zero), (-zero, zero)):
            for found in function(a, b):
                assert (np.signbit(found) == np.signbit(a)).all()

    @pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
    def test_bits(self, dtype):
        x, y = T.vector("x", dtype), T.vector("y", dtype)
        a = samples(dtype)
        agree([x, y], outputs_of(BITS, x, y), a, a[::-1].copy(), names=list(BITS))

    def test_powers(self):
        x, y = T.vector("x", "float32"), T.vector("y", "float32")
        i = T.vector("i", "int64")
        table = [x**y, x**2, x**3, x**0.5, x**-1, 2.0**y, i**2, x**i]
        agree([x, y, i], table, np.float32([0.5, 1, 2, 3]), np.float32([-1, 0, 1.5, 2]),
              np.array([0, 1, 2, 3]), rtol=1e-6)  # fmt: skip

    def test_constants_and_sizes_take_part_as_numbers(self):
        x, n = T.matrix("x"), T.iscalar("n")
        rows = x.shape[0]
        outputs = [
            x + 1, 2 - x, 3 / x, x / 3, x * rows, x / rows, T.maximum(x, 0), T.minimum(0.5, x),
            T.switch(x > 0, 0.0, x), T.switch(x > 0, x, 1), T.clip(x, -1, 1), x + n, n - x,
            T.switch(T.gt(n, 3), x, -x), T.switch(T.gt(rows, 99), x, -x), x.mean(), T.eq(x, 1),
            x // 2, x % 2, 2 % x, T.fill(x, 7), T.sqr(x) + T.cast(rows, "float32") ** 2,
        ]  # fmt: skip
        values = np.float32([[-2, -1, 0.5], [1, 2, 3]])
        # Theano's single C module aborts on a mean.
        agree([x, n], outputs, values, np.int32(4), stock=FAST_RUN)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(width=32), min_size=1, max_size=8))
def test_rectify_is_theanos_to_the_bit(values):
    """0.5 * (x + |x|), which is NaN at minus infinity."""
    x = np.array(values, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = np.float32(0.5) * (x + np.abs(x))
    np.testing.assert_array_equal(rectify(x), expected)


def rectify(values):
    if not hasattr(rectify, "function"):
        x = T.vector()
        rectify.function = theano.function([x], T.nnet.relu(x), mode=TORCH)
    return rectify.function(values)


class TestShapes:
    def test_declared_broadcasting(self):
        x, row, column, s = T.matrix(), T.row(), T.col(), T.scalar()
        a = np.float32([[1, 2, 3], [4, 5, 6]])
        agree([x, row, column, s], [x + row, x * column, row - column, x / s, s + s],
              a, a[:1], a[:, :1], np.float32(3))  # fmt: skip

    def test_undeclared_broadcasting_is_refused(self):
        x, y = T.matrix("x"), T.matrix("y")
        a = np.ones((2, 3), np.float32)
        for bad in (a[:1], a[:, :1], np.ones((2, 4), np.float32)):
            theirs, ours = refused([x, y], x + y, a, bad)
            assert type(ours) is type(theirs) is ValueError
            assert "Input dimension mis-match. (input[0].shape[" in str(ours)
            assert "Apply node that caused the error: Elemwise{add,no_inplace}" in str(ours)
            assert "Inputs shapes: [(2, 3)," in str(ours)

    def test_dimshuffle(self):
        x, y = T.tensor3(), T.TensorType("float32", (False, True, False))()
        a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        outputs = [
            x.dimshuffle(2, 0, 1), x.dimshuffle("x", 1, "x", 0, 2), x.T, x.flatten(2),
            y.dimshuffle(2, 0), y.dimshuffle(0, "x", 2), T.addbroadcast(x[:, :1], 1) + x,
        ]  # fmt: skip
        agree([x, y], outputs, a, a[:, :1])

    def test_nothing_at_all(self):
        x = T.matrix()
        agree([x], [x + 1, T.exp(x), x.sum(), x.sum(0)], np.zeros((0, 3), np.float32))


def test_a_size_declared_and_not_kept():
    x = T.vector()
    shape = theano.tensor.specify_shape(x, (3,))
    theirs, ours = refused([x], shape * 2, np.ones(2, np.float32))
    assert type(ours) is type(theirs) is AssertionError
