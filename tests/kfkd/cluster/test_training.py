"""The task that trains a net: the same net wherever it goes on."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import math
import pickle
import threading

import numpy as np
import pytest

from kfkd.cluster import training
from kfkd.cluster.training import clear, train
from tests.tiny_nets import X, Y, outcome, tiny
from theano_today.errors import RunningError, WriteError
from theano_today.training.checkpoints import generations
from theano_today.training.checkpoints.lock import FolderLock

FULL = "No space left on device"


def net(**changed):
    return tiny(random_state=3, dropout=True, **changed)


def loaded(content):
    """A pickled net with its velocities in place."""
    net = pickle.loads(content)
    net.initialize()
    return net


class Stop:
    only_for_this_run = True

    def __init__(self, epoch):
        self.epoch = epoch

    def __call__(self, nn, history):
        if len(history) == self.epoch:
            raise RuntimeError("the worker is killed")


def test_result(tmp_path):
    path = tmp_path / "nets" / "net-1.pickle"
    result = train(net(), str(path), 60, X, Y, {"valid": X[:4]})
    expected = net().fit(X, Y)
    assert outcome(loaded(path.read_bytes())) == outcome(expected)
    losses = [row["valid_loss"] for row in expected.train_history_]
    assert result["loss"] == losses[-1]
    assert (result["best"], result["epoch"]) == (min(losses), 1 + int(np.argmin(losses)))
    np.testing.assert_array_equal(result["predicted"]["valid"], expected.predict(X[:4]))
    assert (result["epochs"], result["pickle"], result["lines"]) == (3, None, [])
    clear(path)
    assert [p.name for p in path.parent.iterdir()] == ["net-1.pickle"]


def test_goes_on_in_another_thread(tmp_path):
    path = tmp_path / "net-1.pickle"
    stopped = net()
    stopped.on_epoch_finished = [Stop(2)]
    with pytest.raises(RuntimeError):
        train(stopped, str(path), 0, X, Y)
    results = []
    # As a worker of Dask's does, while others draw from Python's numbers.
    thread = threading.Thread(target=lambda: results.append(train(net(), str(path), 0, X, Y)))
    thread.start()
    thread.join()
    (line,) = results[0]["lines"]
    assert line.startswith("resuming after ")
    assert outcome(loaded(path.read_bytes())) == outcome(net().fit(X, Y))


def test_after_the_end(tmp_path):
    """Killed after it was trained, before the result came."""
    path = str(tmp_path / "net-1.pickle")
    first, second = train(net(), path, 0, X, Y), train(net(), path, 0, X, Y)
    assert second["loss"] == first["loss"]
    assert second["epochs"] == first["epochs"]


def test_diverged(tmp_path):
    path = tmp_path / "net-1.pickle"
    result = train(net(update_learning_rate=1e20), str(path), 60, X, Y)
    assert math.isinf(result["loss"])
    assert not path.exists()


def test_waits_for_a_worker_that_lives_on(tmp_path, monkeypatch):
    path = tmp_path / "net-1.pickle"
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        monkeypatch.undo()  # the other one has left

    def locked(*arguments):
        raise RunningError("another run is at work here")

    monkeypatch.setattr(generations, "FolderLock", locked)
    monkeypatch.setattr(training.time, "sleep", sleep)
    train(net(), str(path), 60, X, Y)
    assert waited == [1]
    assert generations.FolderLock is FolderLock


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, FULL)

    monkeypatch.setattr(training, "atomic_write", full)
    result = train(net(), str(tmp_path / "net-1.pickle"), 60, X, Y)
    assert outcome(loaded(result["pickle"])) == outcome(net().fit(X, Y))
    assert any("the net was sent instead" in line for line in result["lines"])


def test_a_full_disk_where_theano_compiles(tmp_path, monkeypatch):
    def full(*arguments, **more):
        raise OSError(("The following error happened while compiling the node", 28, FULL))

    monkeypatch.setattr(training, "fit", full)
    monkeypatch.setattr(training.errors, "place", "worker 3 (tcp://host:1) on node7")
    with pytest.raises(WriteError, match=r"^worker 3 \(tcp://host:1\) on node7: ") as caught:
        train(net(), str(tmp_path / "net-1.pickle"), 60, X, Y)
    assert FULL in str(caught.value)
    assert "\n" not in str(caught.value)
