"""Nets whose images have their channels last, as Keras writes them, and what they compute."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import conv2d
from theano.tensor.signal.pool import pool_2d

from tests.theano_graphs import count, fused, names, ops, relative, stock

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(3, 13, 14, 2)).astype(np.float32)


def parameter(*shape):
    return theano.shared(RANDOM.normal(size=shape).astype(np.float32))


def convolution(x, w, **options):
    """A convolution of images (n, rows, columns, channels), filters (rows, columns, c, f)."""
    shape = w.get_value().shape
    z = conv2d(
        x.dimshuffle(0, 3, 1, 2), w.dimshuffle(3, 2, 0, 1),
        filter_shape=(shape[3], shape[2], *shape[:2]), **options,
    )  # fmt: skip
    return z.dimshuffle(0, 2, 3, 1)


def add(z, b):
    return z + T.reshape(b, (1, 1, 1, b.shape[0]))


def pool(a, mode="max"):
    p = pool_2d(a.dimshuffle(0, 3, 1, 2), (2, 2), ignore_border=True, mode=mode)
    return p.dimshuffle(0, 2, 3, 1)


def compare(outputs, x, **kinds):
    """Compile by the engine and by stock Theano, compare what they compute; count stages."""
    ours, theirs = fused([x], outputs), stock([x], outputs)
    stages = [(type(op).__name__, getattr(op, "pool", None)) for op in ops(ours)]
    for kind, expected in kinds.items():
        name, size = kind.rsplit("_", 1)
        assert stages.count((name, int(size))) == expected, names(ours)
    assert count(theirs, "ConvPool", "ConvPoolGrad") == 0
    for got, want in zip(ours(X), theirs(X), strict=True):
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        assert relative(got, want) <= 1e-5
    return ours


def test_a_net_with_its_gradients():
    x = T.tensor4("x")
    w, b, v, c = parameter(3, 3, 2, 5), parameter(5), parameter(2, 2, 5, 4), parameter(4)
    p = pool(T.nnet.relu(add(convolution(x, w, border_mode="half"), b)))
    q = pool(T.nnet.relu(add(convolution(p, v), c)))
    cost = (T.flatten(q, 2) ** 2).sum()
    ours = compare(
        [q, *T.grad(cost, [w, b, v, c, x])], x, ConvPool_2=2, ConvPoolGrad_2=2
    )  # fmt: skip
    # Between the stages nothing is turned: they exchange arrays in blocks of channels.
    assert any(getattr(op, "p_blocked", False) for op in ops(ours))
    compare([q], x)


@pytest.mark.parametrize("bias", ["reshaped", "dimshuffled", "none", "of columns"])
def test_what_stands_between_convolution_and_pool(bias):
    x, w, b = T.tensor4("x"), parameter(3, 3, 2, 12), parameter(12)
    z = convolution(x, w)
    z = {
        "reshaped": lambda: add(z, b),
        "dimshuffled": lambda: b.dimshuffle("x", "x", "x", 0) + z,
        "none": lambda: z,
        "of columns": lambda: z + b.dimshuffle("x", "x", 0, "x"),
    }[bias]()
    p = pool(T.nnet.relu(z))
    wrt = [w, x] if bias == "none" else [w, x, b]
    fits = bias != "of columns"
    compare([p, *T.grad((p**2).sum(), wrt)], x, ConvPool_2=fits, ConvPoolGrad_2=fits)


def test_without_a_pool_of_ours():
    x, w, b, v = T.tensor4("x"), parameter(3, 3, 2, 4), parameter(4), parameter(3, 3, 4, 4)
    first = T.nnet.relu(add(convolution(x, w), b))
    second = convolution(first, v, subsample=(2, 2))
    p = pool(T.tanh(second), "average_exc_pad")
    compare([p, *T.grad((p**2).sum(), [w, b, v, x])], x, ConvPool_1=2, ConvPoolGrad_1=2)


def test_batch_normalization_and_a_mask():
    x, w, b, mask = T.tensor4("x"), parameter(3, 3, 2, 4), parameter(4), parameter(3, 11, 12, 4)
    z = add(convolution(x, w), b)
    normal = (z - z.mean((0, 1, 2))) / T.sqrt(z.var((0, 1, 2)) + 0.01)
    a = T.nnet.relu(normal) * mask
    p = pool(a)
    compare([p, a.sum(3), *T.grad((p**2).sum(), [w, x])], x, ConvPool_1=1, ConvPoolGrad_1=1)


def test_an_output_and_a_broadcast_image():
    x = T.TensorType("float32", (False, False, False, True))("x")
    w = parameter(3, 3, 1, 4)
    a = T.nnet.relu(convolution(x, w))
    function, expected = fused([x], [a, a + x[:, 1:-1, 1:-1]]), stock([x], [a])
    got, more = function(X[..., :1])
    assert relative(got, expected(X[..., :1])[0]) <= 1e-5
    assert np.array_equal(more, got + X[:, 1:-1, 1:-1, :1])


def test_values_are_the_same_to_the_last_bit_where_no_stage_is_made():
    x, y = T.tensor4("x"), T.tensor4("y")
    w = parameter(3, 3, 2, 4)
    # A filter size that is known only when it runs
    z = conv2d(x.dimshuffle(0, 3, 1, 2), w.dimshuffle(3, 2, 0, 1)).dimshuffle(0, 2, 3, 1)
    a = abs(2 * z - y) + T.sqr(z)
    outputs = [a, z.dimshuffle(0, 3, 1, 2), a.dimshuffle(0, 3, 1, 2).dimshuffle(0, 2, 3, 1)]
    ours, theirs = fused([x, y], outputs), stock([x, y], outputs)
    assert count(ours, "ConvPool") == 0
    Y = RANDOM.normal(size=(3, 11, 12, 4)).astype(np.float32)
    for got, want in zip(ours(X, Y), theirs(X, Y), strict=True):
        assert np.array_equal(got, want)
