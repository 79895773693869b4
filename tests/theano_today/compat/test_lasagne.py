"""The layers for GPUs: Lasagne's own source, on ordinary Ops, against NumPy."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import inspect
import pickle

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import nonlinearities
from lasagne.layers import Conv2DLayer, InputLayer, MaxPool2DLayer, get_output
from lasagne.layers.corrmm import Conv2DMMLayer
from lasagne.layers.cuda_convnet import (
    Conv2DCCLayer,
    MaxPool2DCCLayer,
    NINLayer_c01b,
    ShuffleBC01ToC01BLayer,
    ShuffleC01BToBC01Layer,
    bc01_to_c01b,
    c01b_to_bc01,
)
from lasagne.layers.dnn import Conv2DDNNLayer, MaxPool2DDNNLayer, Pool2DDNNLayer

from tests.fresh_python import says
from tests.lasagne_names.catalogue import runs
from tests.numpy_layers import conv, pool

MODE = theano.Mode(linker="py", optimizer=None)
RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(3, 2, 9, 8)).astype("float32")
C01B = (1, 2, 3, 0)


def draw(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def outputs(layers, x=X):
    """Return the outputs of several layers, each on an InputLayer of its own."""
    symbol = T.tensor4()
    return theano.function([symbol], [get_output(layer, symbol) for layer in layers], mode=MODE)(x)


def check(layers, wanted, x=X):
    for layer, y, want in zip(layers, outputs(layers, x), wanted, strict=True):
        want = np.asarray(want)
        assert y.shape == want.shape
        # What is not known before, None, is the batch size.
        known = [
            n if n is not None else m for n, m in zip(layer.output_shape, y.shape, strict=True)
        ]
        assert y.shape == tuple(known)
        np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-4)


def rectified(z):
    return np.maximum(z, 0)


CONVS = [Conv2DDNNLayer, Conv2DMMLayer, Conv2DCCLayer]


@runs("lasagne.layers", "Conv2DDNNLayer Conv2DMMLayer Conv2DCCLayer DNNLayer MMLayer CCLayer")
@pytest.mark.parametrize("cls", CONVS)
def test_convolutions(cls):
    incoming = InputLayer((None, *X.shape[1:]))
    W, b = draw(16, 2, 3, 3), draw(16)
    settings = [
        {},
        {"flip_filters": True, "nonlinearity": nonlinearities.tanh},
        {"pad": "same", "stride": (2, 2), "b": None},
        {"pad": "full", "nonlinearity": None},
        {"pad": 1, "flip_filters": True, "untie_biases": True, "b": draw(16, 9, 8)},
        {"pad": "valid", "nonlinearity": lambda z: z**2},
    ]
    layers = [cls(incoming, 16, (3, 3), **({"W": W, "b": b} | s)) for s in settings]
    bias = b[:, None, None]
    check(
        layers,
        [
            rectified(conv(X, W, flip=False) + bias),
            np.tanh(conv(X, W) + bias),
            rectified(conv(X, W, 1, 2, flip=False)),
            conv(X, W, "full", flip=False) + bias,
            rectified(conv(X, W, 1) + settings[4]["b"]),
            (conv(X, W, flip=False) + bias) ** 2,
        ],
    )


@pytest.mark.parametrize("cls", CONVS[:2])
def test_convolutions_that_are_not_square(cls):
    W = draw(4, 2, 3, 2)
    layer = cls(InputLayer(X.shape), 4, (3, 2), (2, 1), pad=(1, 0), W=W, b=None)
    check([layer], [rectified(conv(X, W, (1, 0), (2, 1), flip=False))])


def test_flip_filters_is_off_as_it_was():
    for cls in CONVS:
        assert inspect.signature(cls).parameters["flip_filters"].default is False


@runs("lasagne.layers", "MaxPool2DDNNLayer Pool2DDNNLayer MaxPool2DCCLayer")
def test_pools():
    incoming = InputLayer((None, *X.shape[1:]))
    layers = [
        MaxPool2DDNNLayer(incoming, 2),
        MaxPool2DDNNLayer(incoming, (3, 2), stride=(2, 1), pad=(1, 1)),
        Pool2DDNNLayer(incoming, 3, stride=2, pad=1, mode="average_inc_pad"),
        Pool2DDNNLayer(incoming, 3, stride=2, pad=1, mode="average_exc_pad"),
        MaxPool2DCCLayer(incoming, 2),
        MaxPool2DCCLayer(incoming, 3, stride=2),
    ]
    check(
        layers,
        [
            pool(X, (2, 2)),
            pool(X, (3, 2), (2, 1), (1, 1)),
            pool(X, (3, 3), (2, 2), 1, mode="average_inc_pad"),
            pool(X, (3, 3), (2, 2), 1, mode="average_exc_pad"),
            pool(X, (2, 2), ignore_border=False),
            pool(X, (3, 3), (2, 2), ignore_border=False),
        ],
    )


@runs(
    "lasagne.layers",
    "NINLayer_c01b ShuffleBC01ToC01BLayer bc01_to_c01b ShuffleC01BToBC01Layer c01b_to_bc01",
)
def test_c01b():
    """The layers that have the batch on the last axis, between the two that shuffle."""
    W, b, V, c = draw(2, 3, 3, 16), draw(16), draw(5, 16), draw(5, 4, 3)
    first = ShuffleBC01ToC01BLayer(InputLayer((3, 2, 9, 8)))
    convolved = Conv2DCCLayer(first, 16, 3, W=W, b=b, dimshuffle=False)
    pooled = MaxPool2DCCLayer(convolved, 2, dimshuffle=False)
    mixed = NINLayer_c01b(pooled, 5, untie_biases=True, W=V, b=c)
    tied = NINLayer_c01b(pooled, 5, W=V, b=c[:, 0, 0], nonlinearity=None)
    no_bias = NINLayer_c01b(pooled, 5, W=V, b=None)
    last = ShuffleC01BToBC01Layer(mixed)
    untied = Conv2DCCLayer(
        first,
        16,
        3,
        W=W,
        b=lasagne.init.Normal(),
        dimshuffle=False,
        untie_biases=True,
        flip_filters=True,
    )

    bc01 = W.transpose(3, 0, 1, 2)
    a = rectified(conv(X, bc01, flip=False) + b[:, None, None]).transpose(C01B)
    p = pool(a.transpose(3, 0, 1, 2), (2, 2), ignore_border=False).transpose(C01B)
    n = np.tensordot(V, p, 1)
    full = untied.b.get_value()
    check(
        [first, convolved, pooled, mixed, tied, no_bias, last, untied],
        [
            X.transpose(C01B),
            a,
            p,
            rectified(n + c[..., None]),
            n + c[:, :1, :1, None],
            rectified(n),
            rectified(n + c[..., None]).transpose(3, 0, 1, 2),
            rectified(conv(X, bc01) + full).transpose(C01B),
        ],
    )
    assert bc01_to_c01b is ShuffleBC01ToC01BLayer
    assert c01b_to_bc01 is ShuffleC01BToBC01Layer


def test_a_nonlinearity_sees_the_axes_of_cuda_convnet():
    """Lasagne applies it before the batch is moved back."""
    seen = []

    def nonlinearity(z):
        seen.append(z)
        return z / z.sum(axis=0, keepdims=True)  # over the filters

    W = abs(draw(16, 2, 3, 3))
    layer = Conv2DCCLayer(InputLayer(X.shape), 16, 3, W=W, b=None, nonlinearity=nonlinearity)
    z = conv(abs(X), W, flip=False)
    check([layer], [z / z.sum(1, keepdims=True)], abs(X))
    assert len(seen) == 1


def test_the_limits_of_cuda_convnet():
    incoming = (None, 2, 9, 9)
    for wrong, message in (
        ({"filter_size": (2, 3)}, "square filters"),
        ({"stride": (1, 2)}, "square strides"),
        ({"num_filters": 12}, "multiple of 16"),
        ({"pad": (1, 2)}, "(?i)pad"),
        ({"incoming": (None, 6, 9, 9)}, "(?i)channels"),
    ):
        arguments = {"incoming": incoming, "num_filters": 16, "filter_size": 3} | wrong
        with pytest.raises(RuntimeError, match=message):
            Conv2DCCLayer(**arguments)
    for wrong in (
        {"pool_size": (2, 3)}, {"stride": (1, 2)}, {"stride": 3}, {"ignore_border": True},
        {"pad": 1},
    ):  # fmt: skip
        with pytest.raises(NotImplementedError):
            MaxPool2DCCLayer(incoming, **({"pool_size": 2} | wrong))
    with pytest.raises(NotImplementedError, match="ignore_border"):
        Pool2DDNNLayer(incoming, 2, ignore_border=False)


@pytest.mark.parametrize("cls", CONVS)
def test_weights_of_the_ordinary_layer(cls):
    """With flip_filters=True they give the ordinary layer's numbers; and gradients."""
    W, b = draw(16, 2, 3, 3), draw(16)
    theirs = Conv2DLayer(InputLayer(X.shape), 16, 3, W=W, b=b)
    ours = cls(InputLayer(X.shape), 16, 3, W=W, b=b, flip_filters=True)
    symbol = T.tensor4()
    results = []
    for layer in (theirs, ours):
        y = get_output(layer, symbol)
        parameters = lasagne.layers.get_all_params(layer)
        assert [p.name for p in parameters] == ["W", "b"]
        results += [y, *T.grad((y**2).sum(), parameters)]
    got = theano.function([symbol], results, mode=MODE)(X)
    for first, second in zip(got[:3], got[3:], strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-3)


def test_pickles():
    layer = MaxPool2DCCLayer(Conv2DCCLayer(InputLayer((None, 2, 9, 8)), 16, 3), 2)
    layer = Conv2DMMLayer(layer, 4, 3, pad="same")
    layer = MaxPool2DDNNLayer(Conv2DDNNLayer(layer, 3, 2), 2)
    again = pickle.loads(pickle.dumps(layer, 2))
    first, second = outputs([layer]), outputs([again])
    np.testing.assert_array_equal(first[0], second[0])
    for cls in (Conv2DCCLayer, Conv2DDNNLayer, Conv2DMMLayer, NINLayer_c01b):
        assert pickle.loads(pickle.dumps(cls)) is cls
        assert inspect.getsource(cls).startswith("class ")


def test_each_module_by_itself():
    for name in ("dnn", "corrmm", "cuda_convnet"):
        says(f"import theano_today; from lasagne.layers.{name} import *")


def test_nolearn_knows_them():
    from nolearn.lasagne import util

    assert {Conv2DCCLayer, Conv2DDNNLayer, Conv2DMMLayer} <= set(util.convlayers)
    assert {MaxPool2DCCLayer, MaxPool2DDNNLayer} <= set(util.maxpoollayers)
    assert MaxPool2DLayer in util.maxpoollayers
