"""Batches of nets.py, and the flips of the tutorial's faces."""

import numpy as np
import pytest

from benchmarks.contestants.nets_data import BATCHES, FacesByBatches, Function


@pytest.mark.parametrize("name", list(BATCHES))
def test_batches(name):
    batch = BATCHES[name]
    x, y = batch.draw(3)
    assert x.shape == (3, *batch.x)
    assert x.dtype == np.float32
    if batch.classes:
        assert y.dtype == np.int32
        assert y.shape == (3,)
    else:
        assert y.dtype == np.float32
        assert y.shape == ((3, batch.targets) if batch.targets else x.shape)
    again, _ = batch.draw(3)
    np.testing.assert_array_equal(x, again)
    assert batch.draw(seed=1)[0].shape == (batch.size, *batch.x)


def test_flips():
    X = np.random.RandomState(0).uniform(size=(5, 1, 96, 96)).astype("float32")
    y = np.random.RandomState(1).uniform(size=(5, 30)).astype("float32")
    np.random.seed(3)
    flipped, targets = FacesByBatches.flip(X.copy(), y.copy())
    turned = [n for n in range(5) if (flipped[n] == X[n, :, :, ::-1]).all()]
    kept = [n for n in range(5) if (flipped[n] == X[n]).all()]
    assert len(turned) == 2
    assert sorted(turned + kept) == list(range(5))
    np.testing.assert_array_equal(targets[kept], y[kept])
    np.testing.assert_array_equal(targets[turned][:, [0, 1]], y[turned][:, [2, 3]] * [-1, 1])
    np.testing.assert_array_equal(targets[turned][:, [20, 21]], y[turned][:, [20, 21]] * [-1, 1])


def test_steps():
    steps = Function(lambda x, y: x + y, 2, 3, 7.0)
    answer = steps.answer(count=4)
    assert len(answer["seconds"]) == 4
    assert (answer["loss"], answer["multiplications"]) == (5.0, 7.0)
    assert answer["peak MiB"] > 1
