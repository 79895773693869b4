"""The layer lists of nolearn and of ours print nets of any shape."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest
from lasagne import layers
from nolearn.lasagne import NeuralNet, PrintLayerInfo

from theano_today.training.table import PrintLayerInfo as OfTheTutorial


def convolved(shape):
    net = layers.Conv2DLayer(layers.InputLayer(shape), 2, 3)
    return layers.DenseLayer(layers.GlobalPoolLayer(net), 3)


def through_images(shape):
    return convolved_from(layers.ReshapeLayer(layers.InputLayer(shape), (-1, 1, 5, 7)))


def convolved_from(layer):
    return layers.DenseLayer(layers.Conv2DLayer(layer, 2, 3), 3)


@pytest.mark.parametrize("verbose", [1, 2, 3])
@pytest.mark.parametrize("printer", [PrintLayerInfo, OfTheTutorial])
@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.InputLayer((2,)),
        lambda: layers.InputLayer((None, None)),
        lambda: layers.InputLayer((None, None, 4)),
        lambda: layers.DenseLayer(layers.InputLayer((None, 4)), 3),
        lambda: layers.Conv1DLayer(layers.InputLayer((None, 1, None)), 2, 3),
        lambda: convolved((None, 1, None, None)),
        lambda: convolved((None, 1, 8, None)),
        lambda: convolved((None, 1, 8, 8)),
        lambda: through_images((None, 35)),
    ],
)
def test_any_shape(layer, printer, verbose, capsys):
    net = NeuralNet(layer(), verbose=verbose)
    net.initialize_layers()
    printer()(net)
    out = capsys.readouterr().out
    for made in net.get_all_layers():
        shape = made.output_shape
        listed = str(shape) if printer is OfTheTutorial else "x".join(map(str, shape[1:]))
        assert listed in out


def test_known_sizes_are_shown_as_before(capsys):
    net = NeuralNet(convolved((None, 1, 8, 8)), verbose=3)
    net.initialize_layers()
    PrintLayerInfo()(net)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["Conv2DLayer", "2x6x6", "72", "100.00", "100.00", "37.50", "37.50", *"3333"] in lines
    assert ["DenseLayer", "3", "3", *["100.00"] * 4, *"8888"] in lines


def test_unknown_sizes_colour_nothing(capsys):
    net = NeuralNet(convolved((None, 1, None, 8)), verbose=3)
    net.initialize_layers()
    PrintLayerInfo()(net)
    table = capsys.readouterr().out.partition("Explanation")[0]
    assert "\033" not in table
    row = next(line.split() for line in table.splitlines() if line.startswith("InputLayer"))
    assert row == ["InputLayer", "1xNonex8", "8", "nan", "100.00", "nan", "100.00", "nan", "8",
                   "nan", "8"]  # fmt: skip
