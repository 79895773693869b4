"""Names that matplotlib dropped."""

from __future__ import annotations

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import to_rgba  # noqa: E402


@pytest.fixture
def axes():
    figure = plt.figure()
    yield figure.add_subplot(111)
    plt.close(figure)


def test_colors_of_lines(axes):
    axes.set_color_cycle(["r", "g"])
    lines = [axes.plot([0, 1])[0].get_color() for _ in range(3)]
    assert lines == ["r", "g", "r"]
    axes.set_color_cycle(None)
    assert to_rgba(axes.plot([0, 1])[0].get_color()) == to_rgba("C0")


def test_background(axes):
    for made in (
        plt.subplot(2, 2, 1, axisbg="red"),
        axes.figure.add_subplot(2, 2, 2, axisbg="red"),
        plt.axes([0.1, 0.1, 0.2, 0.2], axisbg="red"),
    ):
        assert made.get_facecolor() == made.get_axis_bgcolor() == to_rgba("red")
    axes.set_axis_bgcolor("blue")
    assert axes.get_facecolor() == to_rgba("blue")
    with pytest.raises(AttributeError, match="nonsense"):
        plt.subplot(2, 2, 3, nonsense="red")


def test_hold(axes):
    plt.hold(True)
    axes.hold(True)
    plt.hold()
    axes.plot([0, 1])
    axes.plot([1, 0])
    assert len(axes.lines) == 2
    assert plt.ishold()
    with pytest.warns(UserWarning, match="cla"):
        plt.hold(False)
