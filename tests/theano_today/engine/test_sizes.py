"""Integers that follow from shapes, computed once for each set of shapes."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import pickle

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.ifelse import ifelse

from tests.theano_graphs import fused
from theano_today.engine import library
from theano_today.engine.sizes import Sizes

pytestmark = pytest.mark.skipif(library.kernels() is None, reason="needs the kernels")


def sizes(f) -> list:
    return [node for node in f.maker.fgraph.apply_nodes if isinstance(node.op, Sizes)]


def integers(x, y) -> list:
    """Integers of all kinds that depend on shapes only, and what uses them."""
    n, m, k = x.shape[0], x.shape[1], y.shape[0]
    some = [
        T.minimum(n, m - 3) + k, T.switch(T.lt(n, k), n * m, n - m), T.maximum(n * 2, k) // 2,
        T.cast(n - 4, "int8"), T.eq(n, k), T.stack([n, m * k, m]), T.abs_(n - m) * (n + k),
    ]  # fmt: skip
    ends = [T.maximum(n - 2, 1), T.minimum(k, m - 1)]
    return [*some, x[: ends[0]].sum() * m, y[ends[1] :], T.zeros((n + 1, k))]


def expected(x, y) -> list:
    (n, m), k = x.shape, len(y)
    some = [
        min(n, m - 3) + k, n * m if n < k else n - m, max(n * 2, k) // 2, np.int8(n - 4), n == k,
        [n, m * k, m], abs(n - m) * (n + k),
    ]  # fmt: skip
    return [*some, x[: max(n - 2, 1)].sum() * m, y[min(k, m - 1) :], np.zeros((n + 1, k))]


def test_numbers_for_many_shapes():
    x, y = T.matrix(), T.vector()
    f = fused([x, y], integers(x, y))
    assert len(sizes(f)) == 1
    shapes = [(1, 1, 1), (0, 3, 2), (9, 4, 9), *((n, 5, 30 - n) for n in range(25))]
    for n, m, k in shapes * 2:
        values = np.ones((n, m), "float32"), np.arange(k, dtype="float32")
        for v, got, want in zip(f.maker.outputs, f(*values), expected(*values), strict=True):
            np.testing.assert_array_equal(got, want)
            assert got.dtype == v.variable.type.dtype
            got[...] = 99  # what is remembered stays


def test_copies_and_pickles():
    x, y = T.matrix(), T.vector()
    f = fused([x, y], integers(x, y))
    values = np.ones((7, 4), "float32"), np.ones(5, "float32")
    for other in copy.deepcopy(f), f.copy(), pickle.loads(pickle.dumps(f)):
        assert len(sizes(other)) == 1
        for got, want in zip(other(*values), expected(*values), strict=True):
            np.testing.assert_array_equal(got, want)


def test_equal_if_they_compute_the_same():
    """So that DebugMode finds two optimisations of a graph alike."""
    x, y = T.matrix(), T.vector()
    (one,), (same,), (other,) = (
        sizes(fused([x, y], outputs))
        for outputs in (integers(x, y), integers(x, y), integers(x, y)[1:])
    )
    assert one.op == same.op
    assert hash(one.op) == hash(same.op)
    assert one.op != other.op


def test_shared_variables_that_change_their_shape():
    w, y = theano.shared(np.ones((3, 6), "float32")), T.vector()
    f = fused([y], integers(w, y), updates=[(w, T.concatenate([w, w[:1]]))])
    assert sizes(f)
    for n in range(3, 6):
        value = np.arange(n + 1, dtype="float32")
        before = w.get_value()
        for got, want in zip(f(value), expected(before, value), strict=True):
            np.testing.assert_array_equal(got, want)


def test_branches_that_are_not_taken():
    """Nothing of them is computed: a length divided by 0, for instance."""
    x, y = T.matrix(), T.vector()
    costly = sum(n.astype("int64").sum() for n in integers(x, y)[:7])
    f = fused([x, y], ifelse(T.gt(y.shape[0], 0), costly // y.shape[0], x.shape[0]))
    assert not sizes(f)
    assert f(np.ones((2, 3), "float32"), np.ones(0, "float32")) == 2


def test_division_by_zero():
    x, y = T.matrix(), T.vector()
    f = fused([x, y], [*integers(x, y), x.shape[0] // y.shape[0]])
    with pytest.raises(ZeroDivisionError):
        f(np.ones((2, 3), "float32"), np.ones(0, "float32"))
    assert f(np.ones((6, 3), "float32"), np.ones(4, "float32"))[-1] == 1


def test_lengths_as_float32():
    """What sums are divided by: as numbers, and with axes of length 1."""
    x, y = T.tensor4(), T.vector()
    lengths = T.cast(x.shape, "float32")
    outputs = [
        lengths, lengths[0], lengths[-1].dimshuffle("x"), lengths[2].dimshuffle("x", "x", "x", "x"),
        T.cast(y.shape[0] * x.shape[1], "float32"), x.shape[3].dimshuffle("x", "x"),
        x.mean((0, 2, 3)), x.mean((1, 2), keepdims=True), y.sum() / T.cast(x.shape[1], "float32"),
    ]  # fmt: skip
    f = fused([x, y], outputs)
    assert len(sizes(f)) == 1
    n = len(f.maker.fgraph.apply_nodes)
    without = fused([x, y], outputs, mode=theano.compile.get_default_mode().excluding("sizes"))
    assert n < len(without.maker.fgraph.apply_nodes) - 5
    random = np.random.RandomState(0)
    for shape, k in [
        ((2, 3, 4, 5), 6),
        ((1, 1, 1, 1), 1),
        ((1, 3, 1, 2), 0),
        ((2, 1, 1, 7), 2**24 + 1),
    ]:
        values = random.normal(size=shape).astype("float32"), np.ones(k, "float32")
        for g in (f, pickle.loads(pickle.dumps(f))):
            for got, want in zip(g(*values), without(*values), strict=True):
                np.testing.assert_array_equal(got, want)
                assert (got.dtype, got.shape) == (want.dtype, want.shape)
                np.asarray(got)[...] = 99  # what is remembered stays
    for node in sizes(f):
        inner = node.op.infer_shape(node, None)
        assert inner == [np.shape(cell[0]) for cell in _computed(node, values)]


def _computed(node, values):
    cells = [[None] for _ in node.outputs]
    node.op.perform(node, [values[v.type.ndim == 1] for v in node.inputs], cells)
    return cells
