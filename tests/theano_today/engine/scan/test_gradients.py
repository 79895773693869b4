"""Arrays of all steps in a gradient: none is copied only because its steps are in reverse order."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import pickle

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.scan_module.scan_op import Scan

from tests.theano_graphs import fused
from tests.theano_today.compat.theano.test_scan_loop import PLAIN, compiled
from tests.theano_today.engine.scan.test_loop import ORDINARY, Recurrence, runs, scans_as_compiled
from theano_today.engine import library
from theano_today.engine.scan import gradients
from theano_today.engine.scan.gradients import (
    GradientsOverSteps,
    IncreasedZeros,
    ProductOverSteps,
    backwards,
)

pytestmark = pytest.mark.skipif(library.kernels() is None, reason="needs the kernels")
__all__ = ["runs", "scans_as_compiled"]  # fixtures

RANDOM = np.random.RandomState(4)


def products(f) -> list:
    kinds = ProductOverSteps, GradientsOverSteps
    return [n for n in f.maker.fgraph.toposort() if isinstance(n.op, kinds)]


def stored_backwards(f) -> int:
    scans = [n for n in f.maker.fgraph.toposort() if isinstance(n.op, Scan)]
    return sum(len(backwards(n)) for n in scans)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("steps", "rows"), [(1, 1), (4, 3), (7, 65), (0, 3)])
def test_the_product(steps, rows, order):
    states = RANDOM.normal(size=(steps + 1, rows, 5)).astype("float32")
    x = states[:-1][::order].transpose(2, 0, 1)
    y = RANDOM.normal(size=(steps, rows, 9)).astype("float32")[::order]
    all_rows = steps * rows
    want = np.einsum("nsr,srm->nm", x.astype("float64"), y.astype("float64"))
    shapes = [((5, all_rows), (all_rows, 9))]
    if all_rows:
        shapes += [((5, -1), (all_rows, -1)), ((-1, all_rows), (-1, 9))]
    for shape, other in shapes:
        np.testing.assert_allclose(run(x, shape, y, other), want, 1e-5, 1e-5)


def run(x, shape, y, other):
    cell: list = [None]
    shapes = np.array(shape, "int64"), np.array(other, "int64")
    ProductOverSteps().perform(None, (x, shapes[0], y, shapes[1]), [cell])
    return cell[0]


def test_other_shapes_are_those_of_reshape():
    x = RANDOM.normal(size=(3, 4, 5)).astype("float32")
    y = RANDOM.normal(size=(4, 5, 6)).astype("float32")[::-1]
    got = run(x, (15, 4), y, (4, 30))
    np.testing.assert_allclose(got, x.reshape(15, 4) @ y.reshape(4, 30), 1e-5, 1e-5)
    with pytest.raises(ValueError, match="Cannot reshape"):
        run(x, (3, 21), y, (20, 6))
    with pytest.raises(ValueError, match="cannot multiply"):
        run(x, (3, 20), y, (10, 12))


class Gates(Recurrence):
    """Its product of all steps' inputs is taken out of the loop, as Lasagne does it."""

    def __init__(self, **more):
        super().__init__(**more)
        x, h, w, u, b = self.variables
        before = T.dot(x, w) + b
        self.states, _ = theano.scan(
            lambda before, h, u: T.tanh(before + T.dot(h, u)),
            sequences=before[: x.shape[0]], outputs_info=h, non_sequences=[u], mode=ORDINARY,
        )  # fmt: skip


@pytest.mark.parametrize(("steps", "rows"), [(1, 1), (6, 3), (9, 65)])
def test_no_copy_of_all_steps(steps, rows, runs, monkeypatch):
    gates = Gates(steps=steps, rows=rows)
    taken = []
    matrices = gradients.matrices

    def noted(x, shape, y, other):
        taken.append(y.strides[0] if len(y) > 1 else -1)
        return matrices(x, shape, y, other)

    monkeypatch.setattr(gradients, "matrices", noted)
    ours, written = gates.functions()
    assert len(products(ours)) == 1
    assert stored_backwards(ours) == 1
    values = gates.values.values()
    for _ in range(2):
        for a, b in zip(ours(*values), written(*values), strict=True):
            np.testing.assert_allclose(a, b, 2e-5, 2e-5)
    assert len(taken) == 2
    assert max(taken) < 0
    assert len(runs) == 4


@pytest.mark.parametrize("rows", [65, 3])
def test_all_gradients_in_one_pass(rows, monkeypatch):
    """Of the weights of states and inputs, and of the bias; of few rows one after the other."""
    gates = Gates(steps=40, rows=rows)
    states = gates.states
    cost = (states[-1] ** 2).sum() + states.sum()
    outputs = [states, *T.grad(cost, gates.variables)]
    f = fused(gates.variables, outputs)
    (node,) = products(f)
    assert node.op == GradientsOverSteps(1)
    done = []
    in_one_pass = gradients._in_one_pass

    def noted(*arguments):
        done.append(in_one_pass(*arguments))
        return done[-1]

    monkeypatch.setattr(gradients, "_in_one_pass", noted)
    got = f(*gates.values.values())
    assert (done[-1] is not None) == (rows == 65)
    without = compiled(gates.variables, outputs, PLAIN.excluding(gradients.NAME))
    assert not products(without)
    for a, b in zip(got, without(*gates.values.values()), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, 1e-4, 1e-4)
    values = dict(gates.values)
    for value in np.nan, np.inf:
        values["x"] = gates.values["x"].copy()
        values["x"][3, 1, 2] = value
        for a, b in zip(f(*values.values()), without(*values.values()), strict=True):
            np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    results = []
    try:
        for threads in 1, 2, 3:
            library.call("today_set_threads", threads)
            results.append([a.tobytes() for a in f(*gates.values.values())])
    finally:
        library.call("today_set_threads", library.threads())
    assert results == [[a.tobytes() for a in got]] * 3


def test_other_arrays_one_after_the_other():
    """What should be one array, and is not."""
    random = np.random.RandomState(5)

    def noise(*shape):
        return random.normal(size=shape).astype("float32")

    x, y = noise(5, 50, 60), noise(50, 60, 7)
    left, right, summed = noise(4, 3000), noise(3000, 9), noise(50, 60, 7)
    shapes = np.array([5, -1]), np.array([3000, 7])
    cells: list = [[None], [None], [None]]
    given = x, shapes[0], y, shapes[1]
    for other, total in (right, summed), (y.reshape(3000, 7), summed), (y.reshape(3000, 7), y):
        node = GradientsOverSteps(1)
        node.perform(None, (*given, left, other, total), cells)
        np.testing.assert_allclose(cells[0][0], x.reshape(5, -1) @ y.reshape(-1, 7), 1e-4, 1e-4)
        np.testing.assert_allclose(cells[1][0], left @ other, 1e-4, 1e-4)
        np.testing.assert_allclose(cells[2][0], total.sum((0, 1)), 1e-4, 1e-4)
        assert all(cell[0].dtype == "float32" for cell in cells)


@pytest.mark.parametrize("allow_gc", [True, False])
def test_what_a_function_returns_is_its_own(allow_gc):
    """The gradient of what the loop is given, the bias and the weights are of the same array."""
    gates = Gates(steps=4, rows=5)
    h, u = gates.variables[1], gates.variables[3]
    before = T.tensor3("before")
    states, _ = theano.scan(
        lambda before, h, u: T.tanh(before + T.dot(h, u)),
        sequences=before[: before.shape[0]], outputs_info=h, non_sequences=[u], mode=ORDINARY,
    )  # fmt: skip
    given = T.grad((states**2).sum(), [before, u])
    added = given[0].sum((0, 1))
    doubled = 2 * given[0]
    mode = PLAIN.clone(link_kwargs={"allow_gc": allow_gc})
    f = theano.function([before, h, u], [*given, added, doubled], mode=mode)
    values = [RANDOM.normal(size=s).astype("float32") for s in ((4, 5, 7), (5, 7), (7, 7))]
    first = f(*values)
    kept = [a.copy() for a in first]
    for a in first:
        a[...] = 7
        second = f(*values)
        np.testing.assert_array_equal(a, 7)
        for got, want in zip(second, kept, strict=True):
            np.testing.assert_array_equal(got, want)
    np.testing.assert_allclose(kept[2], kept[0].sum((0, 1)), 1e-5)
    np.testing.assert_allclose(kept[3], 2 * kept[0])
    eps, other = 1e-2, values[0].copy()
    other[1, 2, 3] += eps
    cost = theano.function([before, h, u], (states**2).sum(), mode=PLAIN)
    slope = (cost(other, *values[1:]) - cost(*values)) / eps
    np.testing.assert_allclose(kept[0][1, 2, 3], slope, 0.1, 1e-2)


def test_copies_pickles_and_threads():
    gates = Gates(steps=5, rows=70)
    f, _ = gates.functions()
    want = f(*gates.values.values())
    for other in copy.deepcopy(f), pickle.loads(pickle.dumps(f)):
        assert len(products(other)) == 1
        for a, b in zip(other(*gates.values.values()), want, strict=True):
            np.testing.assert_array_equal(a, b)
    try:
        for threads in 1, 3:
            library.call("today_set_threads", threads)
            for a, b in zip(f(*gates.values.values()), want, strict=True):
                assert a.tobytes() == b.tobytes()
    finally:
        library.call("today_set_threads", library.threads())


def test_it_can_be_excluded():
    gates = Gates()
    gradient = T.grad((gates.states**2).sum(), gates.variables)
    without = compiled(gates.variables, gradient, PLAIN.excluding(gradients.NAME))
    assert not products(without)
    assert not stored_backwards(without)
    with_it = compiled(gates.variables, gradient, PLAIN)
    values = gates.values.values()
    for a, b in zip(without(*values), with_it(*values), strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-5)


def test_float64_and_other_products_are_left_alone():
    gates = Gates(dtype="float64")
    f, written = gates.functions()
    assert not products(f)
    values = gates.values.values()
    for a, b in zip(f(*values), written(*values), strict=True):
        np.testing.assert_allclose(a, b, 1e-12, 1e-12)


PARTS = {  # outer, inner, order of the inner one's axes
    "the last step": (np.s_[1:], np.s_[:, -1], (1, 0, 2)),
    "a step of many": (np.s_[2], np.s_[:, 1:3], (1, 0)),
    "backwards, in steps": (np.s_[::-2], np.s_[::2, ::-1], (2, 0, 1)),
    "nothing of it": (np.s_[3:1], np.s_[:, :], (1, 0, 2)),
}


@pytest.mark.parametrize("set_outer", [False, True])
@pytest.mark.parametrize("name", PARTS)
def test_zeros_that_zeros_are_added_to(name, set_outer):
    outer, inner, order = PARTS[name]
    shape, n = (5, 4, 6), T.lscalar()
    view = np.zeros(shape, "float32")[outer]
    of_other = tuple(np.array(view.shape)[np.argsort(order)])
    y = RANDOM.normal(size=np.zeros(of_other)[inner].shape).astype("float32")
    if y.size:
        y.flat[0] = -0.0
    v = T.TensorType("float32", (False,) * y.ndim)()
    add = T.set_subtensor if set_outer else T.inc_subtensor
    lengths = [*of_other[:-1], n]
    other = T.inc_subtensor(T.alloc(np.float32(0), *lengths)[inner], v)
    zeros = T.alloc(np.float32(0), shape[0], shape[1], shape[2] + n - n)
    result = add(zeros[outer], other.dimshuffle(order))
    f = theano.function([v, n], result, mode=PLAIN)
    assert sum(isinstance(k.op, IncreasedZeros) for k in f.maker.fgraph.apply_nodes) == 1
    want, smaller = np.zeros(shape, "float32"), np.zeros(of_other, "float32")
    smaller[inner] += y
    want[outer] += smaller.transpose(order)
    for g in f, pickle.loads(pickle.dumps(f)), copy.deepcopy(f):
        got = g(y, of_other[-1])
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(want))
        got[...] = 9  # what a call returned is not of the next one
    if name != "nothing of it":
        with pytest.raises(ValueError, match="broadcast"):
            f(y, of_other[-1] + 5)


def test_zeros_that_something_else_needs():
    v = T.fmatrix()
    other = T.inc_subtensor(T.zeros((3, 4, 5), "float32")[:, -1], v)
    into = T.inc_subtensor(T.zeros((6, 3, 5), "float32")[2:], other.dimshuffle(1, 0, 2))
    alone = theano.function([v], into, mode=PLAIN)
    shared = theano.function([v], [into, other], mode=PLAIN)
    ones = T.inc_subtensor(T.ones((6, 3, 5), "float32")[2:], other.dimshuffle(1, 0, 2))
    of_ones = theano.function([v], ones, mode=PLAIN)
    counts = [
        sum(isinstance(k.op, IncreasedZeros) for k in f.maker.fgraph.apply_nodes)
        for f in (alone, shared, of_ones)
    ]
    assert counts == [1, 0, 0]
    values = RANDOM.normal(size=(3, 5)).astype("float32")
    np.testing.assert_array_equal(alone(values), shared(values)[0])
    np.testing.assert_array_equal(alone(values) + 1, of_ones(values))
    assert alone(values)[5].tobytes() == values.tobytes()
