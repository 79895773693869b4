"""Nets of ConvOps on the engine, against Theano's own ConvOp run by Python."""

from __future__ import annotations

import numpy as np
import pytest

import theano_today  # noqa: F401  (first: it mends what follows)

import theano  # isort: skip
import theano.tensor as T
from theano.tensor.nnet import conv
from theano.tensor.signal import conv as signal_conv
from theano.tensor.signal import downsample, pool

from tests.theano_graphs import count, engine, fused, names, relative
from theano_today.engine.conv_pool.legacy import known_shape

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*conv2d:UserWarning"),
    pytest.mark.filterwarnings("ignore:DEPRECATION:UserWarning"),
]

X_SHAPE, W_SHAPE = (3, 2, 9, 8), (4, 2, 3, 2)
SHAPES = {"image_shape": X_SHAPE, "filter_shape": W_SHAPE}


def numbers(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape).astype(np.float32)


def in_python(inputs, outputs, **more):
    """ConvOp's perform(), which SciPy does, and nothing optimized."""
    with engine("stock"):
        mode = theano.Mode(linker="py", optimizer=None)
        return theano.function(inputs, outputs, mode=mode, **more)


def same(inputs, outputs, arrays, without=("ConvOp",)):
    """Assert that the engine computes what Python does; return its function."""
    function = fused(inputs, outputs)
    assert count(function, *without) == 0, names(function)
    got, want = function(*arrays), in_python(inputs, outputs)(*arrays)
    for one, other in zip(got, want, strict=True):
        assert one.dtype == other.dtype
        assert relative(one, other) < 1e-5
    return function


@pytest.mark.parametrize("border", ["valid", "full"])
@pytest.mark.parametrize("shapes", [SHAPES, {"filter_shape": W_SHAPE}], ids=["both", "filters"])
@pytest.mark.parametrize("ignore_border", [True, False])
def test_a_rectified_stage_is_fused(border, shapes, ignore_border):
    x, w, b = T.ftensor4(), T.ftensor4(), T.fvector()
    z = conv.conv2d(x, w, border_mode=border, **shapes) + b.dimshuffle("x", 0, "x", "x")
    p = pool.pool_2d(T.nnet.relu(z), (2, 2), ignore_border=ignore_border)
    outputs = [p, *T.grad((p**2).sum(), [x, w, b])]
    arrays = [numbers(*X_SHAPE), numbers(*W_SHAPE, seed=1), numbers(4, seed=2)]
    function = same([x, w, b], outputs, arrays, without=("ConvOp", "Pool", "MaxPoolGrad"))
    assert count(function, "ConvPool") == 1
    assert count(function, "ConvPoolGrad") == 1


def test_two_stages_become_one_chain():
    x, w, v = T.ftensor4(), T.ftensor4(), T.ftensor4()
    shapes = [((3, 2, 14, 14), (4, 2, 3, 3)), ((3, 4, 6, 6), (5, 4, 3, 3))]
    p = x
    for factor, (image_shape, filter_shape) in zip((w, v), shapes, strict=True):
        z = conv.conv2d(p, factor, image_shape=image_shape, filter_shape=filter_shape)
        p = downsample.max_pool_2d(T.nnet.relu(z), (2, 2), ignore_border=True)
    outputs = [p, *T.grad((p**2).sum(), [w, v])]
    arrays = [
        numbers(*shapes[0][0]),
        numbers(*shapes[0][1], seed=1),
        numbers(*shapes[1][1], seed=2),
    ]
    function = same([x, w, v], outputs, arrays)
    kinds = [type(node.op).__name__ for node in function.maker.fgraph.toposort()]
    assert kinds.count("ConvPoolChain") == 1  # nothing between the stages verifies sizes
    assert kinds.count("Sizes") == 3


@pytest.mark.parametrize("border", ["valid", "full"])
def test_gradients_of_gradients(border):
    x, w = T.ftensor4(), T.ftensor4()
    z = conv.conv2d(x, w, border_mode=border)
    first = T.grad((z**2).sum(), [x, w])
    second = T.grad(sum((g**2).sum() for g in first), [x, w])
    arrays = [numbers(*X_SHAPE), numbers(*W_SHAPE, seed=1)]
    same([x, w], [z, *first, *second], arrays)


@pytest.mark.parametrize("ranks", [(2, 2), (3, 2), (3, 3)])
def test_signal_conv(ranks):
    x, w = (T.TensorType("float32", (False,) * rank)() for rank in ranks)
    a, b = numbers(*(3, 9, 8)[-ranks[0] :]), numbers(*(4, 3, 2)[-ranks[1] :], seed=1)
    z = signal_conv.conv2d(x, w, image_shape=a.shape, filter_shape=b.shape)
    same([x, w], [z, *T.grad((z**2).sum(), [x, w])], [a, b])


def test_what_stays_a_conv_op():
    x, w = T.ftensor4(), T.ftensor4()
    strided = conv.conv2d(x, w, border_mode="full", subsample=(2, 2), **SHAPES)
    gradients = T.grad((strided**2).sum(), [x, w])  # of logical shapes
    function = fused([x, w], [strided, *gradients], mode=theano.Mode("py", "fast_run"))
    assert count(function, "ConvOp") == 2
    for dtype in ("int32", "complex64"):
        a, b = T.tensor4(dtype=dtype), T.tensor4(dtype=dtype)
        assert count(fused([a, b], conv.conv2d(a, b)), "ConvOp") == 1
    many = fused([x, w], conv.conv2d(x, w, openmp=True), mode=theano.Mode("py", "fast_run"))
    assert count(many, "ConvOp") == int(theano.config.cxx != "")


def lenet(random, batch):
    """deeplearning.net's convolutional_mlp, smaller: the bias is added behind the pool."""
    x, y = T.fmatrix("x"), T.ivector("y")
    layer, params = x.reshape((batch, 1, 16, 16)), []
    for image_shape, filter_shape in (
        ((batch, 1, 16, 16), (3, 1, 5, 5)),
        ((batch, 3, 6, 6), (4, 3, 3, 3)),
    ):
        W = theano.shared(random.uniform(-0.3, 0.3, size=filter_shape).astype("f"), borrow=True)
        b = theano.shared(np.zeros(filter_shape[0], "f"), borrow=True)
        z = conv.conv2d(layer, W, filter_shape=filter_shape, image_shape=image_shape)
        pooled = downsample.max_pool_2d(input=z, ds=(2, 2), ignore_border=True)
        layer = T.tanh(pooled + b.dimshuffle("x", 0, "x", "x"))
        params += [W, b]
    W = theano.shared(random.uniform(-0.3, 0.3, size=(16, 5)).astype("f"))
    p_y = T.nnet.softmax(T.dot(layer.flatten(2), W))
    cost = -T.mean(T.log(p_y)[T.arange(y.shape[0]), y])
    params.append(W)
    steps = zip(params, T.grad(cost, params), strict=True)
    return [x, y], cost, [(p, p - np.float32(0.5) * g) for p, g in steps]


def test_lenet_learns_the_same():
    x, y = numbers(8, 256), np.random.RandomState(3).randint(0, 5, 8).astype("int32")
    curves = []
    for make in (fused, in_python):
        inputs, cost, updates = lenet(np.random.RandomState(7), 8)
        train = make(inputs, cost, updates=updates)
        curves.append([float(train(x, y)) for _ in range(6)])
        if make is fused:
            assert count(train, "ConvPool", "ConvPoolGrad") == 4
            assert count(train, "ConvOp", "CorrMM", "Pool") == 0
    np.testing.assert_allclose(*curves, rtol=2e-4)
    assert curves[0][-1] < 0.8 * curves[0][0]


def test_sizes_that_are_not_as_given():
    x, w = T.ftensor4(), T.ftensor4()
    f = fused([x, w], conv.conv2d(x, w, **SHAPES).mean())
    for a, b in (
        (numbers(2, 2, 9, 8), numbers(*W_SHAPE)),
        (numbers(3, 2, 9, 7), numbers(*W_SHAPE)),
        (numbers(*X_SHAPE), numbers(4, 2, 2, 2)),
    ):
        with pytest.raises(ValueError, match="image_shape and filter_shape"):
            f(a, b)


def test_shapes_that_follow_from_others():
    x = T.ftensor4().reshape((5, 1, 28, 28))
    w = T.unbroadcast(T.constant(numbers(3, 1, 5, 5)), 1)
    z = T.nnet.conv2d(x, w, (5, 1, 28, 28), (3, 1, 5, 5), border_mode="half")
    b = T.fvector()
    assert known_shape(z) == (5, 3, 28, 28)
    p = pool.pool_2d(z, (3, 2), ignore_border=False, stride=(2, 2), pad=(0, 0))
    assert known_shape(T.tanh(p + b.dimshuffle("x", 0, "x", "x"))) == (5, 3, 14, 14)
    assert known_shape(x.reshape((5, -1))) == (5, None)
    assert known_shape(b * T.constant(numbers(1)).dimshuffle(0)) == (None,)
    assert known_shape(T.fmatrix() + T.constant(numbers(2, 3))) == (2, 3)
