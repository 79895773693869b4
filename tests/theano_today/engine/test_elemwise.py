"""Elemwise by NumPy: the same numbers, types, errors and silence as Theano's C code."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import threading
import warnings

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.elemwise import Elemwise

from tests.theano_graphs import engine, fused, stock
from theano_today.engine import elemwise, library

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
    "switch": lambda x, y: T.switch(x > y, x, y), "second": T.second,
}  # fmt: skip


if library.lanes() == 16:
    BINARY["pow"] = T.pow


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


def test_powers_of_numbers():
    """As in adam's correction of its averages: without C, and equal to the last bit."""
    rate, beta, t = T.fscalar(), T.fscalar(), T.fscalar()
    outputs = [beta**t, rate * T.sqrt(1 - beta**t) / (1 - T.sqr(beta) ** t)]
    ours, theirs = theano.function([rate, beta, t], outputs), stock([rate, beta, t], outputs)
    assert by_ours(ours)
    for number in range(1, 2000, 7):
        for beta in (0.5, 0.9, 0.999):
            arrays = np.array([1e-3, beta, number], np.float32)
            assert [float(n) for n in ours(*arrays)] == [float(n) for n in theirs(*arrays)]


LONG = (pytest.param(kind, marks=pytest.mark.long) for kind in ("int32", "int8"))


@pytest.mark.parametrize("kind", ["int64", "uint8", *LONG])
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


def test_division_of_integers_by_zero():
    i, j = T.ivectors("ij")
    function = theano.function([i, j], [i // j, T.sqr(i // j)])
    assert by_ours(function)
    with pytest.raises(ZeroDivisionError, match="integer division by zero"):
        function(np.int32([1, 2]), np.int32([1, 0]))
    nothing = np.zeros(0, "int32")
    assert function(nothing, nothing)[0].shape == (0,)
    row = T.TensorType("int32", (True,))()
    by_row = theano.function([i, row], i // row)
    assert by_row(nothing, np.int32([0])).shape == (0,)  # no element, no division
    with pytest.raises(ZeroDivisionError):
        by_row(np.int32([1]), np.int32([0]))


class Loud:
    """np.seterrcall's: it must not be called."""

    def write(self, text):
        pytest.fail(text)


@pytest.mark.parametrize("setting", ["raise", "log", "warn"])
def test_numpys_error_handling_is_for_numpy(setting):
    """C code knows nothing of it, whatever thread calls."""
    x, m = T.vector(), T.matrix()
    outputs = [
        T.exp(x), T.log(x), 1 / x, x / x, x * x, T.exp(x[0]), T.cast(x, "int32"), x.sum(),
        2 * T.dot(m, m), m + 3e38 * T.dot(m, m), T.cast(T.sqr(x), "float64").sum(),
    ]  # fmt: skip
    function = theano.function([x, m], outputs)
    found = []

    def call():
        with np.errstate(all=setting), warnings.catch_warnings():
            np.seterrcall(Loud())
            warnings.simplefilter("error")
            large = np.full((2, 2), 2e38, np.float32)
            found.append(function(np.float32([-100, 0, 1e38, np.inf, np.nan, 3e38]), large))
            np.seterrcall(None)
            with pytest.raises(FloatingPointError), np.errstate(all="raise"):
                np.exp(np.float32([-100]))  # as before for the user's own code

    call()
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert len(found) == 2
    assert found[0][0][0] == np.float32(3.8e-44)


def test_equal_extremes_are_the_first():
    """As Theano's C code has it: ``y > x ? y : x``, which of 0 and -0 takes the first."""
    x, y = T.vectors("xy")
    function = theano.function([x, y], [T.maximum(x, y), T.minimum(x, y), T.maximum(x[0], y[0])])
    for length in (1, 3, 16, 100):
        zero = np.zeros(length, np.float32)
        for a, b in ((zero, -zero), (-zero, zero)):
            for result in function(a, b):
                assert (np.signbit(result) == np.signbit(a[0])).all()


@pytest.mark.parametrize("kind", ["int64", "uint64"])
def test_extremes_of_64_bits_pass_through_double(kind):
    """Theano's C code writes ``... : nan("")`` at the end, and so C makes a double of all."""
    x, y = T.TensorType(kind, (False,))(), T.TensorType(kind, (False,))()
    values = np.array([2**53 + 1, 5, 2**60 + 3], kind), np.array([7, 2**53 + 3, 2], kind)
    outputs = [T.maximum(x, y), T.minimum(x, y)]
    modes = (theano.Mode("cvm", "merge"), theano.Mode("c", "merge"))
    ours, theirs = (theano.function([x, y], outputs, mode=mode) for mode in modes)
    assert by_ours(ours)
    for got, want in zip(ours(*values), theirs(*values), strict=True):
        np.testing.assert_array_equal(got, want)
    assert ours(*values)[0].tolist() == [2**53, 2**53 + 4, 2**60]


def test_branches_of_a_switch_meet_as_in_c():
    """C makes float of int32 and float32, NumPy double; of 64-bit types C makes uint64."""
    c = T.bvector()
    kinds = ["int8", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
    branches = {kind: T.TensorType(kind, (False,))() for kind in kinds}
    pairs = [(a, b) for a in kinds for b in kinds if a < b]
    outputs = [T.switch(c, branches[a], branches[b]) for a, b in pairs]
    inputs = [c, *branches.values()]
    theirs = theano.function(inputs, outputs, mode=theano.Mode("c", "merge"))
    values = [np.array([0, 1, 0, 1], "int8")]
    for kind in kinds:
        info = np.finfo(kind) if kind.startswith("f") else np.iinfo(kind)
        values.append(np.array([info.max, info.min, 3, info.max // 3], kind))
    wanted = theirs(*values)
    done = 0
    for output, want, pair in zip(outputs, wanted, pairs, strict=True):
        run = elemwise.elemwise(output.owner)
        if run is not None:
            places = [inputs.index(v) for v in output.owner.inputs]
            (got,) = run(*[values[i] for i in places])
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want, err_msg=str(pair))
            done += 1
    assert done > len(pairs) / 2  # the rest is left to C


def test_casts_that_do_not_fit():
    """C leaves them open; here they are as they mostly are with its compilers.

    But for uint32 and uint64, where Theano's own C code has one number in a loop that the compiler
    turned into vectors (AVX-512 has an instruction for uint64), and another elsewhere.
    """
    x = T.vector()
    kinds = ["int8", "uint8", "int16", "uint16", "int32", "int64", "bool"]
    outputs = [T.cast(x, kind) for kind in kinds]
    ours = theano.function([x], outputs, mode=theano.Mode("cvm", "merge"))
    theirs = theano.function([x], outputs, mode=theano.Mode("c", "merge"))
    assert by_ours(ours)
    value = np.float32([np.nan, np.inf, -np.inf, 3e9, -3e9, 127.5, 256, -1, 1e19, -1e19, 0, -0.0])
    for got, want, kind in zip(ours(value), theirs(value), kinds, strict=True):
        np.testing.assert_array_equal(got, want, err_msg=kind)


def test_numbers_of_no_dimension_are_copied():
    """Theano may overwrite a result, and must not meet the argument."""
    x = T.scalar()
    copied = T.tensor_copy(x)
    ours = theano.function([x], [copied, T.cast(copied, "float64")], mode=theano.Mode("cvm", None))
    value = np.array(2, np.float32)
    first, _ = ours(value)
    assert type(first) is np.ndarray
    first[...] = 7
    assert value == 2
    b = T.bscalar()
    flag = T.neq(b, 0)
    function = theano.function([b], T.tensor_copy(flag), mode=theano.Mode("cvm", None))
    assert function(np.int8(3)).dtype == bool
