"""Nets and specialists out of pickles; what is neither."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from kfkd.keypoints import COLUMNS
from kfkd.nets import load_nets, predict_columns, predict_keypoints
from theano_today.errors import DataError, MissingFileError

X = np.zeros((3, 1, 96, 96), np.float32)


class Net:
    """Predicts k / 48 for output k of every face, and knows the shape of its input."""

    train_split, train_history_ = None, ()

    def __init__(self, outputs, shape=(None, 1, 96, 96)):
        self.shape = shape
        self.outputs = outputs
        self.layers_ = {"input": SimpleNamespace(shape=shape)}

    def predict(self, X):
        assert X.shape[1:] == self.shape[1:]
        return np.tile(np.arange(self.outputs, dtype=np.float32) / 48, (len(X), 1))


def saved(tmp_path, content):
    path = tmp_path / "net.pickle"
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.mark.parametrize("shape", [(None, 1, 96, 96), (None, 9216)])
def test_one_net_has_all_columns(tmp_path, shape):
    nets = load_nets(saved(tmp_path, Net(30, shape)))
    predicted = predict_columns(nets, X)
    assert list(predicted) == list(COLUMNS)
    for k, column in enumerate(COLUMNS):
        np.testing.assert_allclose(predicted[column], np.full(3, 48 + k), rtol=1e-6)


def test_specialists(tmp_path):
    nets = load_nets(saved(tmp_path, {COLUMNS[4:6]: Net(2), COLUMNS[:3]: Net(3)}))
    predicted = predict_columns(nets, X)
    assert list(predicted) == [*COLUMNS[4:6], *COLUMNS[:3]]
    assert [values[0] for values in predicted.values()] == pytest.approx([48, 49, 48, 49, 50])


def test_keypoints_are_in_the_columns_order():
    nets = {COLUMNS[4:]: Net(26), COLUMNS[:4]: Net(4)}
    points = predict_keypoints(nets, X)
    assert points.shape == (3, 15, 2)
    np.testing.assert_allclose(points.reshape(3, 30)[1], [*range(48, 52), *range(48, 74)])
    with pytest.raises(DataError, match="nothing here predicts nose_tip_x"):
        predict_keypoints({COLUMNS[:20]: Net(20)}, X)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({}, "class dict"),
        ({COLUMNS[:2]: 3}, "class dict"),
        ([1], "class list"),
    ],
)
def test_something_else(tmp_path, content, says):
    path = saved(tmp_path, content)
    with pytest.raises(DataError, match=says):
        load_nets(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [({COLUMNS[:2]: Net(3)}, r"2 columns \(left_eye_center_x"), (Net(2), "30 columns")],
)
def test_other_outputs(tmp_path, content, says):
    nets = load_nets(saved(tmp_path, content))
    with pytest.raises(DataError, match=says):
        predict_columns(nets, X)


def test_no_file(tmp_path):
    with pytest.raises(MissingFileError, match=r"there is no .*net\.pickle"):
        load_nets(tmp_path / "net.pickle")
