"""What nets have reached, in a file that loses none of it and counts none of it twice."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from theano_today import errors
from theano_today.atomic import atomic_write
from theano_today.errors import DataError, WriteError

_FORMAT = "net2 results 1"


def write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, and its folder; WriteError, of this worker, if not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as f:
            f.write(content)
    except OSError as error:
        where = f"{errors.place}: " if errors.place else ""
        raise WriteError(f"{where}cannot write {path} ({error.strerror or error})") from None


def plain(value: Any) -> Any:
    """Return a scalar of NumPy's as one of Python's."""
    return value.item() if hasattr(value, "item") else value


class Results(dict):
    """Rows by name, in a file of one line of JSON each: what is in there is not lost.

    Parameters
    ----------
    path : Path
        A line that a power cut has torn is cut off.
    settings : dict
        What the rows depend on, the first line of the file.
    fresh : bool
        Begin with an empty file.

    Raises
    ------
    DataError
        The file belongs to a different search.
    WriteError
        It cannot be written.
    """

    def __init__(self, path: Path, settings: dict[str, Any], fresh: bool = False) -> None:
        super().__init__()
        self.path = path
        if path.exists() and not fresh:
            self._read(settings)
            return
        first = json.dumps({"format": _FORMAT, "settings": settings})
        write(path, f"{first}\n".encode())

    def add(self, name: str, drawn: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Keep a row of `kfkd.cluster.training.train`, on the disk before this returns.

        One that is there already stays.
        """
        if name in self:
            return
        row = {
            "name": name, "drawn": {k: plain(v) for k, v in drawn.items()},
            **{k: result[k] for k in ("loss", "best", "epoch", "epochs", "seconds", "worker")},
        }  # fmt: skip
        try:
            with self.path.open("ab") as f:
                f.write(f"{json.dumps(row)}\n".encode())
                f.flush()
                os.fsync(f.fileno())
        except OSError as error:
            raise WriteError(
                f"cannot write {self.path} ({error.strerror or error}); the nets before this one "
                "are in it"
            ) from None
        self[name] = row

    def best(self) -> str | None:
        """The name of the row of the lowest loss, the first of equals; None without one."""
        rows = [row for row in self.values() if math.isfinite(row["loss"])]
        return min(rows, key=lambda r: (r["loss"], int(r["name"])))["name"] if rows else None

    def _read(self, settings: dict[str, Any]) -> None:
        try:
            content = self.path.read_bytes()
            whole, _, torn = content.rpartition(b"\n")
            first, *rows = [json.loads(line) for line in whole.splitlines()] or [{}]
            if first.get("format") != _FORMAT:
                raise ValueError(f"its first line is not that of a {_FORMAT}")
            there = first["settings"]
            self.update({row["name"]: row for row in reversed(rows)})
        except OSError as error:
            raise DataError(f"cannot read {self.path} ({error.strerror or error})") from None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise DataError(
                f"{self.path}: holds no results of nets ({error}); --fresh discards it, "
                "another name leaves it alone"
            ) from None
        differ = [n for n in settings if there.get(n) != settings[n]]
        if differ:
            name = differ[0]
            raise DataError(
                f"{self.path}: belongs to a run that differs in {name} ({_clip(there.get(name))} "
                f"there, {_clip(settings[name])} here); --fresh discards it, another name "
                "leaves it alone"
            )
        if torn:
            with self.path.open("r+b") as f:
                f.truncate(len(content) - len(torn))


def _clip(value) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
