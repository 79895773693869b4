"""Batches and the clock of a contestant, against nolearn's own."""

import theano_today  # isort: skip  # noqa: F401

import numpy as np
import pytest
from nolearn.lasagne import BatchIterator, TrainSplit

from benchmarks.contestants import training
from benchmarks.contestants.training import BATCH, Training, batches, split, whole


class Regression:
    regression = True


@pytest.mark.parametrize("rows", [2140, 701, 12])
def test_the_faces_are_split_and_batched_as_nolearn_does(rows):
    X = np.arange(rows)
    y = 10 * X[:, None]
    n = split(rows)
    X_train, X_valid, _, y_valid = TrainSplit(eval_size=0.2)(X, y, Regression)
    np.testing.assert_array_equal(X_train, X[n:])
    np.testing.assert_array_equal(X_valid, X[:n])
    ours = list(batches(X[:n], y[:n]))
    theirs = list(BatchIterator(batch_size=BATCH)(X_valid, y_valid))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_a_part_of_the_batches():
    assert [len(x) for (x,) in batches(range(1712), full=3)] == [128, 128, 128, 48]
    assert [len(x) for (x,) in batches(range(256), full=1)] == [128]


def test_the_seconds_of_all_batches_from_a_part():
    assert whole([1.0, 3.0, 0.5], [128, 128, 48], rows=1712) == 13 * 2.0 + 0.5
    assert whole([1.0], [128], rows=256) == 2.0


class Counter(Training):
    """A contestant whose batches take as many seconds as they have faces."""

    def train(self, X, y):
        self.now += len(X)
        return float(X[0])

    validate = train


def test_an_epoch_and_a_part_of_one_take_the_same(tmp_path, monkeypatch):
    X = np.arange(2140)
    np.savez(tmp_path / "faces.npz", X=X, dithered=-X, y=X)
    np.savez(tmp_path / "initial.npz", np.ones(3), np.zeros(2))
    counter = Counter(str(tmp_path))
    counter.now = 0.0
    monkeypatch.setattr(training.time, "perf_counter", lambda: counter.now)
    np.testing.assert_array_equal(counter.initial[1], np.zeros(2))
    epoch = counter.epoch()
    assert epoch["seconds"] == 2140
    assert epoch["train"] == [float(428 + 128 * k) for k in range(14)]
    assert epoch["valid"] == [0, 128, 256, 384]
    part = counter.epoch(faces="dithered", part=True)
    assert part["seconds"] == 2140
    assert part["train"] == [-428, -556, -684, -812, -2092]
