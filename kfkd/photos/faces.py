"""Finds faces, and cuts them out as Kaggle's are cut.

The detector is OpenCV's cascade of Haar features haarcascade_frontalface_alt2.xml (Rainer
Lienhart, 2000; Intel's licence, which is BSD's three clauses; it comes in the package
opencv-python-headless 4, Apache 2.0). Among OpenCV's four frontal cascades it found most: on
107 of Kaggle's faces in scenes of noise 107 with one false one, alt 105, default 106, alt_tree 31.

Kaggle's pictures seem to have been cut by such a detector. Where its square lies was measured
on the training faces pasted into scenes: `SIDE` and `RIGHT`, `DOWN` are the medians by which the
true picture's square differs from the detector's.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from theano_today.errors import MissingPackageError

SIDE = 1.014  # of Kaggle's square, in sides of the detector's
RIGHT, DOWN = 0.0, -0.003  # from centre to centre, in sides of the detector's

_CASCADE = "haarcascade_frontalface_alt2.xml"
_LOOKED_AT = 1600  # pixels: the longer side of what the detector sees
_SMALLEST = 24  # pixels there


class Square(NamedTuple):
    """A square in the pixels of a picture, whose left upper corner is (0, 0); angle in radians.

    It is turned about its centre, clockwise as pictures are seen.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    def to_picture(self, points: NDArray) -> NDArray:
        """Points of the face, each from 0 to 96, in the picture's pixels."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turned = (points - 48) @ np.array([[cos, sin], [-sin, cos]]) * (self.side / 96)
        return turned + np.array([self.x + self.side / 2, self.y + self.side / 2])


def find_faces(grey: NDArray[np.uint8]) -> list[Square]:
    """The faces in a picture, the largest first, as squares cut as Kaggle's.

    They must be upright within some 20 degrees, seen from the front, and at least 1/60 of the
    picture's longer side.

    Raises
    ------
    MissingPackageError
        OpenCV is not installed, or is one without cascades.
    """
    try:
        cv2: Any = importlib.import_module("cv2")
    except ImportError:
        raise MissingPackageError(
            "finding faces needs OpenCV: pip install -r requirements-examples.txt, or use --whole "
            "for pictures that are faces already"
        ) from None
    if not hasattr(cv2, "CascadeClassifier"):  # since 5.0
        raise MissingPackageError(
            f"OpenCV {cv2.__version__} has no cascades, which find the faces: "
            "pip install -r requirements-examples.txt"
        )
    scale = max(1.0, max(grey.shape) / _LOOKED_AT)
    size = (max(1, round(grey.shape[1] / scale)), max(1, round(grey.shape[0] / scale)))
    seen = (
        np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX)) if scale > 1 else grey
    )
    if min(seen.shape) < _SMALLEST:
        return []
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + _CASCADE)
    found = cascade.detectMultiScale(seen, 1.1, 4, minSize=(_SMALLEST, _SMALLEST))
    factor = (grey.shape[1] / seen.shape[1], grey.shape[0] / seen.shape[0])
    squares = [_as_kaggle(x * factor[0], y * factor[1], w * factor[0]) for x, y, w, _ in found]
    return sorted(squares, key=lambda s: -s.side)


def _as_kaggle(x: float, y: float, side: float) -> Square:
    wide = side * SIDE
    return Square(
        x + side / 2 + RIGHT * side - wide / 2, y + side / 2 + DOWN * side - wide / 2, wide
    )


def whole(grey: NDArray[np.uint8]) -> Square:
    """The largest square in the middle of a picture that is a face already."""
    height, width = grey.shape
    side = min(height, width)
    return Square((width - side) / 2, (height - side) / 2, side)


def cut(grey: NDArray[np.uint8], square: Square) -> NDArray[np.float32]:
    """A face of 96x96 pixels, from 0 to 1; beyond the picture's edge its last pixels go on.

    Returns
    -------
    float32, shape (96, 96)
    """
    # A turned square is cut from a larger one that is turned back.
    reach = square.side * (1.5 if square.angle else 1.0)
    middle = np.array([square.x + square.side / 2, square.y + square.side / 2])
    first = np.floor(middle - reach / 2).astype(int) - 1
    count = int(np.ceil(reach)) + 3
    columns = np.clip(np.arange(first[0], first[0] + count), 0, grey.shape[1] - 1)
    rows = np.clip(np.arange(first[1], first[1] + count), 0, grey.shape[0] - 1)
    patch = Image.fromarray(grey[np.ix_(rows, columns)])
    middle -= first
    if square.angle:
        # Shrunk first: a turn by Pillow does not smooth.
        wide = max(1, round(96 * reach / square.side))
        box = (*(middle - reach / 2), *(middle + reach / 2))
        turned = patch.resize((wide, wide), Image.Resampling.BILINEAR, box=box)
        turned = turned.rotate(np.rad2deg(square.angle), Image.Resampling.BICUBIC)
        edge = (wide - 96) / 2
        patch = turned.transform(
            (96, 96), Image.Transform.AFFINE, (1, 0, edge, 0, 1, edge), Image.Resampling.BILINEAR
        )
    else:
        box = (*(middle - reach / 2), *(middle + reach / 2))
        patch = patch.resize((96, 96), Image.Resampling.BILINEAR, box=box)
    return np.asarray(patch, np.float32) / np.float32(255)
