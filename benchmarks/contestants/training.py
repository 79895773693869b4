"""What all contestants of epoch.py share: the faces, the batches, the clock.

NumPy only. A folder that epoch.py made holds faces.npz, X and dithered (n, 1, 96, 96) and y
(n, 30), and initial.npz, the initial parameters in Theano's layout: filters (f, c, i, j) that
are turned by 180 degrees when they are applied, dense weights (inputs, units), biases.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import numpy as np

BATCH = 128
RATE, MOMENTUM = 0.01, 0.9

# Of a part of an epoch: so many of the full batches are trained and validated. The first of
# each is not counted: after a pause it is slow, once an epoch and not 13 times.
PART_TRAIN, PART_VALID = 4, 2


def split(rows: int) -> int:
    """Return how many rows, the first ones, nolearn keeps for validation: a fifth."""
    return -(-rows // 5)


def batches(*arrays, full: int | None = None) -> Iterator[tuple]:
    """Yield the batches of an epoch in order; the last one may be shorter.

    Parameters
    ----------
    *arrays : array
        Of one length.
    full : int, optional
        Yield only so many of the full batches, and the short one.
    """
    rows = len(arrays[0])
    for k, begin in enumerate(range(0, rows, BATCH)):
        if full is None or k < full or rows - begin < BATCH:
            yield tuple(array[begin : begin + BATCH] for array in arrays)


def whole(seconds: list[float], sizes: list[int], rows: int) -> float:
    """Return how long all batches take, from those that were timed.

    Parameters
    ----------
    seconds, sizes : list
        Of each batch that was timed: one full batch at least, and the short one if there is
        one.
    rows : int
        How many rows all batches have.
    """
    full = mean(s for s, size in zip(seconds, sizes, strict=True) if size == BATCH)
    short = sum(s for s, size in zip(seconds, sizes, strict=True) if size < BATCH)
    return rows // BATCH * full + short


class Training:
    """A contestant: a net, its training and its clock.

    Parameters
    ----------
    folder : str
        As the module says.

    Attributes
    ----------
    sets : dict of str to (X, y)
        "X" and "dithered", in the framework's own arrays.
    initial : list of ndarray
        The initial parameters.
    """

    def __init__(self, folder: str) -> None:
        with np.load(Path(folder, "faces.npz")) as faces:
            self.sets = {name: (faces[name], faces["y"]) for name in ("X", "dithered")}
        with np.load(Path(folder, "initial.npz")) as initial:
            self.initial = list(initial.values())

    def train(self, X, y) -> float:
        """Take a step with nesterov momentum; return the loss before it."""
        raise NotImplementedError

    def validate(self, X, y) -> float:
        """Return the loss."""
        raise NotImplementedError

    def epoch(self, faces: str = "X", part: bool = False) -> dict:
        """Train and validate for an epoch.

        Parameters
        ----------
        faces : str
            Which of `sets`.
        part : bool
            Run some of the full batches only, and count them for all.

        Returns
        -------
        dict
            "seconds" of the whole epoch, "train" and "valid": the losses of each batch.
        """
        X, y = self.sets[faces]
        n = split(len(X))
        seconds, losses = 0.0, []
        for function, data, full in (
            (self.train, (X[n:], y[n:]), PART_TRAIN),
            (self.validate, (X[:n], y[:n]), PART_VALID),
        ):
            took, sizes, values = [], [], []
            for batch in batches(*data, full=full if part else None):
                begin = time.perf_counter()
                values.append(function(*batch))
                took.append(time.perf_counter() - begin)
                sizes.append(len(batch[0]))
            seconds += whole(took[1:], sizes[1:], len(data[0])) if part else sum(took)
            losses.append(values)
        return {"seconds": seconds, "train": losses[0], "valid": losses[1]}
