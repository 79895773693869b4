"""A search on worker processes that are killed: the rows and the net of one process."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import argparse
import json
import os
import pickle
import signal
import threading
import time

import pytest
from scipy.stats import loguniform, uniform
from sklearn.base import clone

from tests.clusters import REASON, XX, YY
from tests.tiny_nets import outcome, tiny
from theano_today.errors import DataError

pytest.importorskip("distributed", reason=REASON)

from kfkd.cluster.searching import HEADER, arguments, points, search

SPACE = {"learning_rate": loguniform(0.01, 0.1), "momentum": uniform(0.8, 0.1), "units": [3, 5]}
# What the tiny net has none of, and the rows show.
SPACE["filters"] = [1]


def options(folder, **changed):
    given = {
        "net": "tiny", "nets": 4, "epochs": 2, "seed": 1, "out": folder / "net2.pickle",
        "results": folder / "search.jsonl", "fresh": False, "quiet": False, "checkpoint": 60,
        "scheduler": None, "workers": 2,
    }  # fmt: skip
    return argparse.Namespace(**(given | changed))


def rows(folder):
    lines = (folder / "search.jsonl").read_text().splitlines()[1:]
    found = {row["name"]: row["loss"] for row in map(json.loads, lines)}
    assert len(found) == len(lines)  # nothing twice
    return found


def expected(count=4):
    """What one process trains, one net after the other."""
    nets = {}
    for i, point in enumerate(points(SPACE, count, 1), 1):
        net = clone(tiny()).set_params(max_epochs=2, random_state=1, **arguments(tiny(), point))
        nets[str(i)] = net.fit(XX, YY)
    return nets


def losses(nets):
    return {name: float(net.train_history_[-1]["valid_loss"]) for name, net in nets.items()}


def test_arguments():
    class Net:
        conv1_num_filters, conv2_num_filters, hidden4_num_units = 32, 64, 500

    net = Net()
    vars(net).update(conv1_num_filters=32, conv2_num_filters=64, conv3_num_filters=128)
    vars(net).update(hidden4_num_units=500, hidden5_num_units=500, output_num_units=30)
    drawn = {"learning_rate": 0.5, "momentum": 0.9, "filters": 16, "units": 7, "regression": True}
    assert arguments(net, drawn) == {
        "update_learning_rate": 0.5, "update_momentum": 0.9, "regression": True,
        "conv1_num_filters": 16, "conv2_num_filters": 32, "conv3_num_filters": 64,
        "hidden4_num_units": 7, "hidden5_num_units": 7,
    }  # fmt: skip


def test_more_points_begin_with_fewer():
    assert points(SPACE, 9, 1)[:4] == points(SPACE, 4, 1)
    assert points(SPACE, 4, 2) != points(SPACE, 4, 1)


def test_the_table_fits_a_terminal():
    assert len(HEADER) <= 80


def kill_one_that_has_begun(folder):
    """Kill the worker that locks the first folder of checkpoints."""
    while True:
        for lock in folder.glob("*.nets/*/lock"):
            words = lock.read_text().split()
            if len(words) > 1 and int(words[1]) != os.getpid():
                os.kill(int(words[1]), signal.SIGKILL)
                return
        time.sleep(0.02)


@pytest.mark.long
def test_killed_and_stopped_and_gone_on(tmp_path, capsys):
    nets = expected()
    best = min(losses(nets), key=losses(nets).get)
    killer = threading.Thread(target=kill_one_that_has_begun, args=(tmp_path,))
    killer.start()
    assert search(tiny(), SPACE, XX, YY, options(tmp_path, nets=3)) == 0
    killer.join()
    assert rows(tmp_path) == {name: losses(nets)[name] for name in ("1", "2", "3")}
    # More nets than before: those that are there stay, and the best of all is chosen.
    capsys.readouterr()
    assert search(tiny(), SPACE, XX, YY, options(tmp_path)) == 0
    shown = capsys.readouterr().out
    assert "3 of 4 nets are in" in shown
    assert f"the best of 4: net {best}, RMSE" in shown
    assert max(len(line) for line in shown.splitlines() if str(tmp_path) not in line) <= 80
    assert rows(tmp_path) == losses(nets)
    # The best net of all, unless it was among the first three: then it is where it was.
    net = pickle.loads((tmp_path / "net2.pickle").read_bytes())
    net.initialize()
    assert outcome(net) == outcome(nets[best])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net2.pickle", "search.jsonl"]
    # All are there: nothing is started.
    assert search(tiny(), SPACE, XX, YY, options(tmp_path)) == 0
    with pytest.raises(DataError, match="differs in epochs"):
        search(tiny(), SPACE, XX, YY, options(tmp_path, epochs=3))
