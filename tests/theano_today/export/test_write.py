"""`export`, and the command `python -m theano_today.export`."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pickle
import sys

import numpy as np
import pytest
from lasagne import layers

from tests.exported import Expression, onnx, ort
from tests.tiny_nets import X, Y, compiled_once, tiny
from theano_today.errors import DataError, MissingPackageError
from theano_today.export import __main__ as command
from theano_today.export import export, write
from theano_today.training.weights import load_weights


@pytest.fixture
def net():
    net = compiled_once(tiny)
    net.fit(X, Y)
    return net


def predicted(path, x):
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def test_a_trained_net(net, tmp_path):
    assert export(net, tmp_path / "net.onnx") < 1e-6
    for rows in (1, 2, 7, 20):
        y = predicted(tmp_path / "net.onnx", X[:rows])
        np.testing.assert_allclose(y, net.predict(X[:rows]), atol=1e-6)
    assert predicted(tmp_path / "net.onnx", X[:0]).shape == (0, 2)
    assert np.isnan(predicted(tmp_path / "net.onnx", X[:1] * np.nan)).all()
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]


def test_weights(net, tmp_path):
    assert export(net, tmp_path / "net.safetensors") is None
    other = load_weights(tiny(seed=8), tmp_path / "net.safetensors")
    np.testing.assert_array_equal(other.predict(X), net.predict(X))


def test_command(net, tmp_path, capsys):
    with (tmp_path / "net.pickle").open("wb") as f:
        pickle.dump(net, f, -1)
    for name in ("net.onnx", "net.safetensors"):
        assert command.main([str(tmp_path / "net.pickle"), str(tmp_path / name)]) == 0
        out, err = capsys.readouterr()
        assert out.startswith(f"{tmp_path / name}: ")
        assert err == ""
    onnx.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)


def test_errors_are_one_line(tmp_path, capsys):
    (tmp_path / "dict.pickle").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "cut.pickle").write_bytes(pickle.dumps(list(range(99)))[:50])
    for name, file, words in [
        ("none.pickle", "net.onnx", "there is no"),
        ("cut.pickle", "net.onnx", "cannot read"),
        ("dict.pickle", "net.onnx", "class dict is no net"),
        ("dict.pickle", "net.h5", "ends with .onnx or .safetensors"),
    ]:
        assert command.main([str(tmp_path / name), str(tmp_path / file)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert words in err
        assert err.count("\n") == 1
        assert not (tmp_path / file).exists()


def test_a_layer_that_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"old")
    lstm = layers.LSTMLayer(layers.InputLayer((None, 4, 3)), 2, name="lstm")
    with pytest.raises(DataError, match="layer 'lstm' \\(LSTMLayer\\) cannot be written as ONNX"):
        export(lstm, path)
    assert path.read_bytes() == b"old"


def test_a_wrong_file_is_not_written(tmp_path, monkeypatch):
    """The comparison is no formality."""
    twice = Expression(layers.InputLayer((None, 3)), lambda x: x * 2)
    right = write.compare

    def compare(model, data):
        twice.function = lambda x: x * 2.0001
        return right(model, data)

    monkeypatch.setattr(write, "compare", compare)
    with pytest.raises(DataError, match=r"differ from Theano's by 5\.0e-05"):
        export(twice, tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_the_packages(net, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert export(net, tmp_path / "net.onnx") is None
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackageError, match="pip install onnx"):
        export(net, tmp_path / "net.onnx")
    assert export(net, tmp_path / "net.safetensors") is None
