"""Formulas of images and channels, and their sums, in one pass: against the same graph without."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import logging
import multiprocessing

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.theano_graphs import count, fused, ops, relative, stock
from theano_today.engine.channelwise import rewrite
from theano_today.engine.channelwise.op import Channelwise


def plain(inputs, outputs):
    """The engine without this rewrite."""
    mode = theano.compile.get_default_mode().excluding("channelwise")
    return fused(inputs, outputs, mode=mode)


def normalized(x, gamma, beta, epsilon=1e-4):
    """As Lasagne's master writes it."""
    mean = x.mean((0, 2, 3))
    inv_std = T.inv(T.sqrt(x.var((0, 2, 3)) + epsilon))
    mean, inv_std, beta, gamma = (
        v.dimshuffle("x", 0, "x", "x") for v in (mean, inv_std, beta, gamma)
    )
    return (x - mean) * (gamma * inv_std) + beta


def parameters(random, filters):
    return [random.normal(size=filters).astype(np.float32) for _ in range(2)]


def same_bits(got, want):
    np.testing.assert_array_equal(got, want)


def test_batch_normalization_and_its_gradients():
    """Twice, with rectify and a sum of branches, as in a residual net: the same values."""
    random = np.random.RandomState(0)
    x, c, gamma, beta = T.tensor4(), T.tensor4(), T.vector(), T.vector()
    y = T.nnet.relu(normalized(x, gamma, beta) + x)
    y = T.nnet.relu(normalized(y, gamma, beta) + y)
    outputs = [y, *T.grad((y * c).sum(), [x, gamma, beta])]
    inputs = [x, c, gamma, beta]
    ours, without = fused(inputs, outputs), plain(inputs, outputs)
    assert count(ours, "Channelwise") >= 8
    assert count(ours, "Sum") < count(without, "Sum") / 2
    for shape in [(3, 5, 4, 4), (2, 3, 40, 33), (7, 33, 3, 3), (1, 2, 1, 1), (4, 40, 1, 3)]:
        values = [random.normal(size=shape).astype(np.float32) for _ in range(2)]
        values += parameters(random, shape[1])
        for got, want in zip(ours(*values), without(*values), strict=True):
            # Sums in float64 in another order: equal but for a last bit here and there
            assert relative(got, want) <= 1e-5
    again = copy.deepcopy(ours)
    for got, want in zip(again(*values), ours(*values), strict=True):
        same_bits(got, want)


@pytest.mark.parametrize("how", ["Theano's own", "its op for training"])
def test_other_forms(how):
    random = np.random.RandomState(1)
    x, c, gamma, beta = T.tensor4(), T.tensor4(), T.vector(), T.vector()
    if how == "Theano's own":
        rows = [v.dimshuffle("x", 0, "x", "x") for v in (gamma, beta)]
        y = T.nnet.bn.batch_normalization(
            x, *rows, x.mean((0, 2, 3), keepdims=True), x.std((0, 2, 3), keepdims=True)
        )
    else:
        y = T.nnet.bn.batch_normalization_train(x, gamma, beta, axes="spatial")[0]
    outputs = [y, *T.grad((y * c).sum(), [x, gamma, beta])]
    inputs = [x, c, gamma, beta]
    ours, theirs = fused(inputs, outputs), plain(inputs, outputs)
    assert count(ours, "Channelwise") >= 2
    values = [random.normal(size=(4, 5, 6, 6)).astype(np.float32) for _ in range(2)]
    values += parameters(random, 5)
    for got, want in zip(ours(*values), theirs(*values), strict=True):
        assert relative(got, want) <= 1e-5


@pytest.mark.long
def test_stock():
    random = np.random.RandomState(2)
    x, gamma, beta = T.tensor4(), T.vector(), T.vector()
    y = normalized(x, gamma, beta)
    outputs = [y, T.grad((y**3).sum(), x)]
    ours, theirs = fused([x, gamma, beta], outputs), stock([x, gamma, beta], outputs)
    value = random.normal(size=(4, 5, 6, 7)).astype(np.float32)
    for got, want in zip(
        ours(value, *parameters(np.random.RandomState(3), 5)),
        theirs(value, *parameters(np.random.RandomState(3), 5)), strict=True,
    ):  # fmt: skip
        assert relative(got, want) <= 1e-5


def test_sums_of_images_that_are_written():
    """In one pass; but not those that wait for another sum of them, nor where that is a circle."""
    x, y, c = T.tensor4(), T.tensor4(), T.vector()
    z = (x + y) * c.dimshuffle("x", 0, "x", "x")
    first = z.sum((0, 2, 3))
    second = (z * first.dimshuffle("x", 0, "x", "x")).sum((0, 2, 3))
    outputs = [z, first, (z * y + z).sum((0, 2, 3)), second]
    f = fused([x, y, c], outputs)
    sums = sorted(op.sums for op in ops(f) if isinstance(op, Channelwise))
    assert sums == [(False, True, True), (True,)]
    random = np.random.RandomState(10)
    for shape in [(2, 3, 4, 4), (3, 17, 5, 3), (1, 1, 30, 30)]:
        values = [random.randint(-3, 4, shape).astype(np.float32) for _ in range(2)]
        values.append(random.randint(-2, 3, shape[1]).astype(np.float32))
        for got, want in zip(f(*values), plain([x, y, c], outputs)(*values), strict=True):
            same_bits(got, want)


def test_factors_of_a_sum_that_is_0():
    """The mean's gradient: what it is multiplied by is not known before the backward pass."""
    random = np.random.RandomState(11)
    x, c, gamma, beta = T.tensor4(), T.tensor4(), T.vector(), T.vector()
    y = normalized(x, gamma, beta)
    inputs, outputs = [x, c, gamma, beta], [y, *T.grad((y * c).sum(), [x, gamma, beta])]
    ours, without = fused(inputs, outputs), plain(inputs, outputs)
    sums = sorted(len(op.sums) for op in ops(ours) if isinstance(op, Channelwise) and all(op.sums))
    assert sums == [1, 4]  # of x; then of x - mean
    for wrong in [0, 3e38, np.inf, -np.inf, np.nan]:
        for shape in [(2, 3, 4, 5), (1, 4, 1, 1), (3, 17, 5, 5), (2, 2, 1, 3)]:
            x_value, c_value = (random.normal(size=shape).astype(np.float32) for _ in range(2))
            for value in (x_value, c_value):
                more = [*parameters(random, shape[1])]
                value[:, 0] += np.float32(1e4)  # far from 0, as far as float32 tells apart
                value[0, -1] = wrong
                more[0][-1] = 1 if wrong else 0
                got, want = (f(x_value, c_value, *more) for f in (ours, without))
                for one, other in zip(got, want, strict=True):
                    np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other))
                    np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
                    size = np.abs(other, where=np.isfinite(other), out=np.zeros_like(other))
                    near = np.abs(one - other)[np.isfinite(other)]
                    assert near.max(initial=0) <= 1e-4 * size.max()


def test_a_sum_whose_factors_stay():
    """Not of x - its mean: of whatever sign, it may be infinite where its factor is."""
    x, c = T.tensor4(), T.vector()
    row = c.dimshuffle("x", 0, "x", "x")
    for what in ((x - row) * row / 2, (x - x.mean((0, 2, 3), keepdims=True) ** 2) * row):
        f = fused([x, c], [what.sum((0, 2, 3)).dimshuffle("x", 0, "x", "x") * row])
        value = np.full((2, 3, 2, 2), 5, np.float32)
        got = f(value, np.array([np.inf, 1, -np.inf], np.float32))[0].ravel()
        wanted = plain([x, c], [what.sum((0, 2, 3)).dimshuffle("x", 0, "x", "x") * row])
        same_bits(got, wanted(value, np.array([np.inf, 1, -np.inf], np.float32))[0].ravel())


def test_known_numbers_are_no_inputs():
    x, c = T.tensor4(), T.vector()
    half = np.full((1, 1, 1, 1), 0.5, np.float32)
    f = fused([x, c], [((x * half - c.dimshuffle("x", 0, "x", "x")) ** 2).sum((0, 2, 3))])
    (node,) = (n for n in f.maker.fgraph.apply_nodes if isinstance(n.op, Channelwise))
    assert len(node.inputs) == 2
    value = np.random.RandomState(9).randint(-3, 4, (2, 3, 4, 5)).astype(np.float32)
    same_bits(
        f(value, np.ones(3, np.float32))[0],
        ((value / 2 - 1) ** 2).sum((0, 2, 3), np.float64).astype(np.float32),
    )


def test_no_images_and_no_pixels():
    x, c = T.tensor4(), T.vector()
    y = (x - c.dimshuffle("x", 0, "x", "x")) ** 2
    f = fused([x, c], [y.sum((0, 2, 3))])
    assert count(f, "Channelwise") == 1
    for shape in [(0, 3, 4, 4), (2, 3, 0, 4)]:
        same_bits(f(np.ones(shape, np.float32), np.ones(3, np.float32))[0], np.zeros(3, np.float32))


def test_sizes_that_do_not_fit():
    x, c = T.tensor4(), T.vector()
    f = fused([x, c], [((x - c.dimshuffle("x", 0, "x", "x")) ** 2).sum((0, 2, 3))])
    with pytest.raises(ValueError, match="Input dimension mis-match"):
        f(np.ones((2, 3, 4, 4), np.float32), np.ones(4, np.float32))


def test_other_strides():
    x = T.tensor4()
    f = fused([x], [((x * 2 + 1) ** 2).sum((0, 2, 3))])
    value = np.random.RandomState(5).normal(size=(3, 4, 5, 6)).astype(np.float32)
    same_bits(f(np.asfortranarray(value))[0], f(value)[0])


def test_sums_that_wait_for_each_other():
    """The second reads what is computed from the first: two passes, and no circle."""
    x = T.tensor4()
    first = (x * 2).sum((0, 2, 3))
    second = (x * first.dimshuffle("x", 0, "x", "x")).sum((0, 2, 3))
    third = (x * second.dimshuffle("x", 0, "x", "x") + 1).sum((0, 2, 3))
    beside = (x + 1).sum((0, 2, 3))
    f = fused([x], [first, second, third, beside])
    assert sorted(len(op.sums) for op in ops(f) if isinstance(op, Channelwise)) == [1, 1, 2]
    value = np.random.RandomState(6).randint(-2, 3, (2, 3, 4, 4)).astype(np.float32)
    for got, want in zip(f(value), plain([x], [first, second, third, beside])(value), strict=True):
        same_bits(got, want)


def test_other_threads():
    """The same bits, and in a forked process."""
    from theano_today.engine import library

    x, gamma, beta = T.tensor4(), T.vector(), T.vector()
    y = normalized(x, gamma, beta)
    f = fused([x, gamma, beta], [y, T.grad((y**3).sum(), x)])
    random = np.random.RandomState(7)
    arguments = [random.normal(size=(9, 5, 30, 31)).astype(np.float32), *parameters(random, 5)]
    before = library.threads()
    results = []
    try:
        for threads in (1, 3):
            library.call("today_set_threads", threads)
            results.append(f(*arguments))
    finally:
        library.call("today_set_threads", before)
    for got, want in zip(*results, strict=True):
        same_bits(got, want)
    context = multiprocessing.get_context("fork")
    with context.Pool(1) as pool:
        child = pool.apply(_sum_of, (f, arguments))
    assert child == float(results[0][1].sum())


def _sum_of(f, arguments):
    return float(f(*arguments)[1].sum())


def test_what_is_said_and_left_out(caplog):
    x = T.tensor4()
    with caplog.at_level(logging.INFO, "theano_today"):
        fused([x], (x**2).sum((0, 2, 3)))
    assert "1 passes over images, their sums among them" in caplog.messages
    double = T.tensor4(dtype="float64")
    assert count(fused([double], (double**2).sum((0, 2, 3))), "Channelwise") == 0
    assert count(fused([x], (x**2).sum((0, 2))), "Channelwise") == 0
    assert count(fused([x], T.sin(x).sum((0, 2, 3))), "Channelwise") == 0
    assert not rewrite.is_sum((x**2).sum((0, 1, 3)).owner)


@pytest.mark.long
def test_debug_mode():
    x, gamma, beta = T.tensor4(), T.vector(), T.vector()
    y = T.nnet.relu(normalized(x, gamma, beta))
    mode = theano.compile.DebugMode(stability_patience=1)
    f = theano.function([x, gamma, beta], [y, T.grad((y**2).sum(), x)], mode=mode)
    random = np.random.RandomState(8)
    f(random.normal(size=(2, 3, 4, 4)).astype(np.float32), *parameters(random, 3))
