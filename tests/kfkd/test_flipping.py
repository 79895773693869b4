"""Mirrored faces, by the names of their keypoints."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
from lasagne import layers
from nolearn.lasagne import NeuralNet

from kfkd.flipping import FlipBatchIterator
from kfkd.keypoints import COLUMNS

RANDOM = np.random.RandomState(0)


def faces(count, columns=COLUMNS):
    X = RANDOM.uniform(size=(count, 1, 96, 96)).astype(np.float32)
    return X, RANDOM.uniform(-1, 1, size=(count, len(columns))).astype(np.float32)


def mirrored(y, columns=COLUMNS):
    """One face's coordinates after left and right have changed places."""
    other = {"left": "right", "right": "left"}
    found = []
    for name in columns:
        words = [other.get(word, word) for word in name.split("_")]
        value = y[columns.index("_".join(words))]
        found.append(-value if name.endswith("_x") else value)
    return np.array(found)


def check(X, y, Xb, yb, columns=COLUMNS):
    flipped = 0
    for before, points, after, moved in zip(X, y, Xb, yb, strict=True):
        if np.array_equal(before, after):
            np.testing.assert_array_equal(points, moved)
            continue
        flipped += 1
        np.testing.assert_array_equal(before[:, :, ::-1], after)
        np.testing.assert_array_equal(mirrored(points, columns), moved)
    assert flipped == len(X) // 2


@pytest.mark.parametrize("count", [1, 2, 7, 128])
def test_half_of_a_batch(count):
    X, y = faces(count)
    check(X, y, *FlipBatchIterator(batch_size=128).transform(X.copy(), y.copy()))


def test_each_batch_by_numpys_own_numbers():
    X, y = faces(10)
    chosen = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        iterator = FlipBatchIterator(batch_size=4)
        chosen.append(np.concatenate([Xb for Xb, _ in iterator(X.copy(), y.copy())]))
    assert np.array_equal(chosen[0], chosen[1])
    assert not np.array_equal(chosen[0], chosen[2])


def test_without_targets():
    X, _ = faces(6)
    Xb, yb = FlipBatchIterator(batch_size=128).transform(X.copy(), None)
    assert yb is None
    assert sum(not np.array_equal(a, b) for a, b in zip(X, Xb, strict=True)) == 3


def test_the_callers_faces_are_left_alone():
    X, y = faces(20)
    X0, y0 = X.copy(), y.copy()
    NeuralNet(
        [("input", layers.InputLayer), ("output", layers.DenseLayer)],
        input_shape=(None, 1, 96, 96), output_num_units=30, regression=True, max_epochs=1,
        update_learning_rate=0.01, batch_iterator_train=FlipBatchIterator(batch_size=8),
    ).fit(X, y)  # fmt: skip
    np.testing.assert_array_equal(X, X0)
    np.testing.assert_array_equal(y, y0)
