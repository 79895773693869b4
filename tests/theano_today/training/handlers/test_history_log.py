"""The history in a file: whole at every moment, and never a line twice."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import csv
import json
import pickle

import pandas as pd
import pytest
from nolearn.lasagne import TrainSplit

from tests.tiny_nets import X, Y, tiny
from theano_today.errors import DataError, WriteError
from theano_today.training.handlers.history_log import HistoryLog


def test_csv(tmp_path):
    path = tmp_path / "history.csv"
    net = tiny(on_epoch_finished=[HistoryLog(path)])
    net.fit(X, Y)
    with path.open(newline="") as f:
        rows = list(csv.DictReader(f))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    assert [float(row["valid_loss"]) for row in rows] == [
        row["valid_loss"] for row in net.train_history_
    ]
    assert list(pd.read_csv(path).columns) == list(net.train_history_[0])


def test_json_lines(tmp_path):
    path = tmp_path / "history.jsonl"
    net = tiny(on_epoch_finished=[HistoryLog(path)], train_split=TrainSplit(eval_size=0))
    net.fit(X, Y)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["train_loss"] for row in rows] == [row["train_loss"] for row in net.train_history_]
    assert {row["valid_loss"] for row in rows} == {None}  # no NaN in JSON
    assert rows[0]["train_loss_best"] is True


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_run_that_goes_on_repeats_no_line(ending, tmp_path):
    path = tmp_path / f"history.{ending}"
    first = tiny(on_epoch_finished=[HistoryLog(path)])
    first.fit(X, Y)
    lines = path.read_text().splitlines()
    again = tiny(on_epoch_finished=[HistoryLog(path)])
    again.train_history_ = first.train_history_[:1]  # as from a checkpoint after epoch 1
    again.fit(X, Y, epochs=2)
    assert len(path.read_text().splitlines()) == len(lines)
    again.fit(X, Y, epochs=1)
    assert len(path.read_text().splitlines()) == len(lines) + 1


def test_pickled(tmp_path):
    net = tiny(on_epoch_finished=[HistoryLog(tmp_path / "a.csv")], max_epochs=1).fit(X, Y)
    (handler,) = pickle.loads(pickle.dumps(net)).on_epoch_finished
    assert handler._rows == 0


def test_bad_paths(tmp_path):
    with pytest.raises(DataError, match=r"history\.txt: a history is written to a \.csv or a"):
        HistoryLog("history.txt")
    net = tiny(on_epoch_finished=[HistoryLog(tmp_path / "gone" / "a.csv")])
    with pytest.raises(WriteError):
        net.fit(X, Y)
