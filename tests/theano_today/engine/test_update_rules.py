"""Update rules as one Elemwise of several outputs: the numbers that stock Theano computes."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.elemwise import Elemwise

from tests.theano_graphs import engine, fused

RANDOM = np.random.RandomState(0)
RULES = ["adam", "rmsprop", "adagrad", "adadelta", "momentum", "nesterov_momentum", "sgd"]


def learned(rule, name, shapes, steps=4):
    """Parameters after some steps, and the Elemwise nodes of the function."""
    random = np.random.RandomState(1)
    params = [theano.shared(random.normal(size=s).astype("float32")) for s in shapes]
    targets = [random.normal(size=s).astype("float32") for s in shapes]
    with engine(name):
        loss = sum(((p - t) ** 2).sum() for p, t in zip(params, targets, strict=True))
        updates = getattr(lasagne.updates, rule)(loss, params, learning_rate=0.1)
        function = theano.function([], loss, updates=updates)
    losses = [function() for _ in range(steps)]
    nodes = [n for n in function.maker.fgraph.toposort() if isinstance(n.op, Elemwise)]
    values = [v.get_value() for v in updates]
    return losses, values, [n for n in nodes if n.outputs[0].ndim]


@pytest.mark.parametrize("rule", RULES)
def test_rules(rule):
    shapes = [(3, 4), (70, 300), (5,)]
    losses, values, nodes = learned(rule, "fused", shapes)
    other, theirs, _ = learned(rule, "stock", shapes)
    np.testing.assert_allclose(losses, other, rtol=2e-6)
    for mine, value in zip(values, theirs, strict=True):
        np.testing.assert_allclose(mine, value, rtol=1e-5, atol=1e-6)
    if rule in ("adam", "rmsprop", "adagrad", "adadelta"):
        several = [n for n in nodes if len(n.outputs) > 1]
        assert len(several) == len(shapes)
        assert all(n.op.inplace_pattern for n in several)


def test_what_others_need_stays_apart():
    """A node between two of a group would be computed from its own result."""
    w, a = (theano.shared(np.ones((2, 3), "float32")) for _ in range(2))
    g = T.fmatrix()
    new_a = 0.9 * a + 0.1 * g**2
    scale = T.dot(new_a, T.ones((3, 3), "float32"))
    function = fused([g], scale.sum(), updates=[(a, new_a), (w, w - scale / T.sqrt(new_a))])
    value = RANDOM.normal(size=(2, 3)).astype("float32")
    total = function(value)
    want = 0.9 + 0.1 * value**2
    sums = np.repeat(want.sum(1)[:, None], 3, 1)
    np.testing.assert_allclose(total, sums.sum(), rtol=1e-6)
    np.testing.assert_allclose(a.get_value(), want, rtol=1e-6)
    np.testing.assert_allclose(w.get_value(), 1 - sums / np.sqrt(want), rtol=1e-5)


def test_broadcast_patterns_are_kept():
    """A row that is also used by a matrix has a shape of its own."""
    x, row = T.fmatrix(), T.frow()
    doubled = 2 * row + 1
    function = fused([x, row], [doubled, x * doubled, T.exp(x) + x, T.exp(x) * 3])
    a, b = RANDOM.normal(size=(4, 3)).astype("float32"), np.ones((1, 3), "float32")
    got = function(a, b)
    for mine, want in zip(
        got, (2 * b + 1, a * (2 * b + 1), np.exp(a) + a, np.exp(a) * 3), strict=True
    ):
        assert mine.shape == want.shape
        np.testing.assert_allclose(mine, want, rtol=1e-6)


@pytest.mark.parametrize("name", ["update_rules", "fusion", "local_elemwise_fusion"])
def test_it_can_be_left_out(name):
    """By whatever Theano's own fusion is left out by as well."""
    x = theano.shared(np.ones(5, "float32"))
    y = theano.shared(np.ones(5, "float32"))
    new = y * 0.5 + 1
    mode = theano.compile.get_default_mode().excluding(name)
    function = fused([], [], updates=[(y, new), (x, x * new)], mode=mode)
    assert all(len(n.outputs) == 1 for n in function.maker.fgraph.toposort())
    function()
    np.testing.assert_array_equal(x.get_value(), np.full(5, 1.5))
