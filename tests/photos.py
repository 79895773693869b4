"""Scenes with generated faces in them, at known places."""

import theano_today  # noqa: F401  # isort: skip

import numpy as np
from PIL import Image

from kfkd.faces import draw


def wall(width, height, seed=0):
    """A soft background without faces, uint8."""
    rough = np.random.RandomState(seed).randint(90, 170, (5, 7)).astype(np.uint8)
    return np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC))


def scene(width, height, faces, seed=0):
    """Paste generated faces, and return the points that are theirs.

    Parameters
    ----------
    faces : list of (row, x, y, side, degrees)
        A generated face's row; its centre and side in pixels; how far it is turned clockwise.

    Returns
    -------
    uint8 (height, width), list of (15, 2)
    """
    picture = Image.fromarray(wall(width, height, seed))
    points = []
    for row, x, y, side, degrees in faces:
        face, known = draw(row)
        large = Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC)
        mask = Image.new("L", (side, side), 255).rotate(-degrees, expand=True)
        turned = large.rotate(-degrees, Image.Resampling.BICUBIC, expand=True)
        corner = (round(x - turned.width / 2), round(y - turned.height / 2))
        picture.paste(turned, corner, mask)
        middle = np.array(corner) + np.array(turned.size) / 2
        angle = np.deg2rad(degrees)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        points.append((known.reshape(15, 2) + 0.5 - 48) @ turn * (side / 96) + middle)
    return np.asarray(picture), points
