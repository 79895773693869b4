"""What a scan's program is made of: where a variable lies at each step."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from theano_today.engine.formulas import RANK, Uncovered

CHUNK = 16  # rows whose sums are rounded together, whatever the number of threads
ROOM = 64  # rows that a thread may take through the steps together; chunks of them


class NoSplit(Exception):
    """Something mixes the rows of the batch."""


@dataclasses.dataclass(frozen=True)
class View:
    """Where a variable lies at each step.

    `split` is the axis of the rows, if these are divided: memory that is `local` has a chunk's
    rows only. `shape` has all rows.
    """

    slot: int
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    split: int | None = None
    local: bool = False

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def words(self) -> list[int]:
        if self.ndim > RANK:
            raise Uncovered(f"arrays of {self.ndim} dimensions")
        fill = [0] * (RANK - self.ndim)
        split = -1 if self.split is None else self.split
        return [
            self.slot, np.dtype(self.dtype).itemsize, self.offset, split, int(self.local),
            self.ndim, *self.shape, *fill, *self.strides, *fill,
        ]  # fmt: skip

    def change(self, **more) -> View:
        return dataclasses.replace(self, **more)


NOTHING = View(0, "float32", 0, (), ())


@dataclasses.dataclass(frozen=True)
class Number:
    """An integer or a vector of them; `rows`: where it is the number of rows that are divided."""

    value: np.ndarray
    rows: tuple[bool, ...] = (False,)


@dataclasses.dataclass
class Slot:
    """What a slot is bound to at a call.

    kind "seq", "other": of the sequences or others, number `which`; "tap": of output `which`
    where `tap` is read; "out": of output `which` where it is written; "const"; "scratch", at
    `offset`.
    """

    kind: str
    which: int = 0
    tap: int = 0
    value: Any = None
    offset: int = 0


def contiguous(shape: Sequence[int], item: int) -> tuple[int, ...]:
    strides = []
    for length in reversed(shape):
        strides.append(item)
        item *= max(1, length)
    return tuple(reversed(strides))


@dataclasses.dataclass
class Given:
    """The arrays of a call, all but their addresses: what a program is made for.

    Of sequences and outputs a step's shape and strides; `stored`: how many steps an output keeps.
    Of other inputs the array itself where it is a number that the program depends on.
    """

    sequences: list[tuple[str, tuple, tuple]]
    states: list[tuple[str, tuple, tuple]]
    stored: list[int]
    others: list[tuple[str, tuple, tuple, Any]]
