"""The faces as Kaggle's tables: their rows, their missing labels, and the CSV files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from kfkd.faces.scene import DECIMALS, Face
from kfkd.faces.shapes import SIDE, Dice, Floats
from kfkd.keypoints import COLUMNS, KEYPOINTS
from theano_today.atomic import atomic_write
from theano_today.errors import DataError

SEED = 2014
TRAIN_ROWS = 7049
TEST_ROWS = 1783

_FEW = ("left_eye_center", "right_eye_center", "nose_tip", "mouth_center_bottom_lip")
_PATCHY_ROWS = 2284
# Rows of the first part that lack just these keypoints, as many as in Kaggle's file.
_LACKING: tuple[tuple[tuple[str, ...], int], ...] = (
    (("left_eyebrow_outer_end",), 31),
    (("right_eyebrow_outer_end",), 26),
    (("mouth_center_bottom_lip",), 13),
    (("left_eyebrow_outer_end", "right_eyebrow_outer_end"), 6),
)
_MIXED = 68
_WITHOUT_MOUTH = 10

_DIGITS = np.zeros((256, 4), np.uint8)
for _value in range(256):
    _text = b"%d " % _value
    _DIGITS[_value, : len(_text)] = list(_text)


def draw(row: int, seed: int = SEED) -> tuple[NDArray[np.uint8], Floats]:
    """Draw one face.

    Parameters
    ----------
    row : int
        From 0. Rows 0 to 7048 are training.csv's, the 1783 after them test.csv's.
    seed : int
        From 0 to 2**32 - 1; each seed gives different faces.

    Returns
    -------
    image : uint8 array, (96, 96)
        Brightness; 255 is white.
    keypoints : float64 array, (30,)
        x and y of each of `KEYPOINTS`, in pixels; (0, 0) is the middle of the pixel at the
        top left.
    """
    _check(row, seed)
    face = Face(Dice(seed, row))
    return face.paint(), face.keypoints


def draw_many(rows: Sequence[int], seed: int = SEED) -> tuple[NDArray[np.uint8], Floats]:
    """Draw faces; each is the same whatever else is drawn with it.

    Parameters
    ----------
    rows : sequence of int, n long
        As for `draw`.
    seed : int
        As for `draw`.

    Returns
    -------
    images : uint8 array, (n, 9216)
    keypoints : float64 array, (n, 30)
        In pixels.
    """
    for row in rows:
        _check(row, seed)
    # The C library hands the memory of every picture back and asks for it anew, which costs
    # a third of the time, until it has seen a large piece come and go.
    np.empty(3_000_000)
    images = np.empty((len(rows), SIDE * SIDE), np.uint8)
    labels = np.empty((len(rows), len(COLUMNS)))

    state = np.random.RandomState(0)
    for i, row in enumerate(rows):
        face = Face(Dice(seed, row, state))
        labels[i] = face.keypoints
        images[i] = face.paint().ravel()
    return images, labels


def keypoints(rows: Sequence[int], seed: int = SEED) -> Floats:
    """The labels alone, as from `draw_many` but much faster: float64 array, (n, 30)."""
    labels = np.empty((len(rows), len(COLUMNS)))
    state = np.random.RandomState(0)
    for i, row in enumerate(rows):
        _check(row, seed)
        labels[i] = Face(Dice(seed, row, state)).keypoints
    return labels


def labelled(seed: int = SEED) -> NDArray[np.bool_]:
    """Which keypoints of training.csv's rows have labels, as in Kaggle's file.

    Parameters
    ----------
    seed : int
        Decides which rows have gaps.

    Returns
    -------
    bool array, (7049, 15)
        2140 rows are complete, 4755 have but four keypoints, 154 lack some other ones.
    """
    known = np.ones((TRAIN_ROWS, len(KEYPOINTS)), bool)
    known[_PATCHY_ROWS:] = [name in _FEW for name in KEYPOINTS]
    dice = Dice(seed, 2**32 - 1)
    kinds = [names for names, count in _LACKING for _ in range(count)]
    kinds += [_mixture(dice) for _ in range(_MIXED)]
    places = np.argsort(dice.grid(_PATCHY_ROWS), kind="stable")
    for row, names in zip(places[: len(kinds)].tolist(), kinds, strict=True):
        known[row] = [name not in names for name in KEYPOINTS]
    late = np.argsort(dice.grid(TRAIN_ROWS - _PATCHY_ROWS), kind="stable") + _PATCHY_ROWS
    known[late[:_WITHOUT_MOUTH], KEYPOINTS.index("mouth_center_bottom_lip")] = False
    return known


def _mixture(dice: Dice) -> tuple[str, ...]:
    # What hides one keypoint (hair, a hand, the frame) mostly hides its neighbours too.
    groups = (
        KEYPOINTS[0:1] + KEYPOINTS[2:4],
        KEYPOINTS[1:2] + KEYPOINTS[4:6],
        KEYPOINTS[2:6],
        KEYPOINTS[6:8],
        KEYPOINTS[8:10],
        KEYPOINTS[6:10],
        KEYPOINTS[11:13],
        KEYPOINTS[13:15],
        KEYPOINTS[11:15],
    )
    while True:
        lacking = groups[int(dice.uniform(0.0, len(groups)))]
        if dice.chance(0.4):
            lacking = (lacking[int(dice.uniform(0.0, len(lacking)))],)
        if dice.chance(0.3):
            lacking += (KEYPOINTS[int(dice.uniform(0.0, len(KEYPOINTS)))],)
        if all(set(lacking) != set(names) for names, _ in _LACKING):
            return lacking


def write_csv(folder: str | os.PathLike, test: bool = False, rows: int | None = None) -> Path:
    """Write training.csv or test.csv, in full or not at all.

    Parameters
    ----------
    folder : path-like
        Where to; must exist.
    test : bool
        Write test.csv.
    rows : int, optional
        Write only the first so many rows. Default: all 7049 or 1783.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        As the file system says; a file that was there before is untouched then.
    """
    path = Path(folder) / ("test.csv" if test else "training.csv")
    number = min(TEST_ROWS if test else TRAIN_ROWS, rows if rows is not None else TRAIN_ROWS)
    with atomic_write(path) as f:
        if test:
            _write_test(f, number)
        else:
            _write_training(f, number)
    return path


def _write_training(f: BinaryIO, number: int) -> None:
    images, labels = draw_many(range(number), SEED)
    known = np.repeat(labelled()[:number], 2, axis=1)
    f.write(f"{','.join(COLUMNS)},Image\n".encode())
    for row, there, pixels in zip(labels.tolist(), known.tolist(), _pixels(images), strict=True):
        cells = [
            f"{value:.{DECIMALS}f}" if is_there else ""
            for value, is_there in zip(row, there, strict=True)
        ]
        f.write(b"%s,%s\n" % (",".join(cells).encode(), pixels))


def _write_test(f: BinaryIO, number: int) -> None:
    images, _ = draw_many(range(TRAIN_ROWS, TRAIN_ROWS + number), SEED)
    f.write(b"ImageId,Image\n")
    for number, pixels in enumerate(_pixels(images), start=1):
        f.write(b"%d,%s\n" % (number, pixels))


def _pixels(images: NDArray[np.uint8]) -> Iterator[bytes]:
    for image in images:
        # Four bytes a pixel, of which the unused ones are then dropped.
        yield _DIGITS[image].tobytes().replace(b"\0", b"")[:-1]


def _check(row: int, seed: int) -> None:
    for name, value in (("row", row), ("seed", seed)):
        if not 0 <= value < 2**32 - 1:
            raise DataError(f"{name} {value}: expected 0 to {2**32 - 2}")
