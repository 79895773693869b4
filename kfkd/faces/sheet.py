"""A sheet of faces with their keypoints, to look at."""

from __future__ import annotations

from pathlib import Path

from kfkd.faces.table import SEED, draw_many
from runtime.errors import SetupError


def write_sheet(path: Path, first: int = 0, side: int = 8) -> None:
    """Write a picture of faces, each with its row and its keypoints.

    Parameters
    ----------
    path : Path
        The picture file; its ending decides the format.
    first : int
        The first face's row.
    side : int
        Faces across and down.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SetupError("--sheet needs matplotlib: pip install matplotlib") from error

    images, points = draw_many(range(first, first + side * side), SEED)
    figure = Figure(figsize=(1.9 * side, 2.0 * side), dpi=72)
    for i, axes in enumerate(figure.subplots(side, side).ravel()):
        axes.imshow(images[i].reshape(96, 96), cmap="gray", vmin=0, vmax=255)
        axes.scatter(points[i, ::2], points[i, 1::2], s=7, color="tab:red", linewidths=0)
        axes.set_title(f"row {first + i}", fontsize=8, pad=2)
        axes.axis("off")
    figure.tight_layout(pad=0.3)
    figure.savefig(path)
