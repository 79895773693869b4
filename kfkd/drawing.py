"""What plot_results.py needs besides the tutorial's own pictures."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import patheffects, pyplot
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends import BackendFilter, backend_registry
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, Locator, LogLocator, NullFormatter, StrMethodFormatter

from kfkd.keypoints import KEYPOINTS
from theano_today.atomic import atomic_write
from theano_today.errors import WriteError

# For a slide: figures are 8 to 10 inches wide, so at 150 dots an inch 1200 to 1500 pixels.
STYLE: dict[Any, Any] = {
    "savefig.dpi": 150,
    "font.size": 13,
    "axes.titlesize": 15,
    "figure.titlesize": 15,
    "axes.axisbelow": True,
    "grid.alpha": 0.4,
    "lines.markeredgewidth": 2,
}

# Colours of Okabe and Ito, which colour-blind people can tell apart.
BLUE, SKY = "#0072B2", "#56B4E9"
ORANGE, YELLOW, PURPLE = "#E69F00", "#F0E442", "#CC79A7"

# In the order of the net's 30 outputs, an x and a y for each.
NAMES = [name.replace("_", " ") for name in KEYPOINTS]
COLORS = {"eye ": BLUE, "eyebrow": SKY, "nose": ORANGE, "mouth": PURPLE}

# A dark rim, without which the marks vanish on a bright face.
RIM = [patheffects.withStroke(linewidth=3, foreground="black")]


def use_windows(wanted: bool | None) -> bool:
    """Decide whether matplotlib opens windows, and set it up for that.

    Parameters
    ----------
    wanted : bool or None
        True for `--show`, False for `--no-show`; None, for neither, means windows if
        a person sits at the terminal.

    Returns
    -------
    bool
        False where there is no display, or no GUI toolkit; pictures then go to files only.
    """
    if wanted or (wanted is None and sys.stdout.isatty()):
        windows = {
            name.lower() for name in backend_registry.list_builtin(BackendFilter.INTERACTIVE)
        }
        # Until now matplotlib has only noted a preference; this tries toolkit and display.
        with contextlib.suppress(ImportError):
            pyplot.switch_backend(pyplot.get_backend())
            if pyplot.get_backend().lower() in windows:
                return True
        if wanted:
            print("--show: no display (or no GUI toolkit) here, so the pictures go to files only")
    matplotlib.use("agg")
    return False


def save(path: Path, figure: Figure) -> None:
    """Write `figure` as a PNG and print a line that says so; WriteError if that fails."""
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as f:
            figure.savefig(f, format="png")
    print(f"wrote {path}")


def skip(path: Path, why: str) -> None:
    """Print why there is no such picture, and remove an old one, which shows another net."""
    with _writing(path):
        path.unlink(missing_ok=True)
    print(f"no {path}: {why}")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"cannot write {path} ({error.strerror or error}); name another folder with --out"
        ) from error


def label_losses(axis: Axes) -> None:
    """Put plain numbers on logarithmic axes of epochs and losses, and pixels at the right.

    A loss is a mean squared error of coordinates that are scaled to -1 ... 1, so its root
    times 48 is the root mean squared error in pixels.
    """
    pixels = axis.secondary_yaxis(
        "right", functions=(lambda loss: np.sqrt(loss) * 48, lambda rmse: np.divide(rmse, 48) ** 2)
    )
    pixels.set_ylabel("RMSE (pixels)")
    # A single epoch would have an axis that starts at epoch 0.1.
    axis.set_xlim(0.8, max(axis.get_xlim()[1], 10))
    lowest, highest = axis.get_ylim()
    wide = highest > 1e6 * lowest  # too wide for more than powers of ten
    _plain_ticks(axis.xaxis, (1, 2, 5), *axis.get_xlim())
    _plain_ticks(axis.yaxis, (1,) if wide else (1, 2, 5), lowest, highest)
    shown = np.sqrt([lowest, highest]) * 48  # matplotlib sets these limits when it draws
    _plain_ticks(pixels.yaxis, (1,) if wide else (1, 1.5, 2, 3, 5, 7), *shown)


def _plain_ticks(axis: Axis, steps: Sequence[float], lowest: float, highest: float) -> None:
    locator: Locator = LogLocator(subs=steps)
    ticks = np.asarray(locator.tick_values(lowest, highest))
    if np.count_nonzero((lowest <= ticks) & (ticks <= highest)) < 3:
        locator = AutoLocator()  # the losses of a few epochs may lie between two steps
    axis.set_major_locator(locator)
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def plot_sample(x, y, axis):
    """Draw a face and its keypoints."""
    axis.imshow(x.reshape(96, 96), cmap="gray")
    plot_points(y, axis, marker="x", s=25, color=SKY)
    axis.set(xticks=[], yticks=[], xlim=(-0.5, 95.5), ylim=(95.5, -0.5))


def plot_points(y, axis, **marks):
    axis.scatter(y[0::2] * 48 + 48, y[1::2] * 48 + 48, path_effects=RIM, **marks)


def plot_worst_and_best(X, y, y_pred, title):
    """Draw the five faces with the largest RMSE, and the five with the smallest."""
    error = rmse(y, y_pred)
    best = np.argsort(error)
    fig, axes = pyplot.subplots(2, 5, figsize=(10, 5.3), layout="constrained")
    for row, name, faces in [(axes[0], "worst", best[::-1]), (axes[1], "best", best)]:
        row[0].set_ylabel(name)
        for axis, i in zip(row, faces, strict=False):
            plot_points(y[i], axis, marker="o", s=60, edgecolors=YELLOW, facecolors="none")
            plot_sample(X[i], y_pred[i], axis)
            axis.set_xlabel(f"{error[i]:#.3g} pixels")
    fig.suptitle(title)
    fig.legend(axes[0, 0].collections, ["true", "predicted"], loc="outside lower center", ncols=2)
    return fig


def plot_keypoint_errors(y, y_pred, title):
    """Draw how far the net misses each of the 15 keypoints, the worst on top.

    The error of one face at one keypoint is the Euclidean distance between the true and
    the predicted point, in pixels of the 96x96 image. A bar is the mean over all faces, a
    diamond the median.
    """
    error = distances(y, y_pred)
    mean, median = error.mean(axis=0), np.median(error, axis=0)
    order = np.argsort(mean)
    fig, axis = pyplot.subplots(figsize=(9, 6.5), layout="constrained")
    for place, i in enumerate(order):
        color = next(color for name, color in COLORS.items() if name in NAMES[i])
        axis.barh(place, mean[i], color=color)
        end = (max(mean[i], median[i]), place)
        axis.annotate(f"  {mean[i]:#.3g}", end, verticalalignment="center")
    axis.plot(median[order], range(15), "D", color="white", markeredgecolor="black", label="median")
    axis.set_yticks(range(15), [NAMES[i] for i in order])
    axis.set_xlabel("mean distance from the true point (pixels)")
    axis.margins(x=0.1)  # room for the numbers
    fig.suptitle(title)
    fig.legend(loc="outside lower right")
    return fig


def rmse(y, y_pred):
    """Root mean squared error of each face over its 30 coordinates, in pixels."""
    return np.sqrt(np.mean((y - y_pred) ** 2, axis=1)) * 48


def distances(y, y_pred):
    """Distance between each true and predicted keypoint in pixels, faces by 15."""
    dx, dy = (y - y_pred)[:, 0::2], (y - y_pred)[:, 1::2]
    return np.hypot(dx, dy) * 48
