"""What was once parsed from a CSV, in a file beside it.

The file holds a line of JSON, the index (a record for each row of the CSV) and the pixels of
the rows that were in use so far, 9216 bytes each. Everything is checked when it is read, each
image by itself, and whatever does not match is parsed again: the cache can be deleted, cut or
damaged at any time and costs only that time.

To cache the images of all rows at the first load would take as many lines of code, since an image
that cannot be parsed matters only where it is used. Measured on Kaggle's training.csv, in CPU
time, the first load of the 2140 complete rows takes 0.6 s and 20 MiB on the disk as it is, 1.1 s
and 63 MiB with all 7049 rows; a later load takes 0.15 s and the peak of memory is the same either
way. Where the tutorial's specialists then use the other rows, the seven first loads together take
2.9 s, with all rows cached 2.2 s.
"""

from __future__ import annotations

import functools
import io
import json
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kfkd.pixels import PIXELS
from theano_today.atomic import atomic_write

_LONGEST_HEADER = 4096  # bytes


def index_dtype(columns: int) -> np.dtype:
    """What is known of a row.

    ``line``: its line in the file, from 1. ``start``, ``length``: of the image's text, in
    bytes; start is -1 where the image is missing. ``labels``: the coordinates in pixels, NaN
    where missing. ``slot``: where in the cache its pixels are, -1 for nowhere. ``crc``: their
    check sum.
    """
    return np.dtype(
        [
            ("line", "<i8"),
            ("start", "<i8"),
            ("length", "<i8"),
            ("labels", "<f8", (columns,)),
            ("slot", "<i8"),
            ("crc", "<u4"),
        ]
    )


def empty_index(rows: int, columns: int) -> NDArray[np.void]:
    """A new index; no row is cached."""
    index = np.zeros(rows, index_dtype(columns))
    index["slot"] = -1
    return index


class Cache:
    """The cache of one CSV file.

    Parameters
    ----------
    path : Path
        Where it is or will be.
    key : list of int and str
        Tells one state of the CSV from another.
    columns : int
        How many columns of coordinates the CSV has.

    Attributes
    ----------
    index : structured array, shape (rows,), or None
        See `index_dtype`; set it after parsing, or let `read_index` do so.
    """

    def __init__(self, path: Path, key: list, columns: int) -> None:
        self.path = path
        self.index: NDArray[np.void] | None = None
        self._key = [*key, _code_version()]
        self._dtype = index_dtype(columns)
        self._base = 0  # where the first slot begins

    def read_index(self) -> NDArray[np.void] | None:
        """The index; None if the cache is absent, damaged or of another state of the CSV."""
        self.index = None
        # A damaged header can raise any of these: treat a damaged cache as absent.
        damage = (OSError, ValueError, LookupError, TypeError, RecursionError)
        with suppress(*damage), self.path.open("rb") as f:
            line = f.readline(_LONGEST_HEADER)
            header = json.loads(line)
            size = header["rows"] * self._dtype.itemsize
            if header["key"] == self._key and 0 < size <= self.path.stat().st_size:
                data = f.read(size)
                if zlib.crc32(data) == header["crc"]:
                    self.index = np.frombuffer(data, self._dtype).copy()
                    self._base = len(line) + size
        return self.index

    def read_pixels(self, rows: NDArray[np.int64], out: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Fill in what pixels there are.

        Parameters
        ----------
        rows : int64, shape (n,)
            Rows of the index.
        out : uint8, shape (n, 9216)
            Receives the pixels.

        Returns
        -------
        bool, shape (n,)
            Which rows were there and whole; the others hold anything.
        """
        found = np.zeros(len(rows), bool)
        if self.index is None or not (self.index["slot"] >= 0).any():
            return found
        with suppress(OSError), self.path.open("rb", buffering=0) as f:
            records = zip(rows.tolist(), self.index["slot"][rows].tolist(), strict=True)
            for i, (row, slot) in enumerate(records):
                found[i] = slot >= 0 and self._read_slot(f, row, slot, out[i])
        return found

    def write(self, rows: NDArray[np.int64], pixels: NDArray[np.uint8]) -> None:
        """Write index and pixels, and keep those of other rows that are there already.

        Where that cannot be done (a read-only folder, a full disk) nothing is written.

        Parameters
        ----------
        rows : int64, shape (n,)
            Rows of the index.
        pixels : uint8, shape (n, 9216)
            Their pixels.
        """
        if self.index is None:
            return
        index = self.index.copy()
        others = np.setdiff1d(np.flatnonzero(index["slot"] >= 0), rows)
        kept = np.empty((len(others), PIXELS), np.uint8)
        good = self.read_pixels(others, kept)
        all_rows = [*rows.tolist(), *others[good].tolist()]
        all_pixels = [*pixels, *kept[good]]
        index["slot"] = -1
        index["slot"][all_rows] = np.arange(len(all_rows))
        index["crc"][all_rows] = [_crc(*pair) for pair in zip(all_rows, all_pixels, strict=True)]
        data = index.tobytes()
        header = {"key": self._key, "rows": len(index), "crc": zlib.crc32(data)}
        line = json.dumps(header).encode() + b"\n"
        # A full disk is no reason to stop: everything can be parsed once more next time.
        with suppress(OSError):
            with atomic_write(self.path) as f:
                f.write(line)
                f.write(data)
                for image in all_pixels:
                    f.write(image.data)
            self.index, self._base = index, len(line) + len(data)

    def _read_slot(self, f: io.FileIO, row: int, slot: int, out: NDArray[np.uint8]) -> bool:
        assert self.index is not None
        f.seek(self._base + slot * PIXELS)
        return f.readinto(out.data) == PIXELS and _crc(row, out) == self.index["crc"][row]


def _crc(row: int, pixels: NDArray[np.uint8]) -> int:
    # Beginning with the row's number, so that two images that were swapped do not pass.
    return zlib.crc32(pixels.data, row)


@functools.cache
def _code_version() -> str:
    """Changes with the code that fills the cache, and with pandas, which parses the labels."""
    crc = 0
    with suppress(OSError):
        for name in ("cache.py", "kaggle_csv.py", "keypoints.py", "pixels.py"):
            crc = zlib.crc32(Path(__file__).with_name(name).read_bytes(), crc)
    return f"{crc:08x} pandas {pd.__version__}"
