"""Elemwise by NumPy: the same numbers, types, errors and silence as Theano's C code."""

import runtime  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import warnings

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.elemwise import Elemwise

from runtime.engine import elemwise
from tests.theano_graphs import engine, fused, stock

RANDOM = np.random.RandomState(0)
SPECIAL = np.array([[0, -0.0, 1, -1, 2.5, -2.5], [np.nan, np.inf, -np.inf, 1e30, -1e-30, 88]])

UNARY = {
    "neg": lambda x: -x, "abs": abs, "sgn": T.sgn, "sqr": T.sqr, "sqrt": T.sqrt, "exp": T.exp,
    "log": T.log, "tanh": T.tanh, "inv": T.inv,
}  # fmt: skip
BINARY = {
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y,
    "true_div": lambda x, y: x / y, "maximum": T.maximum, "minimum": T.minimum,
    "eq": T.eq, "neq": T.neq, "lt": T.lt, "gt": T.gt, "le": T.le, "ge": T.ge,
    "switch": lambda x, y: T.switch(x > y, x, y),
}  # fmt: skip


def by_ours(function):
    """Whether every Elemwise of a function is one that elemwise.py takes."""
    nodes = [n for n in function.maker.fgraph.toposort() if isinstance(n.op, Elemwise)]
    return bool(nodes) and all(elemwise.elemwise(n) is not None for n in nodes)


@pytest.fixture(scope="module", params=["float32", "float64"])
def functions(request):
    """All of them at once, by both: dtype, names, ours, stock's."""
    x, y = T.TensorType(request.param, (False,) * 2)(), T.TensorType(request.param, (False,) * 2)()
    names = [*UNARY, *BINARY]
    outputs = [f(x) for f in UNARY.values()] + [f(x, y) for f in BINARY.values()]
    ours = theano.function([x, y], outputs, mode=theano.Mode("cvm", "merge"))
    assert by_ours(ours)
    return request.param, names, ours, stock([x, y], outputs)


def test_each_operation(functions):
    dtype, names, ours, theirs = functions
    x = SPECIAL.astype(dtype)
    for y in (x, x[::-1].copy(), np.ones_like(x), RANDOM.normal(size=x.shape).astype(dtype)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # C code says nothing on stderr, and so do we
            got = ours(x, y)
        for name, mine, other in zip(names, got, theirs(x, y), strict=True):
            assert mine.dtype == other.dtype, name
            np.testing.assert_allclose(mine, other, rtol=3e-7, err_msg=name)


@pytest.mark.parametrize("kind", ["int64", "int32", "int8", "uint8"])
def test_whole_numbers(kind):
    """Types and rounding of mixed and small integers are Theano's, not NumPy's."""
    x, y = T.TensorType(kind, (False,))(), T.TensorType(kind, (False,))()
    f = T.TensorType("float32", (False,))()
    outputs = [
        x + y, x * y, x - y, -x, abs(x), T.sqr(x), x // y, x / y, T.eq(x, y), x < y,
        T.maximum(x, y), x + f, x * f, x / f, T.cast(f, kind), T.cast(x, "float32"), T.sqrt(x),
    ]  # fmt: skip
    ours, theirs = fused([x, y, f], outputs), stock([x, y, f], outputs)
    a, b = np.array([7, 3, 100, 1, 5], kind), np.array([2, 3, 7, 100, 9], kind)
    if kind != "uint8":
        a, b = a * np.array([1, -1, 1, -1, -1], kind), b * np.array([-1, 1, 1, 1, -1], kind)
    c = np.array([1.5, -0.5, 3, 2, 0.25], np.float32) * (1 if kind != "uint8" else 2)
    c = abs(c) if kind == "uint8" else c
    for i, (got, want) in enumerate(zip(ours(a, b, c), theirs(a, b, c), strict=True)):
        assert got.dtype == want.dtype, i
        np.testing.assert_allclose(got, want, rtol=1e-6, err_msg=str(i))


@pytest.mark.parametrize(
    "shapes",
    [
        [(), ()], [(0, 3), (0, 3)], [(4, 3), (1, 3)], [(4, 3), (4, 1)], [(1, 1), (4, 3)],
        [(1, 5), (1, 5)], [(70000, 3), (70000, 1)], [(2, 90000), (2, 90000)],
    ],
)  # fmt: skip
def test_shapes_and_strides(shapes):
    """Many rows and long ones go through in blocks."""
    variables = [T.TensorType("float32", [n == 1 for n in shape])() for shape in shapes]
    x, y = variables
    out = 2 * x * abs(y) + T.sqr(x) - y
    function = fused(variables, out)
    for turned in (False, True):
        arrays = [np.asarray(RANDOM.normal(size=s), np.float32) for s in shapes]
        if turned:
            arrays = [a.T.copy().T for a in arrays]
        a, b = arrays
        np.testing.assert_allclose(function(a, b), 2 * a * abs(b) + a**2 - b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shapes", [[(1, 3), (2, 3)], [(2, 1), (2, 3)], [(2, 3), (4, 3)]])
def test_shapes_that_do_not_fit(shapes):
    """Theano stretches only what was declared to be of length 1: a gradient would be wrong."""
    x, y = T.matrix(), T.matrix()
    arrays = [np.ones(s, np.float32) for s in shapes]
    for name in ("stock", "fused"):
        with engine(name):
            function = theano.function([x, y], x + y)
        with pytest.raises(ValueError, match=r"[Ii]nput dimension mis-?match|shape"):
            function(*arrays)


def test_in_place_of_an_input_and_of_nothing_else():
    x = T.matrix()
    function = fused([x], T.exp(x * 2) + x)
    value = RANDOM.normal(size=(5, 6)).astype(np.float32)
    before = value.copy()
    first = function(value)
    np.testing.assert_array_equal(value, before)
    kept = first.copy()
    function(value + 1)
    np.testing.assert_array_equal(first, kept)


def test_complex_numbers_and_others_are_left_to_theano():
    z = T.zvector()
    x = T.vector()
    function = fused([z, x], [abs(z) * 2, T.erf(x), T.clip(x, -1, 1), x**3])
    a = np.array([3 + 4j, 1j])
    b = np.array([0.5, -2], np.float32)
    got = function(a, b)
    np.testing.assert_allclose(got[0], [10, 2])
    np.testing.assert_allclose(got[1], [0.5204999, -0.9953223], rtol=1e-5)
    np.testing.assert_allclose(got[2], [0.5, -1])
    np.testing.assert_allclose(got[3], [0.125, -8])


def test_lengths_of_1_that_are_not_declared_are_refused():
    x, y = T.fmatrices("xy")
    f = theano.function([x, y], x + y)
    with pytest.raises(ValueError, match="mis-match"):
        f(np.ones((1, 3), "float32"), np.ones((2, 3), "float32"))
    assert f(np.ones((2, 3), "float32"), np.ones((2, 3), "float32")).shape == (2, 3)
