"""Nets of random layers with random shapes and parameters, in onnxruntime and in Theano."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import lasagne
import numpy as np
import pytest
import theano.tensor as T
from lasagne import layers, nonlinearities

from tests.exported import agree

NONLINEARITIES = [
    nonlinearities.rectify, nonlinearities.tanh, nonlinearities.sigmoid, None,
    nonlinearities.leaky_rectify, nonlinearities.LeakyRectify(0.3),
]  # fmt: skip


def choose(rng, things):
    return things[rng.randint(len(things))]


def convolution(rng, incoming):
    size = [rng.randint(1, min(n, 4) + 1) for n in incoming.output_shape[2:]]
    stride = (rng.randint(1, 3), rng.randint(1, 3))
    pad = choose(rng, ["valid", "full", "same", 1, (0, 2)])
    return layers.Conv2DLayer(
        incoming, rng.randint(1, 5), size, stride=stride, pad=pad,
        untie_biases=bool(rng.randint(2)), W=lasagne.init.Uniform(1.0),
        b=choose(rng, [None, lasagne.init.Uniform(1.0)]), nonlinearity=choose(rng, NONLINEARITIES),
    )  # fmt: skip


def pooling(rng, incoming):
    size = [rng.randint(1, min(n, 4) + 1) for n in incoming.output_shape[2:]]
    border = bool(rng.randint(2))
    pad = tuple(rng.randint(0, n) for n in size) if border else (0, 0)
    stride = tuple(rng.randint(max(p + 1, 1), 5) for p in pad)
    mode = choose(rng, ["max", "average_inc_pad", "average_exc_pad", "sum"])
    return layers.Pool2DLayer(incoming, size, stride, pad, border, mode=mode)


def merging(rng, incoming):
    other = layers.NINLayer(incoming, incoming.output_shape[1], W=lasagne.init.Uniform(1.0))
    return choose(
        rng,
        [
            lambda: layers.ConcatLayer([incoming, other], axis=rng.randint(1, 4)),
            lambda: layers.ElemwiseSumLayer([incoming, other], coeffs=[2, -0.5]),
            lambda: layers.ElemwiseMergeLayer([other, incoming], T.maximum),
        ],
    )()


def rearranging(rng, incoming):
    _, channels, height, width = incoming.output_shape
    return choose(
        rng,
        [
            lambda: layers.DimshuffleLayer(incoming, (0, *(1 + rng.permutation(3)).tolist())),
            lambda: layers.ReshapeLayer(incoming, ([0], height, [1], -1)),
            lambda: layers.PadLayer(incoming, ((0, rng.randint(3)), 1), val=rng.uniform(-1, 1)),
            lambda: layers.SliceLayer(incoming, slice(0, rng.randint(1, width + 1)), axis=-1),
            lambda: layers.SliceLayer(incoming, slice(None, None, -1), axis=rng.randint(1, 4)),
            lambda: layers.FeaturePoolLayer(incoming, channels),
            lambda: layers.FeatureWTALayer(incoming, channels),
            lambda: layers.LocalResponseNormalization2DLayer(incoming, n=choose(rng, [1, 3, 5])),
            lambda: layers.DropoutLayer(incoming),
            lambda: layers.GaussianNoiseLayer(incoming),
        ],
    )()


def ending(rng, incoming):
    return choose(
        rng,
        [
            lambda: layers.GlobalPoolLayer(incoming, choose(rng, [T.mean, T.max, T.sum])),
            lambda: layers.FlattenLayer(incoming, rng.randint(2, 4)),
            lambda: layers.DenseLayer(incoming, 3, nonlinearity=nonlinearities.softmax),
            lambda: layers.DenseLayer(incoming, 4, W=lasagne.init.Normal(0.3), b=None),
        ],
    )()


# 16 nets take 5 seconds; another number finds others.
@pytest.mark.parametrize("seed", range(16))
def test_random_net(seed):
    rng = np.random.RandomState(seed)
    lasagne.random.set_rng(np.random.RandomState(seed))
    shape = (choose(rng, [None, 3]), *rng.randint(1, 5, size=3).tolist())
    shape = (*shape[:2], shape[2] + 4, shape[3] + 3)
    net = layers.InputLayer(shape)
    for _ in range(rng.randint(2, 6)):
        net = choose(rng, [convolution, pooling, merging, rearranging, rearranging])(rng, net)
    x = rng.normal(size=(3, *shape[1:])).astype("float32")
    agree([ending(rng, net)], x)
