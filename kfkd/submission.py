"""Kaggle's submission: the coordinates that IdLookupTable.csv asks for, in its order."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kfkd import files
from kfkd.files import LOOKUP, Source
from kfkd.keypoints import COLUMNS
from theano_today.atomic import atomic_write
from theano_today.errors import DataError, MissingFileError, WriteError

_WANTED = ("RowId", "ImageId", "FeatureName")
_LOWEST, _HIGHEST = 0.0, 96.0  # what Kaggle takes

# RowId, ImageId and column of each value asked for.
Rows = list[tuple[int, int, str]]


def find_lookup() -> Source:
    """Find IdLookupTable.csv, plain or zipped, in the folder of the faces.

    Raises
    ------
    MissingFileError
        It is not there, or the faces are generated ones, for which there is none.
    """
    source = files.find(LOOKUP)
    if source is None:
        raise MissingFileError(
            f"no {LOOKUP} in {files.configured_folder()}: it comes with Kaggle's files, which "
            "data/README.md says how to get; generated faces cannot be submitted"
        )
    return source


def read_lookup(source: Source) -> Rows:
    """Read which values a submission lists.

    Returns
    -------
    list of (int, int, str)
        RowId, ImageId and FeatureName of each row, in the file's order. Other columns (Kaggle's
        has an empty "Location") are not looked at.

    Raises
    ------
    DataError
        One line that names the file, the line and what is wrong with it.
    MissingFileError
        The file has gone.
    """
    with source.open() as f:
        lines = _csv_lines(f.read(), source.path)
    _, header = next(lines)
    places = [_place(header, name, source.path) for name in _WANTED]
    known = set(COLUMNS)
    rows: Rows = []
    seen: dict[int, int] = {}
    for number, fields in lines:
        where = f"{source.path}: line {number}"
        # Kaggle's rows end before the last column, Location, which is theirs to fill.
        if not max(places) < len(fields) <= len(header):
            raise DataError(f"{where}: found {len(fields)} fields, expected {max(places) + 1}")
        row, image, feature = (fields[place].strip() for place in places)
        for name, text in (("RowId", row), ("ImageId", image)):
            if not (text.isascii() and text.isdigit() and len(text) < 10):
                raise DataError(
                    f"{where}, column {name}: {_clip(text)}, expected a whole number from 1"
                )
        if feature not in known:
            raise DataError(
                f"{where}, column FeatureName: {_clip(feature)} is not a column of training.csv"
            )
        if int(row) in seen:
            raise DataError(f"{where}: RowId {row} stands on line {seen[int(row)]} already")
        seen[int(row)] = number
        rows.append((int(row), int(image), feature))
    if not rows:
        raise DataError(f"{source.path}: has no rows after the header")
    return rows


def locations(
    rows: Rows, images: Iterable[int], predicted: Mapping[str, NDArray]
) -> NDArray[np.float64]:
    """Look up the value of each row, clipped to what a 96 x 96 image has, 0 to 96.

    Parameters
    ----------
    rows : list
        Of `read_lookup`.
    images : iterable of int
        ImageId of each face.
    predicted : mapping of str to ndarray, shape (faces,)
        The column's coordinates in pixels.

    Raises
    ------
    DataError
        The table asks for an image or a column that is not there, or a prediction is NaN.
    """
    place = {image: i for i, image in enumerate(images)}
    lacking = next((feature for _, _, feature in rows if feature not in predicted), None)
    if lacking is not None:
        raise DataError(
            f"the table asks for {lacking}, which the net does not predict; it predicts "
            f"{', '.join(predicted)}"
        )
    strange = next((image for _, image, _ in rows if image not in place), None)
    if strange is not None:
        raise DataError(
            f"the table asks for image {strange}, which is not in test.csv ({len(place)} images)"
        )
    values = np.array([predicted[feature][place[image]] for _, image, feature in rows])
    if not np.isfinite(values).all():
        raise DataError("the net predicts NaN: its training has diverged")
    return values.clip(_LOWEST, _HIGHEST)


def write(path: Path, rows: Rows, values: NDArray) -> None:
    """Write RowId and Location, whole or not at all; WriteError if that fails."""
    lines = [f"{row},{value:.9g}\n" for (row, _, _), value in zip(rows, values, strict=True)]
    try:
        with atomic_write(path) as f:
            f.write("".join(["RowId,Location\n", *lines]).encode())
    except OSError as error:
        raise WriteError(f"cannot write {path} ({error.strerror or error})") from error


def read_labels(path: Path) -> dict[tuple[int, str], float]:
    """Read the true coordinates of test faces: a CSV of ImageId and training.csv's columns.

    Returns
    -------
    dict of (ImageId, column) to float
        In pixels, without what is empty.

    Raises
    ------
    MissingFileError, DataError
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingFileError(f"there is no {path}, which --labels names") from None
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror or error})") from error
    lines = _csv_lines(content, path)
    _, header = next(lines)
    id_place = _place(header, "ImageId", path)
    columns = [(i, name) for i, name in enumerate(header) if name in COLUMNS]
    if not columns:
        raise DataError(f"{path}: line 1 names no column of training.csv")
    labels: dict[tuple[int, str], float] = {}
    for number, fields in lines:
        if len(fields) != len(header):
            raise DataError(
                f"{path}: line {number}: found {len(fields)} fields, expected {len(header)}"
            )
        try:
            image = int(fields[id_place])
            labels |= {(image, name): float(fields[i]) for i, name in columns if fields[i].strip()}
        except ValueError as error:
            raise DataError(f"{path}: line {number}: {error}") from None
    return {key: value for key, value in labels.items() if value == value}


def rmse(rows: Rows, values: NDArray, labels: Mapping[tuple[int, str], float]) -> tuple[float, int]:
    """Root mean squared error as Kaggle computes it: over all values, whatever face they are of.

    Returns
    -------
    float, int
        The error in pixels, NaN without labels, and how many of the rows have a label.
    """
    errors = [
        value - labels[image, feature]
        for (_, image, feature), value in zip(rows, values, strict=True)
        if (image, feature) in labels
    ]
    return (float(np.sqrt(np.mean(np.square(errors)))) if errors else np.nan), len(errors)


def _csv_lines(content: bytes, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of the lines that are not blank; the header is line 1."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}: line {line} is not UTF-8 text, expected a CSV file") from None
    if not text.strip():
        raise DataError(f"{path}: is empty, expected a CSV file")
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: {error}") from None


def _place(header: list[str], name: str, path: Path) -> int:
    names = [field.strip() for field in header]
    if name not in names:
        found = ", ".join(map(_clip, names[:4]))
        raise DataError(f"{path}: line 1 has no column {name}; found {found}")
    return names.index(name)


def _clip(text: str) -> str:
    return ascii(text if len(text) <= 40 else text[:37] + "...")
