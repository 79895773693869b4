"""TrainSplit gives the rows that nolearn's own gave, as views where that is safe."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
from nolearn.lasagne import BatchIterator, TrainSplit

from tests.tiny_nets import X, Y, tiny


class Flip(BatchIterator):
    def transform(self, Xb, yb):
        return Xb[:, ::-1], yb


def split(how=None, **arguments):
    data, targets = X.copy(), Y.copy()
    net = tiny(**arguments)
    parts = (how or TrainSplit(0.2))(data, targets, net)
    shared = [np.shares_memory(part, data) for part in parts[:2]]
    shared += [np.shares_memory(part, targets) for part in parts[2:]]
    return parts, shared


def test_the_first_fifth_validates():
    (X_train, X_valid, y_train, y_valid), shared = split()
    assert all(shared)
    np.testing.assert_array_equal(X_valid, X[:4])
    np.testing.assert_array_equal(X_train, X[4:])
    np.testing.assert_array_equal(y_valid, Y[:4])
    np.testing.assert_array_equal(y_train, Y[4:])


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_iterator_train": BatchIterator(4, shuffle=True)},
        {"batch_iterator_train": Flip(4)},
        {"batch_iterator_test": Flip(4)},
    ],
)
def test_iterators_that_might_write_get_copies(arguments):
    parts, shared = split(**arguments)
    assert not any(shared)
    for part, expected in zip(parts, split()[0], strict=True):
        np.testing.assert_array_equal(part, expected)


def test_no_validation_set():
    (X_train, X_valid, _, y_valid), _ = split(TrainSplit(eval_size=0))
    assert (len(X_train), len(X_valid), len(y_valid)) == (20, 0, 0)


def test_several_inputs():
    data = {"a": X, "b": X[:, :2]}
    train, valid, *_ = TrainSplit(0.2)(data, Y, tiny())
    np.testing.assert_array_equal(train["b"], X[4:, :2])
    np.testing.assert_array_equal(valid["a"], X[:4])


def test_stratified_as_ever():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int32)
    net = tiny(regression=False)
    _, _, y_train, y_valid = TrainSplit(0.25)(X[:8], labels, net)
    assert sorted(y_valid) == [0, 1]
    assert len(y_train) == 6


def test_fewer_rows_than_folds():
    with pytest.raises(ValueError, match="n_folds must be from 2 to the number of samples, 3"):
        TrainSplit(0.2)(X[:3], Y[:3], tiny())
