"""Curves of several nets in one picture, and the table of their errors."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot

from kfkd import comparing
from kfkd.keypoints import COLUMNS, KEYPOINTS
from tests.legible import assert_legible, legend_labels
from theano_today.errors import DataError

X = np.zeros((4, 1, 96, 96), np.float32)
Y = np.random.RandomState(0).uniform(-0.5, 0.5, (4, 30)).astype(np.float32)


class Net:
    """Misses x by `miss` pixels, and y not at all."""

    def __init__(self, miss, columns=COLUMNS, epochs=30):
        self.layers_ = {"input": SimpleNamespace(shape=(None, 1, 96, 96))}
        self.places = [COLUMNS.index(column) for column in columns]
        self.miss = np.array([miss if c.endswith("_x") else 0 for c in columns]) / 48
        self.train_history_ = [
            {"epoch": i, "train_loss": 0.1 / i, "valid_loss": 0.12 / i}
            for i in range(1, epochs + 1)
        ]

    def predict(self, X):
        return (Y[:, self.places] + self.miss).astype(np.float32)


def nets(**misses):
    return {name: {COLUMNS: Net(miss)} for name, miss in misses.items()}


class TestTable:
    def test_rmse_of_a_keypoint_is_over_x_and_y(self):
        errors = comparing.keypoint_rmse({COLUMNS: Net(2)}, X, Y)
        np.testing.assert_allclose(errors, np.full(15, np.sqrt(2)), rtol=1e-5)

    def test_specialists_know_their_columns(self):
        parts = {columns: Net(i, columns) for i, columns in enumerate((COLUMNS[:4], COLUMNS[4:]))}
        errors = comparing.keypoint_rmse(parts, X, Y)
        np.testing.assert_allclose(errors[:2], 0, atol=1e-5)
        np.testing.assert_allclose(errors[2:], np.sqrt(0.5), rtol=1e-5)
        with pytest.raises(DataError, match="does not predict left_eye_inner_corner_x"):
            comparing.keypoint_rmse({COLUMNS[:4]: Net(1, COLUMNS[:4])}, X, Y)

    def test_five_fit_80_columns_and_the_best_has_a_star(self):
        errors = {f"a-long-name-{i}": np.full(15, 90.5 + i) for i in range(5)}
        errors["a-long-name-3"][4] = 1.25
        lines = comparing.table(errors)
        assert len(lines) == 1 + len(KEYPOINTS) + 1
        assert max(map(len, lines)) <= 80
        assert lines[0].split()[-1] == "..-name-4"
        assert lines[1].split()[-5:] == ["90.50*", "91.50", "92.50", "93.50", "94.50"]
        assert "1.25*" in lines[5]
        assert lines[-1].startswith("all")


class TestCurves:
    def test_legible_and_told_apart_without_colour(self):
        figure = comparing.plot_curves(nets(net2=1, net4=2, net8=3), "Learning curves")
        assert_legible(figure)
        lines = figure.axes[0].get_lines()
        valid = [line for line in lines if line.get_label().startswith("net")]
        assert len({str(line._dash_pattern) for line in valid}) == 3
        # One entry a net: with two, the legend of six nets covered their curves.
        assert legend_labels(figure) == ["net2", "net4", "net8"]
        pyplot.close("all")

    def test_specialists_have_a_curve_each(self):
        parts = {COLUMNS[:4]: Net(1, COLUMNS[:4]), COLUMNS[20:22]: Net(1, COLUMNS[20:22])}
        figure = comparing.plot_curves({"net-specialists": parts}, "Learning curves")
        assert legend_labels(figure) == ["left eye center", "nose tip"]
        pyplot.close("all")

    def test_the_tutorials_ends_beside_nets_that_know_kaggles_faces(self):
        many = nets(net2=1, net4=2, mine=1)
        for name in ("net4", "mine"):
            many[name][COLUMNS].trained_on_ = "kaggle"
        many["net2"][COLUMNS].trained_on_ = "generated"
        figure = comparing.plot_curves(many, "Learning curves")
        circles = {x.get_gid(): x for x in figure.axes[0].get_lines() if x.get_gid()}
        assert list(circles) == ["tutorial's net4"]
        assert circles["tutorial's net4"].get_xydata().tolist() == [[1000, 0.001387]]
        assert_legible(figure)
        pyplot.close("all")

    def test_no_finite_loss(self):
        broken = nets(net2=1)
        broken["net2"][COLUMNS].train_history_ = [{"valid_loss": np.nan, "epoch": 1}]
        with pytest.raises(DataError, match="no epoch"):
            comparing.plot_curves(broken, "Learning curves")


def test_names():
    assert comparing.names_of([Path("a/net2.pickle"), Path("net4.pickle")]) == ["net2", "net4"]
    found = comparing.names_of([Path("a/net2.pickle"), Path("net2.pickle")])
    assert found == [str(Path("a/net2")), "net2"]
