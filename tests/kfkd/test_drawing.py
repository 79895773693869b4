"""The pictures that are not the tutorial's own, and where pictures go."""

import inspect
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb

from kfkd import drawing
from tests.legible import assert_legible, legend_labels
from theano_today.errors import WriteError


@pytest.fixture(autouse=True)
def style():
    matplotlib.use("agg")
    with pyplot.rc_context(drawing.STYLE):
        yield
    pyplot.close("all")


class TestFaces:
    def test_plot_sample(self):
        assert list(inspect.signature(drawing.plot_sample).parameters) == ["x", "y", "axis"]
        _, axis = pyplot.subplots()
        y = np.zeros(30)
        y[0], y[1], y[28], y[29] = 0.25, -0.5, 2, 0  # the last one is beyond the edge
        drawing.plot_sample(np.arange(9216) / 9216, y, axis)
        (image,) = axis.get_images()
        assert image.get_array().shape == (96, 96)
        assert image.get_cmap().name == "gray"
        points = axis.collections[0].get_offsets()
        assert points.shape == (15, 2)
        assert points[0].tolist() == [60, 24]
        assert axis.get_xlim() == (-0.5, 95.5)
        assert axis.get_ylim() == (95.5, -0.5)

    def test_worst_and_best(self):
        X = np.arange(12)[:, None, None, None] * np.ones((12, 1, 96, 96))
        y = np.zeros((12, 30))
        miss = np.array([3, 1, 2, 8, 5, 4, 9, 6, 7, 0.5, 10, 11])
        y_pred = y + miss[:, np.newaxis] / 48
        figure = drawing.plot_worst_and_best(X, y, y_pred, "a title")
        assert [axis.get_xlabel() for axis in figure.axes] == [
            f"{rmse} pixels"
            for rmse in [
                "11.0",
                "10.0",
                "9.00",
                "8.00",
                "7.00",
                "0.500",
                "1.00",
                "2.00",
                "3.00",
                "4.00",
            ]
        ]
        assert [axis.get_images()[0].get_array()[0, 0] for axis in figure.axes[:2]] == [11, 10]
        assert [figure.axes[i].get_ylabel() for i in (0, 5)] == ["worst", "best"]
        assert legend_labels(figure) == ["true", "predicted"]
        true, predicted = figure.axes[0].collections
        assert true.get_offsets()[0].tolist() == [48, 48]
        assert predicted.get_offsets()[0].tolist() == pytest.approx([59, 59])
        assert not np.array_equal(true.get_edgecolor(), predicted.get_edgecolor())
        assert_legible(figure)

    def test_fewer_than_five_faces(self):
        y = np.zeros((2, 30))
        assert drawing.plot_worst_and_best(np.zeros((2, 9216)), y, y, "")


class TestKeypointErrors:
    def test_bars_are_mean_distances(self):
        y = np.zeros((3, 30))
        y_pred = np.repeat([[0, 0, 0.003, 0.004]], 3, axis=0)
        y_pred = np.hstack([y_pred, np.zeros((3, 26))])
        nose = 2 * drawing.NAMES.index("nose tip")
        y_pred[:, nose] = [3 / 48, -3 / 48, 0]
        y_pred[:, nose + 1] = [4 / 48, 4 / 48, 22 / 48]  # 5, 5 and 22 pixels away
        figure = drawing.plot_keypoint_errors(y, y_pred, "a title")
        (axis,) = figure.axes
        names = [label.get_text() for label in axis.get_yticklabels()]
        assert sorted(names) == sorted(drawing.NAMES)
        assert names[-2:] == ["right eye center", "nose tip"]  # the top is the worst
        widths = [bar.get_width() for bar in axis.patches]
        assert widths == sorted(widths)
        assert widths[-2:] == pytest.approx([0.24, 32 / 3])
        assert [text.get_text().strip() for text in axis.texts][-2:] == ["0.240", "10.7"]
        (medians,) = axis.get_lines()
        assert medians.get_xdata()[-1] == pytest.approx(5)
        assert legend_labels(figure) == ["median"]
        assert axis.get_xlabel() == "mean distance from the true point (pixels)"
        assert_legible(figure)

    def test_numbers_keep_clear_of_the_medians(self):
        y_pred = np.zeros((5, 30))
        y_pred[1:] = 10 / 48
        figure = drawing.plot_keypoint_errors(np.zeros((5, 30)), y_pred, "")
        assert_legible(figure)
        (medians,) = figure.axes[0].get_lines()
        right = medians.get_transform().transform(medians.get_xydata())[:, 0]
        for text, edge in zip(figure.axes[0].texts, right, strict=True):
            assert text.get_window_extent().x0 >= edge

    def test_colors_tell_the_features(self):
        truth = np.random.default_rng(1).uniform(-0.8, 0.8, (40, 30))
        figure = drawing.plot_keypoint_errors(truth, 1.1 * truth, "")
        color = {
            label.get_text(): bar.get_facecolor()[:3]
            for label, bar in zip(
                figure.axes[0].get_yticklabels(), figure.axes[0].patches, strict=True
            )
        }
        assert color["left eye center"] == to_rgb(drawing.BLUE)
        assert color["left eyebrow inner end"] == to_rgb(drawing.SKY)
        assert color["nose tip"] == to_rgb(drawing.ORANGE)
        assert color["mouth left corner"] == to_rgb(drawing.PURPLE)

    def test_keypoints_have_the_order_of_the_csv(self):
        assert len(drawing.NAMES) == 15
        assert drawing.NAMES[0] == "left eye center"
        assert drawing.NAMES[10] == "nose tip"
        assert drawing.NAMES[14] == "mouth center bottom lip"


def fail_half_way(file, format):
    file.write(b"half")
    raise OSError(28, "disk is full")


def test_a_failed_write_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_text("old")
    figure = pyplot.figure()
    monkeypatch.setattr(figure, "savefig", fail_half_way)
    with pytest.raises(WriteError, match="disk is full"):
        drawing.save(path, figure)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


class TestWindows:
    @pytest.fixture
    def display(self, monkeypatch):
        """A display, as far as matplotlib can tell."""
        monkeypatch.setattr(pyplot, "switch_backend", lambda name: None)
        monkeypatch.setattr(pyplot, "get_backend", lambda: "TkAgg")

    def test_no_display(self, monkeypatch, capsys):
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            monkeypatch.delenv(name, raising=False)
        assert drawing.use_windows(True) is False
        assert "no display" in capsys.readouterr().out
        assert matplotlib.get_backend().lower() == "agg"

    def test_no_toolkit(self, monkeypatch, capsys):
        def switch_backend(name):
            raise ImportError("no tkinter")

        monkeypatch.setattr(pyplot, "switch_backend", switch_backend)
        assert drawing.use_windows(True) is False
        assert len(capsys.readouterr().out.splitlines()) == 1

    @pytest.mark.usefixtures("display")
    def test_shown_at_a_terminal(self, monkeypatch):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        assert drawing.use_windows(None) is True
        assert drawing.use_windows(False) is False
