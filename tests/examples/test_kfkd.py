"""The tutorial's nets as examples/kfkd.py defines them, and its commands."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import importlib.util
import os
import pickle
import signal
import sys

import numpy as np
import pytest
import theano
from lasagne import layers
from nolearn.lasagne import NeuralNet

from kfkd.flipping import FlipBatchIterator
from kfkd.keypoints import COLUMNS
from kfkd.run import run
from tests.csv_files import face, training
from tests.fresh_python import ROOT

FACES = 10


def example():
    """The script as a module, new each time: its nets have not been used."""
    path = list(sys.path)
    spec = importlib.util.spec_from_file_location("kfkd_example", ROOT / "examples/kfkd.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


@pytest.fixture(scope="module")
def script():
    return example()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "training.csv").write_bytes(training(*(face(i) for i in range(FACES))))
    monkeypatch.setenv("KFKD_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(script, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["kfkd.py", *arguments])
    return run(script.main)


class TestDefinitions:
    def test_epochs(self, script):
        epochs = {name: net.max_epochs for name, net in script.NETS.items()}
        assert epochs == {
            "net1": 400, "net2": 1000, "net3": 3000, "net4": 3000,
            "net5": 3000, "net6": 3000, "net7": 3000, "net8": 10_000,
        }  # fmt: skip

    def test_what_each_adds(self, script):
        flips, changes, drops, units = [], [], [], []
        for name, net in {**script.NETS, "net": script.net}.items():
            arguments = dict(net.get_params(deep=False).items())
            flips += [name] * isinstance(net.batch_iterator_train, FlipBatchIterator)
            changes += [name] * hasattr(net.update_learning_rate, "set_value")
            if "dropout4_p" in arguments:
                p = [arguments[f"dropout{i}_p"] for i in (1, 2, 3, 4)]
                assert p == [0.1, 0.2, 0.3, 0.5]
                drops.append(name)
            units.append(arguments.get("hidden5_num_units"))
        assert flips == ["net3", "net5", "net6", "net7", "net8", "net"]
        assert changes == ["net4", "net5", "net6", "net7", "net8", "net"]
        assert drops == ["net6", "net7", "net8", "net"]
        assert units == [None, 500, 500, 500, 500, 500, 1000, 1000, 1000]

    def test_nothing_is_shared_but_layers(self, script):
        changing = [net for net in script.NETS.values() if len(net.on_epoch_finished) > 2]
        assert len(changing) == 5
        handlers = {id(handler) for net in changing for handler in net.on_epoch_finished}
        assert len(handlers) == 3 * 5  # with the table's
        assert len({id(net.update_learning_rate) for net in changing}) == 5

    def test_specialists_know_every_column_once(self, script):
        columns = [c for setting in script.SPECIALIST_SETTINGS for c in setting["columns"]]
        assert sorted(columns) == sorted(COLUMNS)

    def test_specialists_flip_left_and_right(self, script):
        other = {"left": "right", "right": "left"}
        for setting in script.SPECIALIST_SETTINGS:
            columns = setting["columns"]
            for a, name in enumerate(columns):
                b = columns.index("_".join(other.get(w, w) for w in name.split("_")))
                assert a == b or tuple(sorted((a, b))) in setting["flip_indices"]
            assert 2 * len(setting["flip_indices"]) in (0, len(columns), len(columns) - 2)


def small(*handlers):
    """In the place of the specialists' net: the same iterator and schedules, a few weights."""
    module = example()
    del module.SPECIALIST_SETTINGS[3:]
    adjust = [h for h in module.net.on_epoch_finished if type(h).__name__ == "AdjustVariable"]
    module.net = NeuralNet(
        [("input", layers.InputLayer), ("pool1", layers.MaxPool2DLayer),
         ("hidden4", layers.DenseLayer), ("output", layers.DenseLayer)],
        input_shape=(None, 1, 96, 96), pool1_pool_size=(8, 8), hidden4_num_units=4,
        output_num_units=30, output_nonlinearity=None, regression=True, max_epochs=100,
        batch_iterator_train=FlipBatchIterator(batch_size=4),
        update_learning_rate=theano.shared(np.float32(0.03)),
        update_momentum=theano.shared(np.float32(0.9)),
        on_epoch_finished=[*adjust, *handlers],
    )  # fmt: skip
    return module


def weights(path):
    nets = pickle.loads(path.read_bytes())
    return {c: np.concatenate([p.get_value().ravel() for p in nets[c].get_all_params()])
            for c in nets}  # fmt: skip


class TestCommands:
    def test_net1_and_the_ladder(self, script, folder, monkeypatch, capsys):
        assert call(script, monkeypatch, "net1", "--epochs", "2") == 0
        out = capsys.readouterr().out
        assert "RMSE of epoch 2" in out
        assert len(pickle.loads((folder / "net1.pickle").read_bytes()).train_history_) == 2
        assert call(script, monkeypatch, "ladder") == 0
        assert capsys.readouterr().out.splitlines()[3].startswith("net1             400  0.003255")

    def test_specialists_stopped_and_resumed(self, folder, monkeypatch, capsys):
        seen = []

        def stop(nn, train_history):
            seen.append(nn.output_num_units)
            if len(seen) == 8:  # of the third, the second of three epochs
                os.kill(os.getpid(), signal.SIGINT)

        stop.only_for_this_run = True  # no part of the pickle
        arguments = ["specialists", "--epochs", "3", "--seed", "1", "--out"]
        assert call(small(), monkeypatch, *arguments, "alone.pickle") == 0
        out = capsys.readouterr().out
        assert out.count("Training model for columns") == 3
        assert "RMSE of the 3 specialists" in out

        # What stops it is not part of the run: handlers may differ.
        assert call(small(stop), monkeypatch, *arguments, "stopped.pickle") == 130
        error = capsys.readouterr().err
        assert "stopped by Ctrl-C" in error
        assert "to resume: python kfkd.py specialists" in error
        assert len(weights(folder / "stopped.pickle")) == 2
        assert call(small(), monkeypatch, *arguments, "stopped.pickle") == 0
        done = capsys.readouterr()
        assert "trained already: left_eye_center_x, nose_tip_x" in done.out
        assert "resuming after epoch 2" in done.err
        assert done.out.count("Training model for columns") == 1

        alone, stopped = weights(folder / "alone.pickle"), weights(folder / "stopped.pickle")
        assert list(alone) == list(stopped)
        for columns, values in alone.items():
            np.testing.assert_array_equal(values, stopped[columns])
        assert not list(folder.glob("*.checkpoints"))

    def test_pretrained_specialists(self, folder, monkeypatch, capsys):
        module = small()
        module.NETS["net7"] = module.net
        assert call(module, monkeypatch, "net7", "--epochs", "1") == 0
        first = pickle.loads((folder / "net7.pickle").read_bytes())

        module = small()
        module.net.update_learning_rate.set_value(np.float32(0))  # they keep what they began with
        module.net.on_epoch_finished = []
        arguments = ["specialists", "--epochs", "1", "--pretrain", "net7.pickle"]
        assert call(module, monkeypatch, *arguments) == 0
        for net in pickle.loads((folder / "net-specialists.pickle").read_bytes()).values():
            hidden = net.layers_["hidden4"].W.get_value()
            np.testing.assert_array_equal(hidden, first.layers_["hidden4"].W.get_value())

    def test_options_that_do_not_fit(self, script, folder, monkeypatch, capsys):
        for arguments in (["net9"], ["net4", "--pretrain", "a"], ["specialists", "--weights=a"]):
            with pytest.raises(SystemExit) as caught:
                call(script, monkeypatch, *arguments)
            assert caught.value.code == 2
            assert capsys.readouterr().err.count("\n") == 1
