"""A net with cuda_convnet's layers that was pickled when these were ordinary ones."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import pickle
from pathlib import Path

import lasagne
import numpy as np
import pytest
from lasagne import layers
from lasagne.layers.cuda_convnet import Conv2DCCLayer, MaxPool2DCCLayer
from nolearn.lasagne import NeuralNet

from theano_today.training import former_layers

HERE = Path(__file__).parent
X = np.random.RandomState(0).normal(size=(20, 1, 7, 7)).astype(np.float32)
# Made by the code of 25 November 2026. The first convolution, of 3 filters, flips them, as was the
# default; the second, of 2, has flip_filters=False. The net was trained for two epochs.
NET = HERE / "net_with_cc_layers.pickle"
LAYERS = HERE / "cc_layers.pickle"
# What they gave for the first three of X.
OF_NET = [
    [-0.01270054280757904, -0.006297355517745018],
    [-0.41651326417922974, -0.03028785064816475],
    [-0.019072070717811584, -0.005946012679487467],
]
OF_LAYERS = [
    [-0.24556374549865723, -0.4146694242954254],
    [0.7706954479217529, -0.5626169443130493],
    [-0.7381904125213623, -0.6093664765357971],
]


def output(layer, x):
    return layers.get_output(layer, x).eval()


def test_a_net(tmp_path):
    net = pickle.loads(NET.read_bytes())
    np.testing.assert_allclose(net.predict(X[:3]), OF_NET, rtol=1e-4)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(X[:3]), net.predict(X[:3]))
    before = net.train_history_[-1]["train_loss"]
    net.fit(X, X[:, 0, 0, :2].copy(), epochs=1)
    assert net.train_history_[-1]["train_loss"] < before


def test_layers():
    layer = pickle.loads(LAYERS.read_bytes())
    np.testing.assert_allclose(output(layer, X[:3]), OF_LAYERS, rtol=1e-4)
    np.testing.assert_array_equal(output(copy.deepcopy(layer), X[:3]), output(layer, X[:3]))


def test_layers_of_today_stay_what_they_are():
    convolved = Conv2DCCLayer(layers.InputLayer((None, 1, 7, 7)), 16, 2)
    pooled = MaxPool2DCCLayer(convolved, 2)
    again = pickle.loads(pickle.dumps(pooled))
    assert type(again) is MaxPool2DCCLayer
    assert type(again.input_layer) is Conv2DCCLayer
    np.testing.assert_array_equal(output(again, X[:3]), output(pooled, X[:3]))


@pytest.mark.parametrize("flips", [None, True, False])
@pytest.mark.parametrize("how", ["names", "pairs"])
def test_definitions(how, flips):
    arguments = {} if flips is None else {"flip_filters": flips}
    conv = {"num_filters": 3, "filter_size": 2, "W": None, "partial_sum": 1, **arguments}
    pool = {"pool_size": 2, "dimshuffle": True}
    if how == "pairs":
        definition = [
            (layers.InputLayer, {"shape": (None, 1, 7, 7)}),
            (Conv2DCCLayer, {"name": "conv", **conv}),
            (MaxPool2DCCLayer, {"name": "pool", **pool}),
        ]
        attributes = {}
    else:
        definition = [
            ("input", layers.InputLayer), ("conv", Conv2DCCLayer), ("pool", MaxPool2DCCLayer),
        ]  # fmt: skip
        attributes = {"input_shape": (None, 1, 7, 7)}
        attributes |= {f"conv_{k}": v for k, v in conv.items()}
        attributes |= {f"pool_{k}": v for k, v in pool.items()}
    net = NeuralNet(layers=definition, update=lasagne.updates.sgd, **attributes)
    former_layers.mend_net(net)
    net.initialize_layers()
    conv, pool = net.layers_["conv"], net.layers_["pool"]
    assert (type(conv), type(pool)) == (layers.Conv2DLayer, layers.MaxPool2DLayer)
    assert pool.ignore_border is False
    filters = conv.W.get_value()
    if flips is False:
        filters = filters[:, :, ::-1, ::-1]
    first = (X[0, 0, :2, :2][::-1, ::-1] * filters[0, 0]).sum()
    np.testing.assert_allclose(output(conv, X[:1])[0, 0, 0, 0], max(0, first), rtol=1e-4)
    assert output(pool, X[:1]).shape == (1, 3, 3, 3)
