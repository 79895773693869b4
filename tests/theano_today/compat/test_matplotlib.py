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


@pytest.mark.filterwarnings("ignore:Overwriting the cmap")
def test_colormaps_by_name():
    from matplotlib.cm import get_cmap, register_cmap

    two = matplotlib.colors.ListedColormap(["red", "blue"], name="two")
    try:
        register_cmap("red_and_blue", two)
        plt.register_cmap(cmap=two)
        plt.register_cmap(cmap=two)  # again: a module that is reloaded
        assert get_cmap("red_and_blue")(1) == get_cmap("two")(1) == to_rgba("blue")
    finally:
        for name in ("red_and_blue", "two"):
            matplotlib.colormaps.unregister(name)
    assert get_cmap(two) is two
    assert get_cmap().name == matplotlib.rcParams["image.cmap"]
    assert get_cmap("gray", 3).N == 3
    with pytest.raises(ValueError, match="gray"):
        register_cmap("gray", two)


@pytest.mark.filterwarnings("error")
def test_styles_of_ones_own(tmp_path):
    from matplotlib import style

    (tmp_path / "ours.mplstyle").write_text("lines.linewidth: 7.5\n")
    reload_library = style.core.reload_library
    style.core.USER_LIBRARY_PATHS.append(str(tmp_path))
    try:
        reload_library()
        with plt.style.context("ours"):
            assert plt.rcParams["lines.linewidth"] == 7.5
    finally:
        style.core.USER_LIBRARY_PATHS.remove(str(tmp_path))
        reload_library()
    assert "ours" not in plt.style.available


def test_axes_of_three_dimensions():
    axes = plt.figure().add_subplot(projection="3d")
    assert axes.w_xaxis is axes.xaxis
    assert axes.w_yaxis is axes.yaxis
    assert axes.w_zaxis is axes.zaxis
    plt.close("all")
