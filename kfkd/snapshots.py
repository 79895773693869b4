"""Points that a net predicted while it was trained, kept as a file beside its pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theano_today.atomic import atomic_write
from theano_today.errors import DataError, MissingFileError

MOST = 100  # kept: enough for a moving picture


class Snapshots:
    """The predictions for some faces, epoch by epoch.

    Attributes
    ----------
    faces : uint8, shape (faces, 96, 96)
        Grey values.
    truth : float32, shape (faces, coordinates)
        From -1 to 1.
    epochs : list of int
    points : list of float32, each of the shape of `truth`
    """

    def __init__(self, faces: NDArray[Any], truth: NDArray[Any]) -> None:
        self.faces = faces
        self.truth = np.asarray(truth, np.float32)
        self.epochs: list[int] = []
        self.points: list[NDArray[np.float32]] = []

    def add(self, epoch: int, points: NDArray[Any]) -> None:
        """Keep one more; of too many, the one that is missed least on a logarithmic axis goes."""
        self.epochs.append(epoch)
        self.points.append(np.asarray(points, np.float32))
        if len(self.epochs) > MOST:
            gaps = np.log(self.epochs[2:]) - np.log(self.epochs[:-2])
            least = int(np.argmin(gaps)) + 1
            del self.epochs[least], self.points[least]

    def take_over(self, path: Path, epoch: int) -> None:
        """Go on from an earlier run's file, up to an epoch, if it is of the same faces."""
        try:
            before = read(path)
        except (DataError, MissingFileError):
            return
        if np.array_equal(before.faces, self.faces) and np.array_equal(before.truth, self.truth):
            count = sum(e <= epoch for e in before.epochs)
            self.epochs, self.points = before.epochs[:count], before.points[:count]

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        points = np.array(self.points, np.float32).reshape(-1, *self.truth.shape)
        with atomic_write(path) as f:
            np.savez(f, faces=self.faces, truth=self.truth, epochs=self.epochs, points=points)


def beside(pickle: Path) -> Path:
    """Return the file's place: net2.snapshots.npz for net2.pickle."""
    return pickle.with_name(f"{pickle.stem}.snapshots.npz")


def read(path: Path) -> Snapshots:
    """Read what `Snapshots.write` wrote.

    Raises
    ------
    MissingFileError, DataError
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            found = Snapshots(content["faces"], content["truth"])
            epochs, points = content["epochs"].tolist(), content["points"]
    except FileNotFoundError:
        raise MissingFileError(
            f"there is no {path}, which training with --live writes: python net2.py --live"
        ) from None
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read {path} ({error}); training with --live writes it") from None
    if found.truth.ndim != 2 or points.shape != (len(epochs), *found.truth.shape):
        raise DataError(f"{path}: arrays do not fit each other; training with --live writes it")
    found.epochs, found.points = epochs, list(points)
    return found
