"""Arithmetic of vectors in one call: against the same graph without."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import pickle

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.theano_graphs import count, fused, ops
from theano_today.engine.vectors import Vectors


def plain(inputs, outputs):
    """The engine without this rewrite."""
    mode = theano.compile.get_default_mode().excluding("vectors")
    return fused(inputs, outputs, mode=mode)


def graph():
    """Functions of sums of x, along two axes, with a sum in between, and numbers."""
    x, c, n = T.matrix(), T.vector(), T.scalar()
    mean = x.sum(0) / n
    deviation = T.sqrt(((x - mean.dimshuffle("x", 0)) ** 2).sum(0) / n + 1e-4)
    factor = c / deviation
    outputs = [
        mean, 0.9 * c + 0.1 * mean, mean.dimshuffle(0, "x", "x") * 2, T.inv(deviation), factor,
        (x - mean) * factor.dimshuffle("x", 0), factor * factor - mean,
    ]  # fmt: skip
    return [x, c, n], outputs


def drawn(random, rows, columns):
    x = random.normal(size=(rows, columns)).astype(np.float32)
    return x, random.normal(size=columns).astype(np.float32), np.float32(rows)


def test_the_same_bits():
    random = np.random.RandomState(0)
    inputs, outputs = graph()
    ours, without = fused(inputs, outputs), plain(inputs, outputs)
    found = [op for op in ops(ours) if isinstance(op, Vectors)]
    assert len(found) == 2  # before the second sum, and behind it
    assert count(ours, "Elemwise") < count(without, "Elemwise") - 3
    copies = [copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))]
    for shape in [(3, 5), (1, 1), (4, 700), (2, 1), (0, 3), (3, 0)]:
        x, c, n = drawn(random, *shape)
        for value in (0, np.nan, np.inf, -0.0):
            if c.size:
                c[-1] = value
            if x.size:
                x[0, 0] = value
            want = without(x, c, n)
            for f in (ours, *copies):
                for got, other in zip(f(x, c, n), want, strict=True):
                    assert got.shape == other.shape
                    assert got.dtype == np.float32
                    np.testing.assert_array_equal(got, other)
                    np.testing.assert_array_equal(np.signbit(got), np.signbit(other))


def test_its_perform():
    """By NumPy: the same."""
    random = np.random.RandomState(1)
    inputs, outputs = graph()
    f = fused(inputs, outputs)
    for node in f.maker.fgraph.apply_nodes:
        if not isinstance(node.op, Vectors):
            continue
        arrays = [
            random.uniform(1, 2, [1 if one else 7 for one in v.broadcastable]).astype(np.float32)
            for v in node.inputs
        ]
        cells = {v: [a] for v, a in zip(node.inputs, arrays, strict=True)}
        cells |= {v: [None] for v in node.outputs}
        node.op.make_thunk(node, cells, {v: [False] for v in node.outputs}, [])()
        by_numpy = [[None] for _ in node.outputs]
        node.op.perform(node, arrays, by_numpy)
        shapes = node.op.infer_shape(node, [a.shape for a in arrays])
        for v, (want,), shape in zip(node.outputs, by_numpy, shapes, strict=True):
            np.testing.assert_array_equal(cells[v][0], want)
            assert cells[v][0].shape == want.shape == shape
            assert v.type.is_valid_value(want)


def test_strides():
    inputs, outputs = graph()
    f = fused(inputs, outputs)
    x, c, n = drawn(np.random.RandomState(2), 6, 9)
    for got, want in zip(f(x[::2], c[::-1], n), f(x[::2].copy(), c[::-1].copy(), n), strict=True):
        np.testing.assert_array_equal(got, want)


def test_lengths_that_do_not_fit():
    inputs, outputs = graph()
    f = fused(inputs, outputs)
    x, c, n = drawn(np.random.RandomState(3), 3, 4)
    with pytest.raises(ValueError, match="Input dimension mis-match"):
        f(x, c[:3], n)


def test_no_circle():
    """What lies between two functions of vectors is no function of vectors."""
    x, c = T.matrix(), T.vector()
    first = x.sum(0) * 2 + c
    second = (x * T.sort(first)).sum(0)
    third = second * first + T.sort(second * c) * first
    outputs = [first * c, third - first, second - c * 2]
    ours, without = fused([x, c], outputs), plain([x, c], outputs)
    assert count(ours, "Vectors") >= 1
    x_value = np.random.RandomState(4).randint(-4, 5, (3, 6)).astype(np.float32)
    c_value = np.arange(6, dtype=np.float32)
    for got, want in zip(ours(x_value, c_value), without(x_value, c_value), strict=True):
        np.testing.assert_array_equal(got, want)


def test_what_stays():
    x, c = T.matrix(), T.vector()
    total = x.sum(0)
    assert count(fused([x, c], [total * c]), "Vectors") == 0  # one function
    double, other = T.dmatrix(), T.dvector()
    total = double.sum(0)
    assert count(fused([double, other], [total * other, total + other]), "Vectors") == 0
    total = x.sum(0)
    f = fused([x, c], [T.sin(total) * c, total + c])  # sin is not covered
    assert count(f, "Vectors") == 0
    # More than a formula holds: as they were
    many = [T.vector() for _ in range(40)]
    f = fused([x, *many], [total * v for v in many])
    assert count(f, "Vectors") == 0


def test_shared_updates():
    """Running averages are kept as they are; a step does not change what others have read."""
    x, running = T.matrix(), theano.shared(np.ones(4, np.float32))
    mean = x.mean(0)
    new = np.float32(0.5) * running + np.float32(0.5) * mean
    f = theano.function([x], [mean * 2, running * mean], updates=[(running, new)])
    value = np.full((2, 4), 3, np.float32)
    before = running.get_value(borrow=True)
    twice, product = f(value)
    np.testing.assert_array_equal(twice, np.full(4, 6))
    np.testing.assert_array_equal(product, np.full(4, 3))
    np.testing.assert_array_equal(running.get_value(), np.full(4, 2))
    assert before.shape == (4,)


@pytest.mark.long
def test_debug_mode():
    inputs, outputs = graph()
    f = theano.function(inputs, outputs, mode=theano.compile.DebugMode(stability_patience=1))
    f(*drawn(np.random.RandomState(5), 3, 4))
