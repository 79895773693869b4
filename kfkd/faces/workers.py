"""Sharing the drawing between processors.

Not with multiprocessing: where it starts fresh interpreters (macOS, Windows, Python 3.14) it
runs the user's script a second time in each of them, and does not work from notebooks.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kfkd.faces.shapes import SIDE, Floats

_ROOT = Path(__file__).resolve().parents[2]
_PIXELS, _NUMBERS = SIDE * SIDE, 30
# A fresh interpreter takes longer to start than this many faces to draw.
_FEWEST = 200


def share_out(
    rows: Sequence[int],
    seed: int,
    processes: int,
    images: NDArray[np.uint8],
    labels: Floats,
    draw_here: Callable[[int, int], None],
) -> None:
    """Fill `images` and `labels`, with the help of other processes where that pays.

    Parameters
    ----------
    rows : sequence of int, n long
        Only a range is shared out.
    seed : int
    processes : int
        Including this one.
    images : uint8 array, (n, 9216)
    labels : float64 array, (n, 30)
    draw_here : callable
        Fills the rows from `start` to `stop` in this process; also those with which a helper
        did not succeed.
    """
    number = len(rows)
    processes = max(min(processes, number // _FEWEST), 1)
    if not isinstance(rows, range) or rows.step != 1 or not sys.executable:
        processes = 1
    ends = [number * part // processes for part in range(processes + 1)]
    with _helpers(rows, seed, ends) as helpers:
        draw_here(0, ends[1])
        for helper, start, stop in zip(helpers, ends[1:-1], ends[2:], strict=True):
            drawn = _answer(helper, stop - start)
            if drawn is None:
                draw_here(start, stop)
            else:
                images[start:stop], labels[start:stop] = drawn


@contextlib.contextmanager
def _helpers(
    rows: Sequence[int], seed: int, ends: list[int]
) -> Iterator[list[subprocess.Popen[bytes] | None]]:
    helpers: list[subprocess.Popen[bytes] | None] = []
    try:
        for start, stop in itertools.pairwise(ends[1:]):
            first = rows[start]
            helpers.append(_start(first, first + stop - start, seed))
        yield helpers
    finally:
        for helper in helpers:
            if helper is not None:
                # Also if the user pressed Ctrl-C: nothing is to go on working.
                helper.kill()
                if helper.stdout is not None:
                    helper.stdout.close()
                helper.wait()


def _start(first: int, end: int, seed: int) -> subprocess.Popen[bytes] | None:
    command = [sys.executable, "-m", "kfkd.faces", "--raw", f"{first}:{end}:{seed}"]
    try:
        return subprocess.Popen(
            command,
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None


def _answer(
    helper: subprocess.Popen[bytes] | None, number: int
) -> tuple[NDArray[np.uint8], Floats] | None:
    if helper is None:
        return None
    answer, _ = helper.communicate()
    if helper.returncode != 0 or len(answer) != number * (_PIXELS + 8 * _NUMBERS):
        return None
    images = np.frombuffer(answer, np.uint8, number * _PIXELS).reshape(number, _PIXELS)
    labels = np.frombuffer(answer, np.float64, number * _NUMBERS, number * _PIXELS)
    return images, labels.reshape(number, _NUMBERS)
