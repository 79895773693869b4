"""``plot_results.py --gif``: one face, and how its points find their places."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from kfkd.snapshots import Snapshots, beside, read
from theano_today.atomic import atomic_write
from theano_today.errors import DataError

SCALE = 4  # pixels for one of the face
SHOWN, LAST = 100, 2500  # milliseconds of a frame, and of the last one


def write_gif(pickle: Path, out: Path, face: int = 0) -> None:
    """Draw the snapshots beside a pickle as a moving picture, and print a line that says so.

    Circles are the true points, crosses the predicted ones.

    Parameters
    ----------
    pickle : Path
        The net's; its snapshots are those that --live has kept.
    out : Path
        The GIF.
    face : int
        Which of the 16.

    Raises
    ------
    MissingFileError, DataError, WriteError
    """
    snapshots = read(beside(pickle))
    if not snapshots.epochs or face >= len(snapshots.faces):
        raise DataError(f"{beside(pickle)} holds no snapshot of face {face}")
    frames = [_frame(snapshots, i, face) for i in range(len(snapshots.epochs))]
    content = io.BytesIO()
    frames[0].save(
        content, "GIF", save_all=True, append_images=frames[1:], loop=0, optimize=False,
        duration=[SHOWN] * (len(frames) - 1) + [LAST],
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(out) as f:
        f.write(content.getbuffer())
    print(f"wrote {out}: {len(frames)} epochs, from {snapshots.epochs[0]} to {_last(snapshots)}")


def _frame(snapshots: Snapshots, i: int, face: int):
    from PIL import Image, ImageDraw, ImageFont

    side = 96 * SCALE
    picture = Image.new("RGB", (side, side + 34), "white")
    grey = Image.fromarray(snapshots.faces[face]).resize((side, side), Image.Resampling.BICUBIC)
    picture.paste(grey, (0, 0))
    draw = ImageDraw.Draw(picture)
    truth, points = snapshots.truth[face], snapshots.points[i][face]
    for x, y in (truth.reshape(-1, 2) * 48 + 48.5) * SCALE:
        for colour, width in (("black", 4), ("#F0E442", 2)):
            draw.ellipse((x - 7, y - 7, x + 7, y + 7), outline=colour, width=width)
    for x, y in (points.reshape(-1, 2) * 48 + 48.5) * SCALE:
        for colour, width in (("black", 5), ("#56B4E9", 2)):
            draw.line((x - 6, y - 6, x + 6, y + 6), colour, width)
            draw.line((x - 6, y + 6, x + 6, y - 6), colour, width)
    error = float(np.sqrt(np.mean((truth - points) ** 2)) * 48)
    text = f"epoch {snapshots.epochs[i]}: RMSE {error:.1f} pixels"
    draw.text((8, side + 6), text, "black", ImageFont.load_default(18))
    return picture.quantize(96, dither=Image.Dither.NONE)


def _last(snapshots: Snapshots) -> int:
    return snapshots.epochs[-1]
