"""--live and --tensorboard while a small net trains."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pickle
import time
from argparse import Namespace

import numpy as np
import pytest
from lasagne import layers
from nolearn.lasagne import NeuralNet

from kfkd import live, run, snapshots
from theano_today.training.session import Plan

X = np.random.RandomState(0).uniform(size=(100, 1, 96, 96)).astype(np.float32)
Y = np.random.RandomState(1).uniform(-0.5, 0.5, size=(100, 30)).astype(np.float32)


def net(**changed):
    arguments = {
        "layers": [
            ("input", layers.InputLayer), ("pool1", layers.MaxPool2DLayer),
            ("output", layers.DenseLayer),
        ],
        "input_shape": (None, 1, 96, 96), "pool1_pool_size": (8, 8), "output_num_units": 30,
        "output_nonlinearity": None, "regression": True, "update_learning_rate": 0.01,
    }  # fmt: skip
    return NeuralNet(**arguments | changed)


def options(tmp_path, **changed):
    defaults = {
        "epochs": 3, "seed": 1, "live": True, "tensorboard": None, "plan": Plan(),
        "out": tmp_path / "mine.pickle",
    }  # fmt: skip
    return Namespace(**defaults | changed)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(live, "EVERY", 0)
    monkeypatch.setattr(live, "SHARE", 1)
    monkeypatch.setenv("KFKD_DATA", "")


def test_page_and_snapshots(tmp_path):
    trained = net()
    run.fit(trained, X, Y, options(tmp_path))
    page = (tmp_path / "mine.html").read_text()
    assert "mine: ended, epoch 3 of 3" in page
    assert f"validation loss {trained.train_history_[-1]['valid_loss']:.6f}" in page
    kept = snapshots.read(tmp_path / "mine.snapshots.npz")
    assert kept.epochs in ([1, 2, 3], [1, 3], [2, 3], [3])  # as fast as the disk is
    np.testing.assert_allclose(kept.points[-1], trained.predict(X[:16]), atol=1e-6)
    np.testing.assert_array_equal(kept.truth, Y[:16])
    assert pickle.loads(pickle.dumps(trained)).on_epoch_finished == []


def test_the_training_is_the_same(tmp_path):
    losses = []
    for wanted in (True, False):
        trained = net()
        run.fit(trained, X, Y, options(tmp_path, live=wanted))
        losses.append([row["train_loss"] for row in trained.train_history_])
    assert losses[0] == losses[1]


def test_the_next_one_waits_for_its_share(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "SHARE", 1 / 1000)
    watcher = live.Live(net(), X, Y, tmp_path / "mine.pickle", 3)
    begun = time.monotonic()
    watcher.update(None, [])
    took = time.monotonic() - begun
    assert watcher._due - begun > 100 * took


def test_no_faces_to_validate_with(tmp_path):
    from nolearn.lasagne import TrainSplit

    run.fit(net(train_split=TrainSplit(eval_size=0)), X[:20], Y[:20], options(tmp_path))
    assert "ended" in (tmp_path / "mine.html").read_text()
    assert not (tmp_path / "mine.snapshots.npz").exists()


def test_a_disk_that_is_full_is_said_once(tmp_path, monkeypatch, capsys):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(live, "atomic_write", full)
    run.fit(net(), X, Y, options(tmp_path))
    assert capsys.readouterr().err.count("no page for --live") == 1
