"""What Elemwise nodes and Composites compute, as scalars."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import theano.scalar as ts
import theano.tensor as T
from theano.tensor.elemwise import Elemwise

from theano_today.engine.channelwise import composites


def nested():
    """Return a Composite of two others, (a + b) * b + (a + b), and their sum."""
    a, b = ts.float32("a"), ts.float32("b")
    inner = ts.Composite([a, b], [a + b])
    return ts.Composite([a, b], [inner(a, b) * b + inner(a, b)])


def test_a_composite_in_another_is_written_out():
    x, y = T.fmatrix(), T.fmatrix()
    node = Elemwise(nested())(x, y).owner
    op = composites.scalar_op(node)
    assert not any(isinstance(inner.op, ts.Composite) for inner in op.fgraph.apply_nodes)
    one, two = np.float32([[1, 2, 3]]), np.float32([[4, -5, 0.5]])
    (got,) = composites.evaluated(op, [one, two])
    np.testing.assert_array_equal(got, (one + two) * two + (one + two))
    assert composites.scalar_op((x + y).owner) is (x + y).owner.op.scalar_op


def test_names():
    a, b = ts.float32(), ts.float32()
    assert composites.name_of((a + b).owner) == "add"
    for uncovered in ts.float64() + b, ts.float32() + ts.int8(), ts.switch(a, a, b), ts.gammaln(a):
        assert composites.name_of(uncovered.owner) is None


def test_numbers():
    half = T.constant(np.full((1, 1), 0.5, "float32"))
    assert composites.is_constant(half)
    assert composites.number_of(half).data == np.float32(0.5)
    for other in T.constant(np.float64(0.5)), T.constant(np.ones(2, "float32")), T.fscalar():
        assert not composites.is_constant(other)
