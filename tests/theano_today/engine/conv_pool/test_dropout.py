"""Dropout behind a stage: the chain holds, and the numbers are those of the stages one by one."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers
from theano.compile.debugmode import DebugMode
from theano.tensor.nnet import conv2d
from theano.tensor.signal.pool import pool_2d

from tests.theano_graphs import by_perform, by_thunk, count, engine, fused, names, relative, stock
from theano_today.engine.conv_pool.op import ConvPool, ConvPoolGrad, from_blocks

RANDOM = np.random.RandomState(0)


def noise(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def trained(name, rescale=True, excluded=(), mode=None, steps=2):
    """The losses and parameters of a net of two stages, both behind dropout, and its function."""
    lasagne.random.set_rng(np.random.RandomState(1))
    x = T.tensor4("x")
    last = layers.InputLayer((None, 2, 15, 16), x)
    for filters, p in ((5, 0.2), (18, 0.5)):
        conv = layers.Conv2DLayer(last, filters, (2, 2))
        last = layers.DropoutLayer(layers.MaxPool2DLayer(conv, (2, 2)), p, rescale)
    last = layers.DenseLayer(last, 3, nonlinearity=None)
    loss = T.mean(T.sqr(layers.get_output(last) - 1))
    params = layers.get_all_params(last)
    updates = lasagne.updates.sgd(loss, params, 0.1)
    with engine(name):
        mode = mode or theano.compile.get_default_mode().excluding(*excluded)
        function = theano.function([x], loss, updates=updates, mode=mode)
    images = np.random.RandomState(2).normal(size=(7, 2, 15, 16)).astype(np.float32)
    losses = [float(function(images)) for _ in range(steps)]
    return losses, [p.get_value() for p in params], function


@pytest.mark.parametrize("rescale", [True, False])
def test_the_numbers_are_those_without_the_rewrite(rescale):
    losses, params, function = trained("fused", rescale)
    kinds = [type(node.op).__name__ for node in function.maker.fgraph.toposort()]
    assert "ConvPoolChain" in kinds
    assert "ConvPoolGradChain" in kinds
    expected, wanted, plain = trained("fused", rescale, ["conv_pool_dropout"])
    plain_kinds = [type(node.op).__name__ for node in plain.maker.fgraph.toposort()]
    assert "ConvPoolChain" not in plain_kinds
    assert losses == expected
    for mine, other in zip(params, wanted, strict=True):
        np.testing.assert_array_equal(mine, other)
    again = copy.deepcopy(function)
    assert float(again(noise(3, 2, 15, 16))) > 0


def test_the_numbers_are_stock_theanos():
    losses, params, _ = trained("fused")
    expected, wanted, function = trained("stock")
    assert count(function, "ConvPool", "MrgMask") == 0
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for mine, other in zip(params, wanted, strict=True):
        assert relative(mine, other) < 1e-4


def test_debug_mode():
    mode = DebugMode(optimizer="fast_run", require_matching_strides=False)
    losses, _, function = trained("fused", mode=mode, steps=1)
    assert count(function, "ConvPool", "ConvPoolGrad") == 4
    np.testing.assert_allclose(losses, trained("fused", steps=1)[0], rtol=1e-5)


@pytest.mark.parametrize("run", [by_thunk, by_perform])
@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_ops(run, blocked, bias):
    x, w, b, g = noise(3, 2, 9, 8), noise(21, 2, 3, 3), [noise(21)] * bias, noise(3, 21, 3, 3)
    mask = RANDOM.uniform(size=g.shape) < 0.7
    stage = {"filter_size": (3, 3), "border": (0,) * 4, "flip": True, "rectify": True}
    op = ConvPool(**stage, ignore_border=True, bias=bias, p_blocked=blocked, scale=1.25)
    plain = ConvPool(**stage, ignore_border=True, bias=bias)
    p, winners = run(op, x, w, *b, mask)
    p = from_blocks(p, 21) if blocked else p
    whole, same = run(plain, x, w, *b)
    np.testing.assert_array_equal(p, whole * np.float32(1.25) * mask)
    np.testing.assert_array_equal(winners, same)
    of = {"of_weights": True, "of_inputs": True, "ignore_border": True}
    got = run(ConvPoolGrad(**stage, **of, scale=1.25), x, w, winners, mask, g)
    want = run(ConvPoolGrad(**stage, **of), x, w, winners, g * np.float32(1.25) * mask)
    for mine, other in zip(got, want, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf])
def test_what_is_behind_the_last_filter(value):
    x, w, mask = noise(2, 9, 6, 6), noise(3, 9, 3, 3), RANDOM.uniform(size=(2, 3, 2, 2)) < 0.5
    x[0, 0, 3, 4] = value
    op = ConvPool((3, 3), (0,) * 4, True, True, True, False, p_blocked=True, scale=2.0)
    with np.errstate(invalid="ignore"):
        want, _ = by_perform(op, x, w, mask)
    np.testing.assert_allclose(by_thunk(op, x, w, mask)[0], want, 1e-5, 1e-5)


@pytest.mark.parametrize("run", [by_thunk, by_perform])
def test_a_mask_that_does_not_fit(run):
    op = ConvPool((2, 2), (0,) * 4, True, True, True, False, scale=2.0)
    with pytest.raises(ValueError, match="mis-match"):
        run(op, noise(2, 1, 5, 5), noise(3, 1, 2, 2), np.ones((2, 3, 2, 1), bool))


class TestWhatIsLeftAsItIs:
    def pooled(self):
        self.x, self.m = T.tensor4("x"), T.TensorType("bool", (False,) * 4)("m")
        w = theano.shared(noise(4, 1, 2, 2))
        return pool_2d(conv2d(self.x, w, filter_shape=(4, 1, 2, 2)), (2, 2), ignore_border=True)

    def check(self, outputs, fused_masks):
        values = noise(2, 1, 7, 7), RANDOM.uniform(size=(2, 4, 3, 3)) < 0.5
        ours, theirs = (make([self.x, self.m], outputs) for make in (fused, stock))
        assert "ConvPool" in names(ours)
        ops = [node.op for node in ours.maker.fgraph.toposort()]
        assert sum(isinstance(op, ConvPool) and op.dropped for op in ops) == fused_masks
        for mine, other in zip(ours(*values), theirs(*values), strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)

    def test_a_mask_that_is_an_input(self):
        self.check([self.pooled() * T.cast(self.m, "float32")], 1)

    def test_p_that_is_used_otherwise_too(self):
        p = self.pooled()
        self.check([p * T.cast(self.m, "float32"), p], 0)

    def test_a_mask_of_p_itself(self):
        p = self.pooled()
        self.check([p * T.cast(p > 0.5, "float32"), T.cast(self.m, "float32")], 0)

    def test_a_mask_for_whole_maps(self):
        p = self.pooled()
        keep = T.patternbroadcast(
            T.cast(self.m[:, :, :1, :1], "float32"), (False, False, True, True)
        )
        self.check([p * keep, T.cast(self.m, "float32")], 0)
