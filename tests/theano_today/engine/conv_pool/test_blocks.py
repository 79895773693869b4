"""Functions between stages on blocked images: the same values as on planes, and what is blocked."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import logging

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile.debugmode import DebugMode
from theano.tensor.nnet import abstract_conv, conv2d

from tests.theano_graphs import by_perform, by_thunk, count, fused, ops, relative, stock
from tests.theano_today.engine.channelwise.test_op import drawn, evaluate
from tests.theano_today.engine.channelwise.test_rewrite import normalized
from theano_today.engine import library
from theano_today.engine.channelwise.op import Channelwise
from theano_today.engine.conv_pool.blocks import SameChannels, ToBlocks, ToPlanes
from theano_today.engine.conv_pool.op import from_blocks, to_blocks

RANDOM = np.random.RandomState(0)


def parameter(*shape):
    return theano.shared(RANDOM.normal(size=shape).astype(np.float32) / 3)


def planes(inputs, outputs):
    """The engine without this rewrite."""
    mode = theano.compile.get_default_mode().excluding("conv_pool_blocks")
    return fused(inputs, outputs, mode=mode)


def convolution(x, w, **options):
    return conv2d(x, w, filter_shape=w.get_value().shape, **options)


def residual(x, filters, channels=9):
    """Two convolutions with batch normalisation, a sum, every other pixel; parameters."""
    w, v, u = (parameter(filters, c, 3, 3) for c in (channels, filters, filters))
    gamma, beta = parameter(filters), parameter(filters)
    first = T.nnet.relu(normalized(convolution(x, w, border_mode="half"), gamma, beta))
    second = normalized(convolution(first, v, border_mode="half"), gamma, beta)
    y = T.nnet.relu(second + first)
    z = normalized(convolution(y, u, subsample=(2, 2)), gamma, beta) + y[:, :, 1:-1:2, 1:-1:2]
    return [z, y.shape[1] * y.shape[2]], [w, v, u, gamma, beta]


def compare(inputs, outputs, values, blocked):
    ours, without = fused(inputs, outputs), planes(inputs, outputs)
    found = [op for op in ops(ours) if isinstance(op, Channelwise) and op.blocked]
    assert (len(found) > 0) == blocked
    assert count(without, "ToBlocks", "ToPlanes") == 0
    for got, want in zip(ours(*values), without(*values), strict=True):
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        assert relative(got, want) <= 2e-5
    return ours


@pytest.mark.parametrize("filters", [16, 31, 17])
def test_residual_nets(filters):
    """17 channels would be 32: those stay planes."""
    x = T.tensor4("x")
    outputs, parameters = residual(x, filters)
    outputs += T.grad((outputs[0] ** 3).sum(), [x, *parameters])
    values = [RANDOM.normal(size=(3, 9, 11, 9)).astype(np.float32)]
    ours = compare([x], outputs, values, filters != 17)
    if filters != 17:
        assert count(ours, "ToPlanes") >= 1  # for every other pixel
        stages = [op for op in ops(ours) if hasattr(op, "p_blocked")]
        assert [op.p_blocked for op in stages] == [True, True, False]  # the last is an output
    for got, want in zip(copy.deepcopy(ours)(*values), ours(*values), strict=True):
        np.testing.assert_array_equal(got, want)
    before = library.threads()
    try:
        library.call("today_set_threads", before % 3 + 1)
        for got, want in zip(ours(*values), copy.deepcopy(ours)(*values), strict=True):
            np.testing.assert_array_equal(got, want)
    finally:
        library.call("today_set_threads", before)


@pytest.mark.long
def test_stock():
    x = T.tensor4("x")
    outputs, parameters = residual(x, 16)
    outputs += T.grad((outputs[0] ** 3).sum(), parameters)
    value = RANDOM.normal(size=(3, 9, 11, 9)).astype(np.float32)
    for got, want in zip(fused([x], outputs)(value), stock([x], outputs)(value), strict=True):
        assert relative(got, want) <= 2e-5


def test_transposed_convolutions():
    x = T.tensor4("x")
    w, v = parameter(16, 32, 4, 4), parameter(32, 16, 4, 4)
    gamma, beta = parameter(32), parameter(32)
    options = {"border_mode": (1, 1), "subsample": (2, 2)}
    y = x
    for filters, size in ((w, 10), (v, 20)):
        shape = (None, filters.get_value().shape[1], size, size)
        up = abstract_conv.AbstractConv2d_gradInputs(shape, filters.get_value().shape, **options)
        y = up(filters, y, T.constant([size, size]))
        if filters is w:
            y = T.nnet.relu(normalized(y, gamma, beta))
    outputs = [y, *T.grad((y**2).sum(), [x, w, v, gamma, beta])]
    ours = compare([x], outputs, [RANDOM.normal(size=(3, 16, 5, 5)).astype(np.float32)], True)
    changed = [op for op in ops(ours) if type(op).__name__ == "ConvTransposed"]
    assert {(op.g_blocked, op.dx_blocked) for op in changed} == {(False, True), (True, True)}
    for op in changed:
        g = RANDOM.normal(size=(2, 16, 5, 5)).astype(np.float32)
        filters = RANDOM.normal(size=(16, 20, 4, 4)).astype(np.float32)
        arguments = filters, to_blocks(g) if op.g_blocked else g, np.int64(10), np.int64(10)
        for got, want in zip(by_thunk(op, *arguments), by_perform(op, *arguments), strict=True):
            assert got.shape == want.shape
            assert relative(got, want) <= 1e-5


def test_nan_and_infinities():
    x = T.tensor4("x")
    outputs, _ = residual(x, 16)
    value = RANDOM.normal(size=(3, 9, 11, 9)).astype(np.float32)
    value[1, 2, 3, 4] = np.inf
    got, want = fused([x], outputs)(value)[0], planes([x], outputs)(value)[0]
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))


def test_channels_that_do_not_fit():
    """17 and 20 channels lie in as many blocks."""
    x, w, v = T.tensor4("x"), parameter(30, 8, 3, 3), parameter(29, 8, 3, 3)
    y = T.nnet.relu(convolution(x, w) + convolution(x, v)) * 2
    f = fused([x], [y.sum((0, 2, 3)), convolution(y, parameter(16, 30, 3, 3))])
    with pytest.raises(ValueError, match="Input dimension mis-match"):
        f(np.ones((2, 8, 9, 9), np.float32))
    with pytest.raises(ValueError, match="29, 30"):
        by_perform(SameChannels(), np.int64(29), np.int64(30))
    assert by_perform(SameChannels(), np.int64(7), np.int64(7)) == [7]


def test_random_functions():
    """The kernel against NumPy, as for planes; zeros behind the last channel."""
    random = np.random.RandomState(4)
    for _ in range(100):
        op, arrays = drawn(random)
        if arrays[0].shape[0] == 1:
            continue
        channels = arrays[0].shape[1]
        op = Channelwise(op.composite, op.sums, blocked=True)
        arrays = [to_blocks(a) if a.shape[0] > 1 else a for a in arrays]
        arrays.append(np.array(channels))
        got, want = (evaluate_blocked(op, arrays, how) for how in (by_thunk, by_perform))
        for one, other, of_sum in zip(got, want, op.sums, strict=True):
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            if of_sum:
                np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-30)
            else:
                np.testing.assert_array_equal(one, other)
                np.testing.assert_array_equal(one, to_blocks(from_blocks(one, channels)))


def evaluate_blocked(op, arrays, how):
    return evaluate(op, arrays, "kernel" if how is by_thunk else "perform")


@pytest.mark.parametrize("shape", [(3, 16, 5, 7), (2, 17, 4, 4), (1, 3, 1, 1), (0, 5, 2, 2)])
def test_rearranging(shape):
    x = RANDOM.normal(size=shape).astype(np.float32)
    (blocked,) = by_thunk(ToBlocks(), x)
    np.testing.assert_array_equal(blocked, to_blocks(x))
    np.testing.assert_array_equal(by_perform(ToBlocks(), x)[0], blocked)
    for how in (by_thunk, by_perform):
        np.testing.assert_array_equal(how(ToPlanes(), blocked, np.int64(shape[1]))[0], x)


def test_inferred_shapes():
    x = T.tensor4("x")
    outputs, _ = residual(x, 16)
    f = fused([x], outputs[0].shape)
    assert count(f, "ConvPool", "Channelwise") == 0
    assert [int(n) for n in f(np.ones((3, 9, 11, 9), np.float32))] == [3, 16, 5, 4]


def test_what_is_said(caplog):
    x = T.tensor4("x")
    outputs, _ = residual(x, 16)
    with caplog.at_level(logging.INFO, "theano_today"):
        fused([x], outputs)
    assert any("functions between stages compute on blocks" in said for said in caplog.messages)


@pytest.mark.long
def test_debug_mode():
    x = T.tensor4("x")
    outputs, parameters = residual(x, 16)
    outputs += T.grad((outputs[0] ** 2).sum() / 1000, parameters)
    mode = DebugMode(optimizer="fast_run", check_c_code=False, check_py_code=True)
    mode.check_preallocated_output = ["f_contiguous"]
    f = theano.function([x], outputs, mode=mode)
    f(RANDOM.normal(size=(2, 9, 9, 9)).astype(np.float32))
