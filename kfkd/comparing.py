"""Several trained nets beside each other: curves in one picture, a table of errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kfkd import drawing
from kfkd.keypoints import COLUMNS, KEYPOINTS
from kfkd.nets import Nets, predict_columns
from kfkd.tutorial import points
from theano_today.errors import DataError

# Of Okabe and Ito; lines differ in their dashes, too.
_COLORS = [drawing.BLUE, drawing.ORANGE, "#009E73", drawing.PURPLE, "#D55E00", drawing.SKY]
_DASHES = ["-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3))]
MOST = len(_COLORS)

_CLIPPED = 9  # so that five nets fit 80 columns


def names_of(paths: Iterable[Path]) -> list[str]:
    """Return what tells the files apart: their stems, with folders where stems are equal."""
    paths = list(paths)
    stems = [path.stem for path in paths]
    return stems if len(set(stems)) == len(stems) else [str(path.with_suffix("")) for path in paths]


def plot_curves(nets: Mapping[str, Nets], title: str) -> Figure:
    """Draw training and validation losses of several nets; specialists have a curve each.

    A circle is what the tutorial's net of that name ended with, if the net knows Kaggle's faces.

    Raises
    ------
    DataError
        No net has an epoch with a finite loss.
    """
    histories = {
        _label(name, columns, len(parts), len(nets)): net.train_history_
        for name, parts in nets.items()
        for columns, net in parts.items()
    }
    histories = {
        name: rows
        for name, rows in histories.items()
        if np.isfinite([row["valid_loss"] for row in rows]).any()
    }
    if not histories:
        raise DataError("no epoch of these nets has ended with a finite loss")
    comparable = {
        name
        for name, parts in nets.items()
        if all(getattr(net, "trained_on_", "") == "kaggle" for net in parts.values())
    }
    said = "bold: validation; thin: training"
    fig, axis = pyplot.subplots(figsize=(9, 6), layout="constrained")
    for i, (name, rows) in enumerate(histories.items()):
        style: dict[str, Any] = {"color": _COLORS[i % MOST], "linestyle": _DASHES[i % MOST]}
        epochs = [row["epoch"] for row in rows]
        dots = "." if len(epochs) <= 20 else ""  # a single epoch makes no line
        for kind, width, alpha in [("train", 1.2, 0.7), ("valid", 2.8, 1)]:
            loss = np.array([row[f"{kind}_loss"] for row in rows], dtype=float)
            axis.plot(
                epochs, loss, linewidth=width, alpha=alpha, marker=dots, markersize=12,
                label=name if kind == "valid" else None, **style,
            )  # fmt: skip
        for point in points(name)[-1:] if name in comparable else []:
            axis.plot(
                point.epoch, point.valid_loss, "o", color=style["color"], markersize=11,
                mfc="white", zorder=3, gid=f"tutorial's {name}",
            )  # fmt: skip
            said = "bold: validation; thin: training\ncircle: where the tutorial's ended"
    axis.set(title=title, xscale="log", yscale="log")
    axis.set(xlabel="epoch", ylabel="loss (mean squared error)")
    axis.grid()
    axis.legend(title=said, handlelength=4)
    drawing.label_losses(axis)
    return fig


def _label(name: str, columns: tuple[str, ...], parts: int, nets: int) -> str:
    if parts == 1:
        return name
    first = columns[0].rpartition("_")[0].replace("_", " ")
    return first if nets == 1 else f"{name}, {first}"


def keypoint_rmse(nets: Nets, X: NDArray, y: NDArray) -> NDArray[np.float64]:
    """Return the RMSE of each of the 15 keypoints, over x and y of all faces, in pixels.

    Raises
    ------
    DataError
        The nets do not predict all columns.
    """
    predicted = predict_columns(nets, X)
    lacking = [column for column in COLUMNS if column not in predicted]
    if lacking:
        raise DataError(f"does not predict {lacking[0]}, so cannot be compared")
    y_pred = (np.column_stack([predicted[column] for column in COLUMNS]) - 48) / 48
    squares = np.square((y - y_pred) * 48).reshape(len(y), len(KEYPOINTS), 2)
    return np.sqrt(squares.mean(axis=(0, 2)))


def table(errors: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Return the lines of a table: RMSE of each keypoint and net; a star marks a row's best."""
    names = [name if len(name) <= _CLIPPED else f"..{name[2 - _CLIPPED :]}" for name in errors]
    lines = [f"{'RMSE in pixels':<24}" + "".join(f"{name:>10} " for name in names)]
    rows = [*KEYPOINTS, "all"]
    columns = [np.append(e, np.sqrt(np.mean(np.square(e)))) for e in errors.values()]
    for place, name in enumerate(rows):
        values = [column[place] for column in columns]
        stars = ["*" if len(values) > 1 and v == min(values) else " " for v in values]
        cells = "".join(f"{v:>10.2f}{star}" for v, star in zip(values, stars, strict=True))
        lines.append(f"{name.replace('_', ' '):<24}{cells}".rstrip())
    return [line.rstrip() for line in lines]
