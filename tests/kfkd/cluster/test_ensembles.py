"""Ensembles on worker processes: killed, on a full disk, stopped; the nets of one process."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import argparse
import os
import pickle
import resource
import signal
import threading
import time

import numpy as np
import pytest
from sklearn.base import clone

from tests.clusters import REASON, XX, YY
from tests.tiny_nets import outcome, tiny

pytest.importorskip("distributed", reason=REASON)

from kfkd.cluster import ensembles
from kfkd.cluster.ensembles import Mean, ensemble, table
from kfkd.cluster.work import Cluster
from kfkd.nets import load_nets


class Slow:
    """A handler that gives a test the time to kill its worker in the middle of a net."""

    def __call__(self, net, history):
        time.sleep(0.2)


def net(**changed):
    return tiny(dropout=True, max_epochs=4, **changed)


def options(folder, **changed):
    given = {
        "net": "tiny", "nets": 3, "epochs": None, "seed": 5, "out": folder / "ensemble.pickle",
        "folder": folder / "ensemble", "fresh": False, "quiet": False, "checkpoint": 0,
        "scheduler": None, "workers": 2,
    }  # fmt: skip
    return argparse.Namespace(**(given | changed))


@pytest.fixture(scope="module")
def expected():
    """What one process trains, one net after the other."""
    return [clone(net()).set_params(random_state=seed).fit(XX, YY) for seed in (5, 6, 7)]


def same_nets(folder, expected):
    mean = pickle.loads((folder / "ensemble.pickle").read_bytes())
    for trained, other in zip(mean.nets, expected, strict=True):
        trained.initialize()
        assert outcome(trained) == outcome(other)
    together = np.mean([n.predict(XX).astype(np.float64) for n in expected], 0)
    np.testing.assert_allclose(mean.predict(XX), together, rtol=1e-12)


def test_mean(expected, tmp_path):
    path = tmp_path / "ensemble.pickle"
    path.write_bytes(pickle.dumps(Mean(expected)))
    same_nets(tmp_path, expected)
    # It passes for a net where one is loaded.
    (loaded,) = load_nets(path).values()
    assert loaded.predict(XX).shape == YY.shape


def test_table():
    lines = table([("42", 2.0, 2.0), ("43", 2.25, 1.75)])
    assert lines[-1].split() == ["2", "43", "2.250", "1.750", "-0.250"]
    assert lines[-2].split()[-1] == "-"
    assert len({len(line) for line in lines[1:]}) == 1


def kill_in_the_middle(folder):
    """Kill the worker of the first net that has a checkpoint."""
    while True:
        for path in folder.glob("ensemble/*/checkpoint-*2.safetensors"):
            try:
                os.kill(int((path.parent / "lock").read_text().split()[1]), signal.SIGKILL)
                return
            except (OSError, IndexError):
                continue
        time.sleep(0.01)


@pytest.mark.long
def test_killed_in_the_middle(tmp_path, expected, capsys):
    killer = threading.Thread(target=kill_in_the_middle, args=(tmp_path,))
    killer.start()
    assert ensemble(net(on_epoch_finished=[Slow()]), XX, YY, options(tmp_path, nets=2)) == 0
    killer.join()
    assert "resuming after" in capsys.readouterr().err  # on another worker, from its checkpoint
    # One more: the first two are not trained again.
    assert ensemble(net(on_epoch_finished=[Slow()]), XX, YY, options(tmp_path)) == 0
    shown = capsys.readouterr().out
    assert "2 of 3 nets are in" in shown
    assert "RMSE of the mean of 3 nets" in shown
    mean = pickle.loads((tmp_path / "ensemble.pickle").read_bytes())
    for trained, other in zip(mean.nets, expected, strict=True):
        trained.initialize()
        assert outcome(trained) == outcome(other)
    assert not list((tmp_path / "ensemble").glob("*.checkpoints"))


def compile_and_fill():
    """Compile what this test's nets need; then no file can be longer than some bytes."""
    clone(net()).set_params(random_state=1).fit(XX, YY).predict(XX)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


@pytest.mark.long
def test_a_full_disk(tmp_path, expected, capsys, monkeypatch):
    """No worker can write more than some bytes: nets come back by the network."""

    class Full(Cluster):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.client.run(compile_and_fill)

    monkeypatch.setattr(ensembles, "Cluster", Full)
    assert ensemble(net(), XX, YY, options(tmp_path)) == 0
    said = capsys.readouterr().err
    assert "net 1: worker " in said
    assert "the net was sent instead" in said
    assert "no checkpoint in " in said
    same_nets(tmp_path, expected)
