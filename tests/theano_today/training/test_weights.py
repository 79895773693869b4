"""Weights without pickles."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import json

import numpy as np
import pytest
from lasagne import layers
from nolearn.lasagne import NeuralNet

from tests.fresh_python import says
from tests.tiny_nets import X, Y, tiny, values
from theano_today.errors import DataError, MissingFileError
from theano_today.training.checkpoints import array_file
from theano_today.training.weights import load_weights, save_weights


@pytest.fixture(scope="module")
def trained():
    return tiny().fit(X, Y)


@pytest.fixture
def path(trained, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_weights(trained, path)
    return path


def test_into_a_net_never_used(trained, path):
    net = tiny(seed=1)
    state = np.random.get_state()[1].copy()
    assert load_weights(net, path).predict(X).tobytes() == trained.predict(X).tobytes()
    assert (np.random.get_state()[1] == state).all()  # nobody's random numbers are moved


def test_into_a_net_in_use(trained, path):
    net = tiny(seed=1).fit(X, Y)
    assert net.predict(X).tobytes() != trained.predict(X).tobytes()
    load_weights(net, path)
    assert net.predict(X).tobytes() == trained.predict(X).tobytes()
    net.fit(X, Y)


def test_the_names_are_lasagnes(trained, path):
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert [n for n in header if n != "__metadata__"] == [p.name for p in trained.get_all_params()]
    assert header["hidden.W"]["shape"] == [6, 5]


def test_layers_without_names(tmp_path):
    def net():
        layer = layers.DenseLayer(layers.DenseLayer(layers.InputLayer((None, 6)), 5), 2)
        return NeuralNet(layer, regression=True, update_learning_rate=0.01)

    first = net()
    first.initialize()
    save_weights(first, tmp_path / "a")
    assert len(array_file.read(tmp_path / "a")[0]) == 4
    assert values(load_weights(net(), tmp_path / "a"))[:4] == values(first)[:4]


def test_for_another_net(path):
    net = tiny(hidden_num_units=6)
    net.initialize()
    before = values(net)
    with pytest.raises(DataError, match=r"hidden\.W is float32 of shape \(6, 5\), expected \(6, 6"):
        load_weights(net, path)
    array_file.write(path, {"hidden.W": np.zeros((6, 6), np.float32)}, {})
    with pytest.raises(DataError, match=r"the file has no 'hidden\.b'; expected hidden\.W, hid"):
        load_weights(net, path)
    assert values(net) == before


def test_more_than_the_net_has(path):
    arrays, _ = array_file.read(path)
    array_file.write(path, arrays | {"extra.W": np.zeros(3)}, {})
    with pytest.raises(DataError, match=r"the net has no 'extra\.W'"):
        load_weights(tiny(), path)


def test_other_floats(trained, path):
    arrays, _ = array_file.read(path)
    array_file.write(path, {n: a.astype(np.float64) for n, a in arrays.items()}, {})
    assert load_weights(tiny(), path).predict(X).tobytes() == trained.predict(X).tobytes()


def test_no_file(tmp_path):
    with pytest.raises(MissingFileError):
        load_weights(tiny(), tmp_path / "a")


def test_as_the_readme_does_it(tmp_path):
    """net2 itself, in a fresh process, with weights that the test has made up."""
    out = says(
        "from net2 import net2\n"
        "from theano_today.training.weights import load_weights, save_weights\n"
        "from theano_today.training.pickling import build\n"
        "import numpy as np, sys\n"
        "build(net2)\n"
        "for p in net2.get_all_params(): p.set_value(p.get_value() * np.float32(0.5))\n"
        "X = np.random.RandomState(0).uniform(size=(2, 1, 96, 96)).astype(np.float32)\n"
        "y = net2.predict(X)\n"
        f"save_weights(net2, {str(tmp_path / 'a')!r})\n"
        "for p in net2.get_all_params(): p.set_value(p.get_value() * 0)\n"
        f"load_weights(net2, {str(tmp_path / 'a')!r})\n"
        "assert y.shape == (2, 30) and y.any() and (net2.predict(X) == y).all()\n"
        "print('same')\n"
    )
    assert out == "same\n"
