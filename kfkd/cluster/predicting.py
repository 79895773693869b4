"""Keypoints of any number of faces: part by part, each a file, none of them whole in memory.

Workers read the faces themselves, from a drive that all share, and write the parts: through the
scheduler go names of files and numbers of rows.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kfkd.cluster.progress import Progress
from kfkd.cluster.results import write
from kfkd.cluster.work import Cluster
from kfkd.nets import load_nets, predict_columns
from kfkd.photos.pictures import ENDINGS
from kfkd.pixels import parse_pixels
from theano_today import errors
from theano_today.errors import DataError, MissingFileError, MissingPackageError

_MANIFEST = "parts.json"
_COUNTED = 20  # rows that the length of all rows is guessed from


def predict_many(options) -> int:
    """Write the keypoints of all faces, as ``options.out``/part-000000.csv and so on.

    Parameters
    ----------
    options : Namespace
        See `kfkd.cluster.options.predict_many_options`.

    Returns
    -------
    int
        The exit code, 0; 2 if some pictures could not be read.

    Raises
    ------
    MissingFileError, DataError
        There are no faces, or parts in the folder are of other faces or of another net.
    UserError
        See `kfkd.cluster.work.Cluster`.
    """
    load_nets(options.net)  # says what is wrong with it, before anything is done
    parts = list(parts_of(options.faces, options.rows))
    _begin(options)
    names = {f"part-{i:06d}": part for i, part in enumerate(parts)}
    todo = {n: part for n, part in names.items() if not _part(options.out, n).exists()}
    progress = Progress(len(names), options.quiet, "parts")
    failed: list[str] = []
    try:
        if todo:
            with Cluster(options.scheduler, options.workers, progress.note) as cluster:
                progress.say(cluster.described())
                if len(todo) < len(names):
                    progress.say(
                        f"{len(names) - len(todo)} of {len(names)} parts are in {options.out} "
                        "already (--fresh starts over)"
                    )
                    progress.advance(len(names) - len(todo))
                tasks = (
                    (
                        name,
                        (part, str(options.net.resolve()), str(_part(options.out, name).resolve())),
                    )
                    for name, part in todo.items()
                )
                for name, (rows, problems) in cluster.results(predict_part, tasks):
                    if not _part(options.out, name).exists():
                        raise DataError(
                            f"{_part(options.out, name)} was written by a worker, and is not "
                            "there: --out must be on a drive that the workers share"
                        )
                    for problem in problems:
                        progress.note(problem)
                    failed += problems
                    progress.row(f"{_part(options.out, name)}: {rows} faces")
    except KeyboardInterrupt as error:
        there = sum(_part(options.out, name).exists() for name in names)
        error.kept = (  # type: ignore[attr-defined]
            f"{there} of {len(names)} parts are in {options.out}; the same command goes on"
        )
        raise
    finally:
        progress.close()
    print(f"{len(names)} parts in {options.out}")
    if failed:
        print(f"{len(failed)} faces could not be read, and are in none of them")
    return 2 if failed else 0


def _part(folder: Path, name: str) -> Path:
    return folder / f"{name}.csv"


def _begin(options) -> None:
    """Make the folder, and see that the parts in it, if any, are of this run."""
    settings = {
        "faces": str(options.faces.resolve()), "rows": options.rows,
        "net": hashlib.sha256(options.net.read_bytes()).hexdigest(),
    }  # fmt: skip
    manifest = options.out / _MANIFEST
    if options.fresh and options.out.is_dir():
        for path in options.out.glob("part-*.csv"):
            path.unlink()
        manifest.unlink(missing_ok=True)
    try:
        there = json.loads(manifest.read_text())
        differ = [n for n in settings if there.get(n) != settings[n]]
    except FileNotFoundError:
        if any(options.out.glob("part-*.csv")):
            raise DataError(
                f"{options.out} has parts that are of no run known; --fresh removes them"
            ) from None
        write(manifest, json.dumps(settings, indent=1).encode())
        return
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{manifest}: cannot be used ({error}); --fresh starts over") from None
    if differ:
        what = {"faces": "other faces", "rows": "another --rows", "net": "another net"}[differ[0]]
        raise DataError(
            f"{options.out} has parts of a run with {what}; --fresh discards them, another --out "
            "leaves them alone"
        )


def parts_of(faces: Path, rows: int) -> Iterator[dict[str, Any]]:
    """Divide faces into parts, without reading them.

    Parameters
    ----------
    faces : Path
        A folder of pictures, or a .csv or .parquet, or a folder of those.
    rows : int
        Faces in a part: exactly as many pictures; in a CSV about as many, since the parts are
        equal in bytes; in Parquet as many, but never of two row groups.

    Yields
    ------
    dict
        What `predict_part` takes: kind, path and which part of it.

    Raises
    ------
    MissingFileError, DataError, MissingPackageError
    """
    if not faces.exists():
        raise MissingFileError(f"there is no {faces}")
    if faces.is_dir():
        inside = sorted(faces.iterdir())
        tables = [p for p in inside if p.suffix.lower() in (".csv", ".parquet")]
        pictures = [p.name for p in inside if p.suffix.lower() in ENDINGS]
        if not tables and not pictures:
            raise DataError(f"{faces}: no picture, .csv or .parquet is in this folder")
        for table in tables:
            yield from parts_of(table, rows)
        for start in range(0, len(pictures), rows):
            names = pictures[start : start + rows]
            yield {"kind": "pictures", "path": str(faces.resolve()), "names": names}
        return
    kind = {".csv": _csv_parts, ".parquet": _parquet_parts}.get(faces.suffix.lower())
    if kind is None:
        raise DataError(f"{faces}: expected a folder of pictures, a .csv or a .parquet")
    yield from kind(faces, rows)


def _csv_parts(path: Path, rows: int) -> Iterator[dict[str, Any]]:
    with path.open("rb") as f:
        header = _header(path, f.readline())
        begin = f.tell()
        sample = [len(line) for line in itertools.islice(f, _COUNTED)]
        size = f.seek(0, io.SEEK_END)
    if not sample:
        raise DataError(f"{path}: has no rows after the header")
    length = max(1, rows * sum(sample) // len(sample))
    for start in range(begin, size, length):
        yield {
            "kind": "csv", "path": str(path.resolve()), "header": header,
            "start": start, "length": min(length, size - start), "first": begin,
        }  # fmt: skip


def _header(path: Path, line: bytes) -> list[str]:
    try:
        names = [name.strip() for name in next(csv.reader([line.decode("utf-8-sig")]), [])]
    except UnicodeDecodeError:
        raise DataError(f"{path}: line 1 is not UTF-8 text, expected a CSV file") from None
    if "Image" not in names:
        raise DataError(f"{path}: line 1 has no column Image; found {', '.join(names[:4])[:80]}")
    return names


def _parquet_parts(path: Path, rows: int) -> Iterator[dict[str, Any]]:
    file = _parquet(path)
    if "Image" not in file.schema_arrow.names:
        raise DataError(f"{path}: has no column Image; found {', '.join(file.schema_arrow.names)}")
    done = 0
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        for start in range(0, count, rows):
            yield {
                "kind": "parquet", "path": str(path.resolve()), "group": group, "start": start,
                "length": min(rows, count - start), "first": done + start,
            }  # fmt: skip
        done += count


def _parquet(path: Path):
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise MissingPackageError(
            f"{path} needs pyarrow: pip install -r requirements-examples.txt"
        ) from None
    try:
        return ParquetFile(path)
    except (OSError, ArrowException) as error:
        raise DataError(f"{path}: is no Parquet file ({str(error).splitlines()[0]})") from None


def predict_part(part: dict[str, Any], net: str, path: str) -> tuple[int, list[str]]:
    """Predict the faces of a part, and write their keypoints: a row each, in pixels.

    Parameters
    ----------
    part : dict
        Of `parts_of`.
    net : str
        The pickle.
    path : str
        Of the CSV to write: ImageId (or the picture's name), and the net's columns.

    Returns
    -------
    int, list of str
        How many rows, and a line for each face that could not be read.
    """
    reading = {"csv": _read_csv, "parquet": _read_parquet, "pictures": _read_pictures}
    try:
        names, X, squares, problems = reading[part["kind"]](part)
        nets = _nets(net, Path(net).stat().st_mtime_ns)
    except OSError as error:
        if isinstance(error, errors.UserError):
            raise
        raise MissingFileError(
            f"{errors.place or 'here'}: cannot read {error.filename} ({error.strerror or error}); "
            "faces and net must be on a drive that the workers share"
        ) from None
    columns = [column for known in nets for column in known]
    found = np.zeros((0, len(columns)))
    if len(X):
        by_column = predict_columns(nets, X)
        found = np.stack([by_column[column] for column in columns], 1)
    if squares:
        # Of pictures, whose nets must know x and y of each point. From the first pixel's middle.
        points = found.reshape(len(found), -1, 2) + 0.5
        found = np.stack([
            (square.to_picture(face) * shrunk).ravel()
            for (square, shrunk), face in zip(squares, points, strict=True)
        ])  # fmt: skip
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["Image" if part["kind"] == "pictures" else "ImageId", *columns])
    rows.writerows(
        [name, *(f"{v:.5f}" for v in row)] for name, row in zip(names, found, strict=True)
    )
    write(Path(path), text.getvalue().encode())
    return len(names), problems


_loaded: dict[tuple[str, int], Any] = {}


def _nets(path: str, changed: int):
    """The nets of a pickle: loaded and compiled once in each worker."""
    if (path, changed) not in _loaded:
        _loaded.clear()
        _loaded[path, changed] = load_nets(path)
    return _loaded[path, changed]


# Names, faces (n, 1, 96, 96), where they are in their pictures and how far those were shrunk, and
# what could not be read.
_Read = tuple[list[Any], NDArray[np.float32], list[tuple[Any, float]], list[str]]


def _read_csv(part: dict[str, Any]) -> _Read:
    """The rows that begin in the part's bytes; the last may end behind them."""
    place = part["header"].index("Image")
    id_place = part["header"].index("ImageId") if "ImageId" in part["header"] else None
    names, images = [], []
    with Path(part["path"]).open("rb") as f:
        f.seek(part["start"])
        if part["start"] > part["first"]:
            f.seek(part["start"] - 1)
            f.readline()  # the end of the row before
        while f.tell() < part["start"] + part["length"]:
            where = f.tell()
            line = f.readline()
            if not line.strip():
                if not line:
                    break
                continue
            fields = line.rstrip(b"\r\n").split(b",")
            if len(fields) != len(part["header"]):
                raise DataError(
                    f"{part['path']}: byte {where}: found {len(fields)} fields, expected "
                    f"{len(part['header'])}"
                )
            names.append(fields[id_place].decode() if id_place is not None else str(where))
            images.append(_parsed(fields[place], f"{part['path']}: byte {where}"))
    return names, _stacked(images), [], []


def _read_parquet(part: dict[str, Any]) -> _Read:
    file = _parquet(Path(part["path"]))
    wanted = [n for n in ("ImageId", "Image") if n in file.schema_arrow.names]
    table = file.read_row_group(part["group"], columns=wanted).slice(part["start"], part["length"])
    numbers = range(part["first"] + 1, part["first"] + 1 + part["length"])
    names = table["ImageId"].to_pylist() if "ImageId" in wanted else list(numbers)
    images = []
    for number, value in zip(numbers, table["Image"], strict=True):
        where, value = f"{part['path']}: row {number}", value.as_py()
        if isinstance(value, str):
            images.append(_parsed(value.encode(), where))
            continue
        try:
            pixels = np.frombuffer(value, np.uint8) if isinstance(value, bytes) else np.array(value)
            images.append(pixels.astype(np.uint8).reshape(9216))
        except (TypeError, ValueError):
            raise DataError(f"{where}: column Image: expected 9216 pixels, 0 to 255") from None
    return names, _stacked(images), [], []


def _read_pictures(part: dict[str, Any]) -> _Read:
    from kfkd.photos.faces import cut, whole
    from kfkd.photos.pictures import read_picture

    names, faces, squares, problems = [], [], [], []
    for name in part["names"]:
        try:
            picture = read_picture(Path(part["path"], name))
        except (DataError, MissingFileError) as error:
            problems.append(str(error))
            continue
        names.append(name)
        faces.append(cut(picture.grey, whole(picture.grey)))
        squares.append((whole(picture.grey), picture.shrunk))
    X = np.stack(faces)[:, None] if faces else np.zeros((0, 1, 96, 96), np.float32)
    return names, X.astype(np.float32), squares, problems


def _parsed(text: bytes, where: str) -> NDArray[np.uint8]:
    try:
        return parse_pixels(text.strip().strip(b'"'))
    except ValueError as error:
        raise DataError(f"{where}: column Image: {error}") from None


def _stacked(images: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    if not images:
        return np.zeros((0, 1, 96, 96), np.float32)
    return (np.stack(images) / np.float32(255)).astype(np.float32).reshape(-1, 1, 96, 96)
