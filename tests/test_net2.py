"""net2.py as a whole: the tutorial's net, its training checked by other means, and its script."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import lasagne
import numpy as np
import pytest
import theano
from lasagne import layers
from nolearn.lasagne import BatchIterator, NeuralNet
from sklearn.base import clone
from theano import tensor as T

from net2 import net2
from tests.csv_files import face, training
from tests.fresh_python import ROOT, fresh_python, says
from theano_today.errors import WriteError
from theano_today.training.weights import load_weights

ARGUMENTS = {
    "input_shape": (None, 1, 96, 96),
    "conv1_num_filters": 32, "conv1_filter_size": (3, 3), "pool1_pool_size": (2, 2),
    "conv2_num_filters": 64, "conv2_filter_size": (2, 2), "pool2_pool_size": (2, 2),
    "conv3_num_filters": 128, "conv3_filter_size": (2, 2), "pool3_pool_size": (2, 2),
    "hidden4_num_units": 500, "hidden5_num_units": 500,
    "output_num_units": 30, "output_nonlinearity": None,
    "update_learning_rate": 0.01, "update_momentum": 0.9,
    "regression": True, "max_epochs": 1000, "verbose": 1,
}  # fmt: skip

EPOCHS = 4
FACES = 10  # 8 to train with, 2 to validate
X = np.random.RandomState(0).uniform(size=(FACES, 1, 96, 96)).astype(np.float32)
Y = np.random.RandomState(1).uniform(-1, 1, size=(FACES, 30)).astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    (folder / "training.csv").write_bytes(training(*(face(i) for i in range(FACES))))
    return folder


@pytest.fixture(scope="module")
def trained():
    """net2 after two epochs of two batches."""
    net = clone(net2)
    net.set_params(
        verbose=0, on_epoch_finished=[], on_training_started=[],
        max_epochs=2, batch_iterator_train=BatchIterator(batch_size=4),
    )  # fmt: skip
    np.random.seed(3)
    return net.fit(X, Y)


def script(*arguments, **more):
    return fresh_python(ROOT / "net2.py", *arguments, **more)


class TestDefinition:
    def test_the_layers(self):
        assert net2.layers == [
            ("input", layers.InputLayer),
            ("conv1", layers.Conv2DLayer), ("pool1", layers.MaxPool2DLayer),
            ("conv2", layers.Conv2DLayer), ("pool2", layers.MaxPool2DLayer),
            ("conv3", layers.Conv2DLayer), ("pool3", layers.MaxPool2DLayer),
            ("hidden4", layers.DenseLayer), ("hidden5", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ]  # fmt: skip

    def test_the_arguments(self):
        given = {name: getattr(net2, name) for name in ARGUMENTS}
        assert given == ARGUMENTS
        assert set(net2._kwarg_keys) <= set(ARGUMENTS)

    def test_nolearns_defaults(self):
        assert net2.update is lasagne.updates.nesterov_momentum
        assert net2.objective_loss_function is lasagne.objectives.squared_error
        assert net2.batch_iterator_train.batch_size == 128
        assert net2.batch_iterator_train.shuffle is False
        assert net2.train_split.eval_size == 0.2

    def test_importing_it_trains_and_prints_nothing(self):
        out = says(
            "from net2 import net2\n"
            "import importlib\n"
            "again = importlib.reload(importlib.import_module('net2'))\n"
            "for net in (net2, again.net2):\n"
            "    assert net.train_history_ == [] and not hasattr(net, 'layers_')\n"
            "    assert len(net.on_epoch_finished) == 1\n"
        )
        assert out == ""


class TestAgainstOtherMeans:
    def test_a_plain_training_loop(self, trained):
        """Lasagne and Theano without nolearn, from the same initial weights."""
        np.random.seed(3)
        net = layers.InputLayer((None, 1, 96, 96))
        for filters, size in ((32, 3), (64, 2), (128, 2)):
            net = layers.Conv2DLayer(net, filters, (size, size))
            net = layers.MaxPool2DLayer(net, (2, 2))
        for _ in range(2):
            net = layers.DenseLayer(net, 500)
        net = layers.DenseLayer(net, 30, nonlinearity=None)

        images, targets = layers.get_all_layers(net)[0].input_var, T.matrix()
        loss = T.mean((layers.get_output(net, images) - targets) ** 2)
        params = layers.get_all_params(net, trainable=True)
        updates = lasagne.updates.nesterov_momentum(loss, params, 0.01, 0.9)
        train = theano.function([images, targets], loss, updates=updates)
        validate = theano.function([images, targets], loss)

        # The first fifth validates, as with the unshuffled KFold of 2014.
        X_valid, y_valid, X_train, y_train = X[:2], Y[:2], X[2:], Y[2:]
        for epoch in trained.train_history_:
            losses = [train(X_train[i : i + 4], y_train[i : i + 4]) for i in (0, 4)]
            assert epoch["train_loss"] == pytest.approx(np.mean(losses), rel=1e-6)
            assert epoch["valid_loss"] == pytest.approx(float(validate(X_valid, y_valid)), rel=1e-6)
        assert len(trained.train_history_) == 2
        for param, other in zip(trained.get_all_params(), params, strict=True):
            np.testing.assert_allclose(param.get_value(), other.get_value(), rtol=1e-5, atol=1e-7)

    def test_the_forward_pass_in_numpy(self, trained):
        weights = {
            name: [v.astype(np.float64) for v in values]
            for name, values in trained.get_all_params_values().items()
        }
        x = X[:2].astype(np.float64)
        for number in "123":
            x = max_pool(np.maximum(convolve(x, *weights[f"conv{number}"]), 0))
        x = x.reshape(len(x), -1)
        for name in ("hidden4", "hidden5"):
            W, b = weights[name]
            x = np.maximum(x @ W + b, 0)
        W, b = weights["output"]
        np.testing.assert_allclose(trained.predict(X[:2]), x @ W + b, rtol=0, atol=1e-5)


def convolve(x, W, b):
    """A convolution in the mathematical sense: filters flipped; no padding."""
    size = W.shape[-1]
    out = x.shape[-1] - size + 1
    y = np.zeros((len(x), len(W), out, out))
    for i in range(size):
        for j in range(size):
            window = x[:, :, i : i + out, j : j + out]
            y += np.einsum("nchw,fc->nfhw", window, W[:, :, size - 1 - i, size - 1 - j])
    return y + b[:, None, None]


def max_pool(x):
    n = x.shape[-1] // 2
    x = x[:, :, : 2 * n, : 2 * n].reshape(*x.shape[:2], n, 2, n, 2)
    return x.max(axis=(3, 5))


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """The same training twice, in two folders."""
    found = []
    for how_much in ("--verbose", "--quiet"):
        folder = tmp_path_factory.mktemp("run")
        done = script("--data", data, "--epochs", EPOCHS, "--seed", 5, how_much, cwd=folder)
        assert done.returncode == 0, done.stderr
        found.append((done, folder))
    return found


class TestScript:
    def test_a_seed_repeats_a_run_to_the_last_digit(self, runs):
        one, other = (load(folder) for _, folder in runs)
        for a, b in zip(one.get_all_params(), other.get_all_params(), strict=True):
            assert a.get_value().tobytes() == b.get_value().tobytes()
        for a, b in zip(one.train_history_, other.train_history_, strict=True):
            assert (a["train_loss"], a["valid_loss"]) == (b["train_loss"], b["valid_loss"])
        # What is printed is no more than that; one of the two runs printed its last line only.
        assert runs[1][0].stdout == runs[0][0].stdout.splitlines(keepends=True)[-1]
        assert runs[1][0].stderr == ""

    def test_what_it_prints(self, runs):
        out = runs[0][0].stdout
        assert "\033" not in out
        lines = out.splitlines()
        start = lines.index("  InputLayer        \t(None, 1, 96, 96)   \tproduces    9216 outputs")
        assert lines[start + 10 : start + 13] == [
            "",
            " Epoch  |  Train loss  |  Valid loss  |  Train / Val  |  Dur",
            "--------|--------------|--------------|---------------|-------",
        ]
        number = r" {4}\d\.\d{6}"
        end = start + 13 + EPOCHS
        for epoch, line in enumerate(lines[start + 13 : end], 1):
            pattern = rf" {{5}}{epoch}  \|{number}  \|{number}  \| {number}  \|  \d+\.\d+s"
            assert re.fullmatch(pattern, line)
        loss = load(runs[0][1]).train_history_[-1]["valid_loss"]
        assert lines[end:] == [f"RMSE of epoch {EPOCHS}: {loss**0.5 * 48:.4f} pixels"]

    def test_what_verbose_adds(self, runs):
        log = runs[0][0].stderr
        for text in ("Theano 1.0.5", "compiler ", "compile directory ", "compiled in "):
            assert text in log
        assert "kaggle faces\n" in log
        assert f"X ({FACES}, 1, 96, 96), y ({FACES}, 30)\n" in log

    def test_its_pickle(self, runs):
        net = load(runs[0][1])
        assert (net.max_epochs, len(net.train_history_)) == (EPOCHS, EPOCHS)
        assert net.trained_on_ == "kaggle"
        assert [path.name for path in runs[0][1].iterdir()] == ["net2.pickle"]
        size = (runs[0][1] / "net2.pickle").stat().st_size
        weights = sum(p.get_value().nbytes for p in net.get_all_params())
        assert 2 * weights < size < 2 * weights + 50_000

    def test_a_prediction_in_a_fresh_process(self, runs, tmp_path):
        np.save(tmp_path / "X.npy", X)
        done = fresh_python(
            "-c",
            "import pickle, numpy, sys\n"
            "y = pickle.load(open(sys.argv[1], 'rb')).predict(numpy.load('X.npy'))\n"
            "numpy.save('y.npy', y)",
            runs[0][1] / "net2.pickle",
            cwd=tmp_path,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert np.load(tmp_path / "y.npy").tobytes() == load(runs[0][1]).predict(X).tobytes()

    def test_a_bad_value(self, tmp_path):
        done = script("--epochs", "many", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "net2.py: error: argument --epochs: expected a whole number, got 'many'\n"
        )

    def test_the_folder_goes_while_it_trains(self, data, tmp_path, monkeypatch):
        gone, temporary = tmp_path / "gone", tmp_path / "temporary"
        gone.mkdir()
        temporary.mkdir()

        def small_net(handler):
            return NeuralNet(
                [("input", layers.InputLayer), ("output", layers.DenseLayer)],
                input_shape=(None, 1, 96, 96), output_num_units=30, output_nonlinearity=None,
                update_learning_rate=1e-4, regression=True, on_epoch_finished=[handler],
            )  # fmt: skip

        module = sys.modules["net2"]
        monkeypatch.setattr(module, "net2", small_net(Removing(gone)))
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        monkeypatch.setenv("KFKD_DATA", str(data))
        out = str(gone / "net2.pickle")
        monkeypatch.setattr(sys, "argv", ["net2.py", "--epochs", "1", "--out", out])
        with pytest.raises(WriteError) as caught:
            module.main()
        (rescued,) = temporary.iterdir()
        assert str(caught.value).startswith(f"cannot write {out} (No such file or directory); ")
        assert str(caught.value).endswith(f"; saved {rescued} instead")
        with rescued.open("rb") as f:
            assert len(pickle.load(f).train_history_) == 1


class Removing:
    """A handler that removes a folder, once."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, nn, train_history):
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def slow_import(tmp_path_factory):
    """The environment of a process that never comes to the end of importing Lasagne."""
    folder = tmp_path_factory.mktemp("slow")
    (folder / "lasagne.py").write_text(
        "import time\nprint('importing', flush=True)\ntime.sleep(600)\n"
    )
    return {"PYTHONPATH": str(folder)}


class TestCtrlC:
    def test_while_training(self, data, tmp_path):
        (tmp_path / "net2.pickle").write_text("old")
        process = start("--data", data, cwd=tmp_path)
        until(process, "     2  |")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert process.returncode == 130
        done = len(load(tmp_path).train_history_)
        assert done >= 2
        stopping, stopped, how = err.strip().splitlines()
        assert stopping == "stopping after this batch (Ctrl-C again: at once)"
        assert re.fullmatch(
            rf"stopped by Ctrl-C after epoch {done}( \(and \d+ batch(es)? of the next\))?; "
            r"saved net2\.pickle",
            stopped,
        )
        assert how == f"to resume: python {ROOT / 'net2.py'} --data {data}"
        assert out.splitlines()[-1].startswith(f"RMSE of epoch {done}: ")

    @pytest.mark.parametrize("text", ["left_eye_center_x", None])
    def test_before_the_first_batch(self, text, data, tmp_path, slow_import):
        (tmp_path / "net2.pickle").write_text("old")
        process = start("--data", data, cwd=tmp_path, **({} if text else slow_import))
        until(process, text or "importing")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert process.returncode == 130
        assert err == f"net2.py: stopped by Ctrl-C{'; nothing saved' if text else ''}\n"
        assert (tmp_path / "net2.pickle").read_text() == "old"
        assert len(list(tmp_path.iterdir())) == 1


class TestGoingOn:
    @pytest.mark.parametrize("device", ["cpu", pytest.param("torch:cpu", marks=pytest.mark.long)])
    def test_after_sigkill_and_sigterm(self, device, data, runs, tmp_path):
        arguments = ("--data", data, "--epochs", EPOCHS, "--seed", 5)
        alone, stopped = runs[0][1], tmp_path / "stopped"
        stopped.mkdir()
        if device != "cpu":
            pytest.importorskip(
                "torch", reason="needs PyTorch: pip install -r requirements-gpu.txt"
            )
            arguments += ("--device", device)
            alone = tmp_path
            assert script(*arguments, cwd=alone).returncode == 0

        process = start(*arguments, "--checkpoint", 0, cwd=stopped)
        until(process, "     1  |")
        process.kill()
        process.communicate()

        process = start(*arguments, "--checkpoint", 0, cwd=stopped)
        until(process, "     2  |")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
        assert process.returncode == 143
        assert "stopped by SIGTERM after epoch " in err
        assert "to resume: python " in err

        done = script(*arguments, cwd=stopped)
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith("resuming after epoch ")
        one, two = load(alone), load(stopped)
        assert weights(one) == weights(two)
        assert losses(one) == losses(two)
        assert [path.name for path in stopped.iterdir()] == ["net2.pickle"]

    def test_two_at_once(self, data, tmp_path):
        first = start("--data", data, cwd=tmp_path)
        until(first, "     1  |")
        first.send_signal(signal.SIGSTOP)  # alive, and takes no processor from the second
        second = script("--data", data, cwd=tmp_path)
        first.kill()
        first.communicate()
        assert second.returncode == 2
        assert second.stderr == (
            f"net2.py: error: {tmp_path / 'net2.checkpoints'}: another run is at work here "
            f"(process {first.pid} on {socket.gethostname()}); wait for its end, or use another "
            "--out\n"
        )

    def test_weights_without_a_pickle(self, data, tmp_path):
        done = script(
            "--data", data, "--epochs", 1, "--weights", "w.safetensors", "--best", cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        assert "restored the weights of epoch 1, valid_loss " in done.stdout
        loaded = load_weights(clone(net2), tmp_path / "w.safetensors")
        assert loaded.predict(X).tobytes() == load(tmp_path).predict(X).tobytes()


def weights(net):
    return [p.get_value().tobytes() for p in net.get_all_params()]


def losses(net):
    return [(row["train_loss"], row["valid_loss"]) for row in net.train_history_]


def start(*arguments, cwd, **environment):
    variables = {k: v for k, v in os.environ.items() if k != "THEANO_FLAGS"}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "net2.py"), *map(str, arguments)],
        cwd=cwd,
        env=variables | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(process, start_of_line):
    for line in process.stdout:
        if line.startswith(start_of_line):
            return
    raise AssertionError(process.stderr.read())


def load(folder):
    with (folder / "net2.pickle").open("rb") as f:
        return pickle.load(f)
