"""Which layers a model holds."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest
from lasagne import layers

from tests.tiny_nets import tiny
from theano_today.errors import DataError
from theano_today.export.model import read_model


def test_a_neural_net_that_was_never_used():
    model = read_model(tiny())
    assert list(model.layers) == ["input", "hidden", "output"]
    assert list(model.inputs) == ["input"]
    assert [model.name_of(layer) for layer in model.outputs] == ["output"]
    assert list(model.parameters()) == ["hidden.W", "hidden.b", "output.W", "output.b"]


def test_layers_without_names():
    incoming = layers.InputLayer((None, 3))
    one, two = layers.DenseLayer(incoming, 2), layers.DenseLayer(incoming, 4)
    merged = layers.ConcatLayer([one, two])
    model = read_model([merged, two])
    assert list(model.layers) == ["input", "dense", "dense_2", "concat"]
    assert [model.name_of(layer) for layer in model.outputs] == ["concat", "dense_2"]
    assert list(read_model(merged).layers) == list(model.layers)


@pytest.mark.parametrize("thing", [None, {}, [], [3], "net"])
def test_no_net(thing):
    with pytest.raises(DataError, match="is no net: expected a NeuralNet"):
        read_model(thing)
