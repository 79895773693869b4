"""What Lasagne's unreleased master has besides; run where that is what is installed.

PyPI has Lasagne 0.1 only. With ``LASAGNE_MASTER=DIR``, the folder of a checkout, all tests of
this folder run on it, in a process of their own.
"""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import os
import subprocess
import sys
from pathlib import Path

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers, nonlinearities, objectives, updates, utils
from lasagne.layers import InputLayer, get_output

from tests.lasagne_names.catalogue import MASTER, MODE, close, compute, draw, runs
from tests.numpy_layers import conv, pool

ROOT = Path(__file__).parents[2]
master = pytest.mark.skipif(not MASTER, reason="Lasagne's master is not installed, but 0.1")

X, IMAGES = draw(6, 5), draw(2, 3, 6, 5)
CUBES, K0 = draw(2, 2, 5, 4, 4), draw(3, 3, 3, 3, seed=7)


@pytest.mark.long
@pytest.mark.skipif(
    MASTER or "LASAGNE_MASTER" not in os.environ,
    reason="LASAGNE_MASTER does not say where a checkout of Lasagne's master is",
)
def test_all_of_it_on_master():
    path = os.pathsep.join([os.environ["LASAGNE_MASTER"], str(ROOT)])
    tests = ["tests/lasagne_names", "tests/theano_today/compat/test_lasagne.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *tests],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]


def check(made, x, wanted, shape=None, **more):
    incoming = InputLayer(x.shape if shape is None else shape)
    found = made(incoming)
    got = compute([get_output(one, **more) for one in found], {incoming.input_var: x})
    for one, y, want in zip(found, got, wanted, strict=True):
        close(y, want, rtol=1e-3, atol=1e-4, what=type(one).__name__)
        for n, m in zip(one.output_shape, y.shape, strict=True):
            assert n is None or n == m


@runs("lasagne.nonlinearities", "ScaledTanH ScaledTanh SELU selu elu softplus")
@master
def test_nonlinearities():
    f, x = nonlinearities, T.constant(X)
    assert f.ScaledTanh is f.ScaledTanH
    got = compute([f.ScaledTanH(0.5, 2.0)(x), f.SELU(2, 3)(x), f.selu(x), f.elu(x), f.softplus(x)])
    e = np.expm1(X)
    wanted = [
        2 * np.tanh(0.5 * X), np.where(X > 0, 2 * X, 6 * e),
        1.05070099 * np.where(X > 0, X, 1.67326324 * e), np.where(X > 0, X, e), np.log1p(np.exp(X)),
    ]  # fmt: skip
    for y, want in zip(got, wanted, strict=True):
        close(y, want)


@runs(
    "lasagne.objectives",
    "align_targets binary_hinge_loss multiclass_hinge_loss huber_loss binary_accuracy",
    "categorical_accuracy",
)
@master
def test_objectives():
    o, p = objectives, T.constant(X)
    t01 = (draw(6, 5, seed=1) > 0).astype("float32")
    labels = np.array([0, 1, 4, 2, 2, 3])
    scores, column = T.constant(X), T.vector()
    aligned = o.align_targets(T.constant(X[:, :1]), column)
    got = compute(
        [
            o.binary_hinge_loss(p, T.constant(t01), log_odds=True),
            o.multiclass_hinge_loss(scores, T.constant(labels), delta=0.5),
            o.huber_loss(p, T.constant(t01), delta=0.7),
            o.binary_accuracy(p, T.constant(t01), threshold=0.1),
            o.categorical_accuracy(scores, T.constant(labels)),
            o.categorical_accuracy(scores, T.constant(labels), top_k=3),
            aligned[1],
        ],
        {column: X[:, 0]},
    )
    rest = np.where(np.eye(5)[labels] > 0, -np.inf, X).max(1)
    d = abs(X - t01)
    wanted = [
        np.maximum(1 - X * (2 * t01 - 1), 0),
        np.maximum(rest - X[np.arange(6), labels] + 0.5, 0),
        np.where(d <= 0.7, d**2 / 2, 0.7 * (d - 0.35)),
        (X >= 0.1) == t01, X.argmax(1) == labels,
        (np.argsort(X, 1)[:, -3:] == labels[:, None]).any(1), X[:, :1],
    ]  # fmt: skip
    for y, want in zip(got, wanted, strict=True):
        close(y, want)


@runs("lasagne.updates", "adamax amsgrad")
@runs("lasagne.utils", "collect_shared_vars inspect_kwargs")
@master
def test_updates_and_utils():
    a, b = theano.shared(X), theano.shared(X)
    rates = {"beta1": 0.8, "beta2": 0.9}
    steps = [
        theano.function([], [], updates=make(T.sum(v**3), [v], 0.1, **rates), mode=MODE)
        for make, v in ((updates.adamax, a), (updates.amsgrad, b))
    ]
    x, y = X.astype(float), X.astype(float)
    m = u = n = v = top = 0
    for t in range(1, 5):
        for step in steps:
            step()
        g = 3 * x**2
        m, u = 0.8 * m + 0.2 * g, np.maximum(0.9 * u, abs(g))
        x = x - 0.1 / (1 - 0.8**t) * m / (u + 1e-8)
        g = 3 * y**2
        n, v = 0.8 * n + 0.2 * g, 0.9 * v + 0.1 * g**2
        top = np.maximum(top, v)
        y = y - 0.1 * np.sqrt(1 - 0.9**t) / (1 - 0.8**t) * n / (np.sqrt(top) + 1e-8)
    close(a.get_value(), x, rtol=1e-3, atol=1e-4)
    close(b.get_value(), y, rtol=1e-3, atol=1e-4)
    assert utils.collect_shared_vars([a * 2 + T.vector(), b]) == [a, b]
    assert utils.inspect_kwargs(lambda x, y=1, z=2: 0) == ["y", "z"]


@runs(
    "lasagne.layers",
    "BatchNormLayer batch_norm BatchNormDNNLayer batch_norm_dnn StandardizationLayer",
    "instance_norm layer_norm ScaleLayer BiasLayer standardize",
)
@master
def test_normalizations():
    from lasagne.layers.dnn import BatchNormDNNLayer, batch_norm_dnn

    mean, var = IMAGES.mean((0, 2, 3)), IMAGES.var((0, 2, 3))
    gamma, beta = draw(3, seed=1), draw(3, seed=2)
    normal = (IMAGES - mean[:, None, None]) / np.sqrt(var + 1e-4)[:, None, None]
    scaled = normal * gamma[:, None, None] + beta[:, None, None]
    for cls in (layers.BatchNormLayer, BatchNormDNNLayer):
        incoming = InputLayer((None, 3, 6, 5))
        layer = cls(incoming, gamma=gamma, beta=beta)
        x = incoming.input_var
        step = theano.function([x], get_output(layer), mode="FAST_COMPILE")
        still = theano.function([x], get_output(layer, deterministic=True), mode="FAST_COMPILE")
        close(step(IMAGES), scaled, atol=1e-4)
        close(layer.mean.get_value(), 0.1 * mean)
        close(layer.inv_std.get_value(), 0.9 + 0.1 / np.sqrt(var + 1e-4), rtol=1e-3)
        m, s = layer.mean.get_value()[:, None, None], layer.inv_std.get_value()[:, None, None]
        close(
            still(IMAGES),
            (IMAGES - m) * s * gamma[:, None, None] + beta[:, None, None],
            atol=1e-4,
        )
    W = draw(5, 4)
    for wrap in (layers.batch_norm, batch_norm_dnn):
        incoming = InputLayer((None, 5))
        top = wrap(layers.DenseLayer(incoming, 4, W=W))
        y = theano.function([incoming.input_var], get_output(top), mode="FAST_COMPILE")(X)
        z = X @ W
        close(y, np.maximum((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-4), 0), rtol=1e-3, atol=1e-3)

    def standard(x, axes):
        return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-4)

    K = draw(4, 3, 2, 2)
    z = conv(IMAGES, K)
    check(
        lambda incoming: [
            layers.StandardizationLayer(incoming),
            layers.StandardizationLayer(incoming, axes="features"),
            layers.instance_norm(layers.Conv2DLayer(incoming, 4, 2, W=K)),
            layers.layer_norm(layers.Conv2DLayer(incoming, 4, 2, W=K)),
            layers.ScaleLayer(incoming, gamma),
            layers.BiasLayer(incoming, beta),
            layers.standardize(incoming, beta, abs(gamma), shared_axes=(0, 2, 3)),
        ],
        IMAGES,
        [
            standard(IMAGES, (2, 3)), standard(IMAGES, (1, 2, 3)),
            np.maximum(standard(z, (2, 3)), 0), np.maximum(standard(z, (1, 2, 3)), 0),
            IMAGES * gamma[:, None, None], IMAGES + beta[:, None, None],
            (IMAGES - beta[:, None, None]) / abs(gamma)[:, None, None],
        ],
    )  # fmt: skip


@runs(
    "lasagne.layers",
    "BaseConvLayer Conv3DLayer Conv3DDNNLayer DilatedConv2DLayer TransposedConv2DLayer",
    "TransposedConv3DLayer LocallyConnected2DLayer conv_input_length Deconv2DLayer Deconv3DLayer",
)
@master
def test_convolutions():
    from lasagne.layers.dnn import Conv3DDNNLayer

    K, W, D = draw(3, 2, 2, 3, 2), draw(4, 3, 3, 2), draw(3, 4, 3, 3)
    linear = {"nonlinearity": None, "b": None}
    assert issubclass(layers.Conv2DLayer, layers.conv.BaseConvLayer)
    check(
        lambda incoming: [
            layers.Conv3DLayer(incoming, 3, (2, 3, 2), W=K, **linear),
            layers.Conv3DLayer(incoming, 3, (2, 3, 2), stride=(2, 1, 1), pad=1, W=K,
                               flip_filters=False, **linear),
            Conv3DDNNLayer(incoming, 3, (2, 3, 2), W=K, **linear),
            Conv3DDNNLayer(incoming, 3, (2, 3, 2), pad=1, W=K, flip_filters=True, **linear),
        ],
        CUBES,
        [conv(CUBES, K), conv(CUBES, K, 1, (2, 1, 1), flip=False), conv(CUBES, K, flip=False),
         conv(CUBES, K, 1)],
    )  # fmt: skip
    check(
        lambda incoming: [
            # Its W has the channels first.
            layers.DilatedConv2DLayer(incoming, 4, (3, 2), dilation=(2, 1),
                                      W=W.transpose(1, 0, 2, 3), **linear),
            layers.LocallyConnected2DLayer(
                incoming, 3, 3, W=np.tile(K0[..., None, None], (1, 1, 1, 1, 6, 5)), **linear
            ),
        ],
        IMAGES,
        [conv(IMAGES, W, dilation=(2, 1), flip=False), conv(IMAGES, K0, 1)],
    )  # fmt: skip
    assert layers.Deconv2DLayer is layers.TransposedConv2DLayer
    assert layers.Deconv3DLayer is layers.TransposedConv3DLayer
    # A transposed convolution is the gradient of the plain one.
    for cls, x, V in (
        (layers.TransposedConv2DLayer, IMAGES, D),
        (layers.TransposedConv3DLayer, CUBES, draw(2, 3, 2, 2, 2)),
    ):
        incoming = InputLayer(x.shape)
        layer = cls(incoming, V.shape[1], V.shape[2:], stride=2, W=V, **linear)
        (y,) = compute([get_output(layer)], {incoming.input_var: x})
        assert y.shape == layer.output_shape
        direction = draw(*y.shape, seed=5)
        by_conv = conv(direction, V, 0, 2, flip=not layer.flip_filters)
        close((y * direction).sum(), (by_conv * x).sum(), rtol=1e-3, atol=1e-2)
    for pad in ("valid", "full", 1):
        length = layers.conv.conv_output_length(9, 3, 2, pad)
        assert layers.conv.conv_input_length(length, 3, 2, pad) == 9


@runs(
    "lasagne.layers",
    "Pool1DLayer Pool3DLayer MaxPool3DLayer Pool3DDNNLayer MaxPool3DDNNLayer pool_2d pool_3d",
    "SpatialPyramidPoolingLayer SpatialPyramidPoolingDNNLayer pool_2d_nxn_regions",
    "Upscale1DLayer Upscale2DLayer Upscale3DLayer",
)
@master
def test_pools():
    from lasagne.layers import dnn
    from lasagne.layers import pool as pools

    rows = draw(2, 3, 8)
    check(
        lambda incoming: [
            layers.Pool1DLayer(incoming, 3, stride=2, mode="average_inc_pad"),
            layers.Upscale1DLayer(incoming, 3),
            layers.Upscale1DLayer(incoming, 2, mode="dilate"),
        ],
        rows,
        [pool(rows, (3,), (2,), mode="average_inc_pad"), rows.repeat(3, 2),
         np.stack([rows, 0 * rows], 3).reshape(2, 3, 16)],
    )  # fmt: skip
    check(
        lambda incoming: [
            layers.Pool3DLayer(incoming, 2, mode="average_exc_pad"),
            layers.MaxPool3DLayer(incoming, (2, 1, 2), stride=1),
            dnn.Pool3DDNNLayer(incoming, 2, pad=1, mode="average_inc_pad"),
            dnn.MaxPool3DDNNLayer(incoming, 2, stride=1),
            layers.Upscale3DLayer(incoming, (1, 2, 3)),
        ],
        CUBES,
        [pool(CUBES, (2, 2, 2), mode="average_exc_pad"), pool(CUBES, (2, 1, 2), 1),
         pool(CUBES, (2, 2, 2), pad=1, mode="average_inc_pad"), pool(CUBES, (2, 2, 2), 1),
         CUBES.repeat(2, 3).repeat(3, 4)],
    )  # fmt: skip
    x = draw(2, 3, 8, 8)
    levels = [pool(x, (8 // n, 8 // n)).reshape(2, 3, n * n) for n in (4, 2, 1)]
    pyramid = np.concatenate(levels, 2)
    check(
        lambda incoming: [
            layers.SpatialPyramidPoolingLayer(incoming, [4, 2, 1]),
            layers.SpatialPyramidPoolingLayer(incoming, [4, 2, 1], implementation="kaiming"),
            dnn.SpatialPyramidPoolingDNNLayer(incoming, [4, 2, 1]),
            layers.Upscale2DLayer(incoming, (2, 3)),
        ],
        x,
        [pyramid, pyramid, pyramid, x.repeat(2, 2).repeat(3, 3)],
    )
    v = T.constant(x)
    regions = pools.pool_2d_nxn_regions(v, 2, mode="max")
    got = compute(
        [pools.pool_2d(v, ws=(2, 2), ignore_border=True),
         pools.pool_3d(T.constant(CUBES), ws=(2, 2, 2), ignore_border=True), *regions]
    )  # fmt: skip
    close(got[0], pool(x, (2, 2)))
    close(got[1], pool(CUBES, (2, 2, 2)))
    close(np.concatenate([r.reshape(2, 3, -1) for r in got[2:]], 2), levels[1])


@runs(
    "lasagne.layers",
    "ExpressionLayer InverseLayer ParametricRectifierLayer prelu RandomizedRectifierLayer rrelu",
    "dropout_channels spatial_dropout dropout_locations autocrop autocrop_array_shapes",
)
@master
def test_special_layers():
    from lasagne.layers import merge

    alpha, W = draw(3, seed=3), draw(5, 4)
    slope = alpha[:, None, None]
    check(
        lambda incoming: [
            layers.ExpressionLayer(incoming, lambda x: x**2),
            layers.ExpressionLayer(incoming, lambda x: x.sum(3), output_shape=lambda s: s[:3]),
            layers.ParametricRectifierLayer(incoming, alpha),
            layers.prelu(layers.NonlinearityLayer(incoming, nonlinearities.rectify), alpha=alpha),
            layers.RandomizedRectifierLayer(incoming, 0.2, 0.6),
            layers.rrelu(layers.NonlinearityLayer(incoming, nonlinearities.rectify)),
        ],
        IMAGES,
        [IMAGES**2, IMAGES.sum(3), *[np.where(IMAGES > 0, IMAGES, slope * IMAGES)] * 2,
         np.where(IMAGES > 0, IMAGES, 0.4 * IMAGES), np.where(IMAGES > 0, IMAGES, 0.55 * IMAGES)],
        deterministic=True,
    )  # fmt: skip
    check(
        lambda incoming: [
            layers.InverseLayer(
                d := layers.DenseLayer(incoming, 4, W=W, b=None, nonlinearity=None), d
            )
        ],
        X,
        [X @ W @ W.T],
    )
    assert layers.spatial_dropout is layers.dropout_channels
    ones = np.ones((20, 10, 4, 4), "float32")
    incoming = InputLayer(ones.shape)
    drops = [layers.dropout_channels(incoming, p=0.5), layers.dropout_locations(incoming, p=0.5)]
    channels, places = compute(get_output(drops), {incoming.input_var: ones})
    assert set(np.unique(channels)) == set(np.unique(places)) == {0, 2}
    assert (channels == channels[:, :, :1, :1]).all()
    assert (places == places[:, :1]).all()
    shapes = [(1, 2, 3, 4), (5, 4, 4, 2), (7, 1, 8, 9)]
    modes = [None, "lower", "center", "upper"]
    arrays = [draw(*s) for s in shapes]
    got = compute(merge.autocrop([T.constant(a) for a in arrays], modes))
    wanted = [arrays[0][:, :1, :, -2:], arrays[1][:, :1, :3], arrays[2][:, :1, 2:5, -2:]]
    for y, want in zip(got, wanted, strict=True):
        close(y, want)
    assert merge.autocrop_array_shapes(shapes, modes) == [a.shape for a in wanted]


@runs("lasagne.layers", "TransformerLayer TPSTransformerLayer")
@master
def test_transformers():
    """A shift by half the image, and the identity, which both can say."""
    x = draw(1, 2, 5, 5)
    incoming = InputLayer(x.shape)

    def located(values):
        W = np.zeros((50, len(values)), "float32")
        b = np.array(values, "float32")
        return layers.DenseLayer(incoming, len(values), W=W, b=b, nonlinearity=None)

    same = layers.TransformerLayer(incoming, located([1, 0, 0, 0, 1, 0]))
    moved = layers.TransformerLayer(incoming, located([1, 0, 1, 0, 1, 0]))
    half = layers.TransformerLayer(incoming, located([1, 0, 0, 0, 1, 0]), downsample_factor=2)
    plate = layers.TPSTransformerLayer(incoming, located([0.0] * 8), control_points=4)
    got = compute(get_output([same, moved, half, plate]), {incoming.input_var: x})
    close(got[0], x, atol=1e-4)
    close(got[1], x[..., [2, 3, 4, 4, 4]], atol=1e-4)
    assert got[2].shape == half.output_shape == (1, 2, 2, 2)
    close(got[3], x, atol=1e-3)  # its control points stay where they are


def test_names_of_master_are_not_in_0_1():
    assert hasattr(lasagne.objectives, "huber_loss") == MASTER
