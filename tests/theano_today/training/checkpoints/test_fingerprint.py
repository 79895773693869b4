"""The same run has the same fingerprint in every process; another run has another."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import json

import numpy as np
import pytest
import theano
from lasagne import layers
from nolearn.lasagne import BatchIterator, NeuralNet, TrainSplit

from tests.fresh_python import says
from tests.tiny_nets import X, Y, tiny
from theano_today.training.checkpoints.fingerprint import (
    describe,
    differences,
    fingerprint,
    made_with,
)


def of(net, data=X, targets=Y, **settings):
    net.initialize_layers()
    return fingerprint(net, data, targets, settings)


def test_in_another_process():
    code = (
        "import json\n"
        "from tests.theano_today.training.checkpoints.test_fingerprint import X, Y, of, tiny\n"
        "print(json.dumps(of(tiny(), seed=1)))"
    )
    assert json.loads(says(code, PYTHONHASHSEED="7").splitlines()[-1]) == of(tiny(), seed=1)


@pytest.mark.parametrize(
    ("arguments", "aspects"),
    [
        ({"update_learning_rate": 0.01}, ["update_learning_rate"]),
        ({"hidden_num_units": 6}, ["layers", "hidden_num_units"]),
        ({"hidden_nonlinearity": None}, ["layers", "hidden_nonlinearity"]),
        ({"dropout": True}, ["layers"]),
        ({"train_split": TrainSplit(0.25)}, ["train_split"]),
        ({"batch_iterator_train": BatchIterator(4, shuffle=True)}, ["batch_iterator_train"]),
        ({"max_epochs": 9, "verbose": 0, "on_epoch_finished": [print]}, []),
    ],
)
def test_of_another_net(arguments, aspects):
    changed = differences(of(tiny()), of(tiny(**arguments)))
    assert sorted(d.split(" (")[0] for d in changed) == sorted(aspects)


def test_of_layer_instances():
    def net(p=0.5):
        layer = layers.DropoutLayer(layers.InputLayer((None, 6)), p)
        return NeuralNet(layers.DenseLayer(layer, 2), regression=True)

    assert differences(of(net()), of(net())) == []
    (only,) = differences(of(net()), of(net(0.4)))
    assert only.startswith("layers (")


def test_of_other_data_and_settings():
    base = of(tiny(), seed=1)
    assert differences(base, of(tiny(), seed=2)) == ["seed (1 there, 2 here)"]
    assert differences(base, of(tiny())) == ["seed (1 there, none here)"]
    changed = X.copy()
    changed[19, 5] += 1e-6
    for data in (changed, X.astype(np.float64), X[::-1]):
        (only,) = differences(of(tiny()), of(tiny(), data))
        assert only.startswith("X (")


def test_of_the_same_data_in_another_layout():
    assert of(tiny(), np.asfortranarray(X)) == of(tiny(), X)
    many = np.random.RandomState(0).uniform(size=(3000, 6)).astype(np.float32)
    assert of(tiny(), many[::2]) == of(tiny(), many[::2].copy())


def test_texts_without_addresses():
    class Thing:
        def __init__(self):
            self.inner, self.X = object(), "left out"

    for value in (Thing(), object(), [object()], {"a": Thing()}, describe, Thing, lambda: 0):
        assert "0x" not in describe(value)
    assert describe(theano.shared(np.float32(3))) == "shared TensorType(float32, scalar)"


def test_made_with():
    assert made_with()["NumPy"] == np.__version__
    assert all(isinstance(text, str) for text in made_with().values())
