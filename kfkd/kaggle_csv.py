"""Read Kaggle's CSV files: what pandas reads, checked, in less time and memory.

`pandas.read_csv` keeps every image as text, of which the tutorial then throws two thirds away.
Here one pass over the file notes where each image lies and hands pandas the coordinates alone,
so that they are its numbers to the last bit; pixels are read for the rows in use only, and
kept in a cache beside the CSV (see `kfkd.cache`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kfkd import files, keypoints
from kfkd.cache import Cache, empty_index
from kfkd.files import TEST, TRAIN, Source
from kfkd.pixels import PIXELS, parse_pixels
from theano_today.errors import DataError

COLUMNS = {
    TRAIN: list(keypoints.COLUMNS),
    TEST: ["ImageId"],
}
IMAGE = "Image"

_LONGEST_LINE = 1 << 20  # bytes; 9216 pixels of three digits are 37,000
_NUMBER = r"\s*[-+]?((\d+\.?\d*|\.\d+)(e[-+]?\d+)?|inf|infinity)\s*"
_GREATEST = 1_000_000  # no coordinate and no image number; float32 could not hold 1e40
_UNPRINTABLE = re.compile(rb"[^\n\x20-\x7e]")


def open_faces(name: str) -> Faces:
    """Open "training.csv" or "test.csv", wherever it is; without one, generated faces.

    Raises
    ------
    MissingFileError, DataError
        As `kfkd.files.find_or_draw`.
    """
    return Faces(files.find_or_draw(name))


class Faces:
    """The rows of one CSV file.

    Parameters
    ----------
    source : Source
        The file.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.columns = COLUMNS[source.name]
        self._fingerprint = source.fingerprint()
        self._cache = Cache(
            source.path.with_name(f".{source.name}.cache"),
            [source.path.name, *self._fingerprint],
            len(self.columns),
        )

    def table(self, cols: Iterable[str] | None = None) -> pd.DataFrame:
        """The coordinates of all rows.

        Parameters
        ----------
        cols : iterable of str, optional
            The columns wanted; None or an empty list means all of them.

        Returns
        -------
        DataFrame, float64
            A column for each of `cols`, in pixels, NaN where missing, and at last "Image":
            the number by which `images` knows the row's image, NaN where the row has no image.

        Raises
        ------
        DataError
            A column does not exist, something in the file is wrong, or no row is complete.
        MissingFileError
            The file has gone.
        """
        cols = self._checked(cols)
        index = self._cache.read_index()
        if index is None:
            with self.source.open() as f:
                index = scan(f, self.source.path, self.columns)
            self._cache.index = index
        df = pd.DataFrame(index["labels"], columns=self.columns)
        df[IMAGE] = np.where(index["start"] < 0, np.nan, np.arange(len(index)))
        if cols:
            df = df[[*cols, IMAGE]]
        if df.isna().any(axis=1).all():
            asked = ", ".join(cols) or f"all {len(self.columns)} columns"
            raise DataError(f"{self.source.path}: no row is complete in {asked} and {IMAGE}")
        return df

    def images(self, rows: Iterable[float]) -> NDArray[np.uint8]:
        """The pixels of some rows.

        Parameters
        ----------
        rows : iterable of float or int
            Numbers out of the column "Image" of `table`.

        Returns
        -------
        uint8, shape (len(rows), 9216)
            A new array.

        Raises
        ------
        DataError
            An image has not 9216 pixels from 0 to 255, or the file has changed meanwhile.
        MissingFileError
            The file has gone.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        pixels = np.empty((len(wanted), PIXELS), np.uint8)
        missing = np.flatnonzero(~self._cache.read_pixels(wanted, pixels))
        if len(missing):
            index = self._cache.index
            assert index is not None  # `rows` come from `table`
            with self.source.open() as f:
                for i in missing:
                    pixels[i] = _read_image(f, index[wanted[i]], self.source.path)
            if self.source.fingerprint() != self._fingerprint:
                raise DataError(f"{self.source.path}: has changed while it was read; load again")
            self._cache.write(wanted, pixels)
        return pixels

    def _checked(self, cols: Iterable[str] | None) -> list[str]:
        if isinstance(cols, str):
            raise DataError(f"cols is the text {cols!r}, expected a list: cols=[{cols!r}]")
        cols = [] if cols is None else list(cols)
        if IMAGE in cols:
            raise DataError("cols names 'Image'; leave it out, the images are always loaded")
        unknown = [c for c in cols if c not in self.columns]
        if unknown:
            raise DataError(
                f"{self.source.path}: has no column {unknown[0]!r}; "
                f"cols can name {', '.join(self.columns)}"
            )
        return cols


def scan(f: IO[bytes], path: Path, columns: list[str]) -> NDArray[np.void]:
    """Read everything but the pixels.

    Parameters
    ----------
    f : binary file
        The CSV.
    path : Path
        What messages call it.
    columns : list of str
        The columns expected, without "Image".

    Returns
    -------
    structured array, one record for each row
        See `kfkd.cache.index_dtype`; nothing is cached yet.

    Raises
    ------
    DataError
        Something is wrong with the file, its header, the number of fields or a coordinate.
    """
    header = f.readline(_LONGEST_LINE)
    _check_header(header, path, [*columns, IMAGE])
    cells, places = bytearray(), []
    for number, offset, line in _lines(f, path, len(header)):
        text = line.rstrip(b"\r\n")
        if b"\r" in text:  # pandas takes it for the end of the line
            raise DataError(f"{path}: line {number}: has a carriage return in its middle")
        # From the end, so that the image need not be searched.
        comma = text.rfind(b",")
        labels, image = text[: max(comma, 0)], text[comma + 1 :]
        fields = labels.count(b",") + 2 if comma >= 0 else 1
        if fields != len(columns) + 1:
            cut = "" if line.endswith(b"\n") else "; the file is cut off"
            raise DataError(
                f"{path}: line {number}: found {fields} fields, expected {len(columns) + 1}{cut}"
            )
        quoted = image.startswith(b'"')
        if quoted != image.endswith(b'"') or image == b'"':
            raise DataError(f"{path}: line {number}, column {IMAGE}: a quote is not closed")
        if quoted:
            image = image[1:-1]
        if b'"' in labels:
            labels = b",".join(_unquoted(cell) for cell in labels.split(b","))
        # pandas shall say whether a short text stands for a missing image; long ones do not.
        short = len(image) < 20 and not _UNPRINTABLE.search(image)
        cells += labels + b"," + (image if short else b"0") + b"\n"
        places.append((number, offset + comma + 1 + quoted, len(image)))
    if not places:
        raise DataError(f"{path}: has no rows after the header")
    df = _parse_cells(cells, path, columns, [number for number, _, _ in places])
    index = empty_index(len(places), len(columns))
    index["line"], index["start"], index["length"] = zip(*places, strict=True)
    index["labels"] = df[columns]
    # A file cut short shows in its last row, which otherwise might not be looked at.
    if df[IMAGE].notna().iloc[-1]:
        _read_image(f, index[-1], path)
    elif not line.endswith(b"\n"):
        raise DataError(f"{path}: line {number}, column {IMAGE}: nothing; the file is cut off")
    index["start"][df[IMAGE].isna()] = -1
    return index


def _lines(f: IO[bytes], path: Path, offset: int) -> Iterator[tuple[int, int, bytes]]:
    """Number (the header is line 1), offset and bytes of the lines that are not blank."""
    number = 1
    while line := f.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise DataError(f"{path}: line {number} is longer than {_LONGEST_LINE - 1} bytes")
        if not line.isspace():
            yield number, offset, line
        offset += len(line)


def _check_header(header: bytes, path: Path, expected: list[str]) -> None:
    if not header:
        raise DataError(f"{path}: is empty, expected a CSV file")
    try:
        text = header.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: line 1 is not UTF-8 text (byte {error.start + 1}), expected a CSV file"
        ) from error
    found = [_unquoted(name.encode()).decode() for name in text.split(",")]
    for i, name in enumerate(expected):
        if i == len(found):
            raise DataError(f"{path}: line 1, column {i + 1} is missing, expected {name!r}")
        if found[i] != name:
            raise DataError(
                f"{path}: line 1, column {i + 1} is {_clip(found[i])}, expected {name!r}"
            )
    if len(found) > len(expected):
        raise DataError(
            f"{path}: line 1, column {len(expected) + 1} is {_clip(found[len(expected)])}, "
            f"expected {len(expected)} columns"
        )


def _parse_cells(
    cells: bytearray, path: Path, columns: list[str], lines: list[int]
) -> pd.DataFrame:
    bad = _UNPRINTABLE.search(cells)
    if bad:
        row = cells.count(b"\n", 0, bad.start())
        begin = cells.rfind(b"\n", 0, bad.start()) + 1
        column = cells.count(b",", begin, bad.start())
        cell = cells[begin:].split(b"\n", 1)[0].split(b",")[column]
        raise _bad_cell(path, lines[row], columns[column], bytes(cell), "not a number")

    def read(kind: type) -> pd.DataFrame:
        return pd.read_csv(
            io.BytesIO(cells),
            header=None,
            names=[*columns, IMAGE],
            index_col=False,
            dtype=dict.fromkeys(columns, kind) | {IMAGE: str},
            skip_blank_lines=False,
            quoting=csv.QUOTE_NONE,
        )

    def complain(bad_cells: NDArray[np.bool_], what: str) -> NoReturn:
        row, column = np.argwhere(bad_cells)[0]
        text = read(str)[columns[column]][row].encode()
        raise _bad_cell(path, lines[row], columns[column], text, what)

    try:
        if re.search(b"true|false", cells.lower()):
            raise ValueError("truth values")  # a column of them pandas takes for 1 and 0
        df = read(float)
    except ValueError as error:
        texts = read(str)[columns]
        numeric = texts.apply(lambda c: c.str.fullmatch(_NUMBER, case=False))
        bad_cells = (texts.notna() & ~numeric.fillna(False).astype(bool)).to_numpy()
        if bad_cells.any():
            complain(bad_cells, "not a number")
        # pandas has its own idea of a number.
        raise DataError(f"{path}: {' '.join(str(error).split())}") from error
    bad_cells = df[columns].abs().to_numpy() > _GREATEST
    if bad_cells.any():
        complain(bad_cells, f"out of range, expected at most {_GREATEST}")
    return df


def _bad_cell(path: Path, line: int, column: str, cell: bytes, what: str) -> DataError:
    text = _clip(cell.decode("utf-8", "backslashreplace"))
    return DataError(f"{path}: line {line}, column {column}: {text} is {what}")


def _unquoted(cell: bytes) -> bytes:
    return cell[1:-1] if len(cell) > 1 and cell[:1] == cell[-1:] == b'"' else cell


def _read_image(f: IO[bytes], record: np.void, path: Path) -> NDArray[np.uint8]:
    f.seek(int(record["start"]))
    text = f.read(int(record["length"]))
    try:
        return parse_pixels(text)
    except ValueError as error:
        raise DataError(f"{path}: line {record['line']}, column {IMAGE}: {error}") from None


def _clip(text: str) -> str:
    return ascii(text if len(text) <= 40 else text[:37] + "...")
