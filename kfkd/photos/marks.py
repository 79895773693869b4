"""Points drawn on a photo, and written as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from kfkd.keypoints import COLUMNS, KEYPOINTS
from theano_today.atomic import atomic_write

_LONGEST, _SHORTEST = 1600, 640  # pixels: the drawing's longer side
_ROOM = 120  # pixels: a face narrower than this has no room for numbers
_LEGEND = "left and right are the person's"


def draw(colour: Image.Image, faces: Sequence[NDArray]) -> Image.Image:
    """Draw points, numbered where there is room, over the photo, and the numbers' names below.

    Parameters
    ----------
    colour : PIL image, mode RGB
    faces : sequence of (15, 2)
        In the image's pixels.

    Returns
    -------
    PIL image, mode RGB
        640 to 1600 pixels long; each mark is a white dot in a black ring, which no photo hides.
    """
    longer = max(colour.size)
    scale = min(max(longer, _SHORTEST), _LONGEST) / longer
    size = (max(1, round(colour.width * scale)), max(1, round(colour.height * scale)))
    photo = colour.resize(size, Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(photo)
    for points in faces:
        placed = np.asarray(points) * scale
        wide = float(np.ptp(placed[:, 0])) * 1.6  # the points span some 60 % of a face
        dot = min(max(wide / 90, 1.0), 5.0)
        for i, (x, y) in enumerate(placed, 1):
            _dot(pen, x, y, dot)
            if wide >= _ROOM:
                font = ImageFont.load_default(min(max(wide / 22, 10), 20))
                pen.text(
                    (x + 1.6 * dot, y + 1.2 * dot), str(i), "white", font,
                    stroke_width=2, stroke_fill="black",
                )  # fmt: skip
    return _with_legend(photo) if len(faces) else photo


def _dot(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    for r, fill in ((radius + 1.5, "black"), (radius, "white")):
        pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)


def _with_legend(photo: Image.Image) -> Image.Image:
    """The photo above the names of the numbers, in as many columns as there is room for."""
    font = ImageFont.load_default(15)
    names = [f"{i} {name.replace('_', ' ')}" for i, name in enumerate(KEYPOINTS, 1)]
    wide = max(font.getlength(name) for name in names) + 24
    columns = max(1, int((photo.width - 12) // wide))
    rows = int(np.ceil(len(names) / columns))
    whole = Image.new("RGB", (photo.width, photo.height + 22 * (rows + 1) + 16), "white")
    whole.paste(photo, (0, 0))
    pen = ImageDraw.Draw(whole)
    for i, name in enumerate(names):
        column, row = divmod(i, rows)
        pen.text((12 + column * wide, photo.height + 8 + 22 * row), name, "black", font)
    pen.text((12, photo.height + 8 + 22 * rows), f"({_LEGEND})", "#444444", font)
    return whole


def write_drawing(path: Path, picture: Image.Image) -> None:
    """Write a PNG in full or not at all."""
    data = io.BytesIO()
    picture.save(data, "PNG")
    with atomic_write(path) as f:
        f.write(data.getbuffer())


def write_table(path: Path, rows: Sequence[tuple[str, int, NDArray]]) -> None:
    """Write a CSV: photo, face (from 1), and Kaggle's 30 columns in the photo's pixels.

    Parameters
    ----------
    path : Path
    rows : sequence of (photo's name, face's number, points of shape (15, 2))
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["photo", "face", *COLUMNS])
    for name, face, points in rows:
        table.writerow([name, face, *(f"{v:.2f}" for v in np.asarray(points).reshape(-1))])
    with atomic_write(path) as f:
        f.write(text.getvalue().encode())
