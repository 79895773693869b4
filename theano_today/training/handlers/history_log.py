"""A handler for on_epoch_finished that writes the history into a file, a line an epoch."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from theano_today.atomic import atomic_write
from theano_today.errors import DataError


class HistoryLog:
    """Write ``train_history_`` as CSV or as JSON lines, as it grows.

    The file always holds the net's whole history: it is written anew at the first epoch of a
    run, so that a run that goes on repeats no line, and gains a line at each further one.

    Parameters
    ----------
    path : path-like
        Its ending says how: .csv, or .jsonl for JSON lines.

    Raises
    ------
    DataError
        If the name has a different ending.
    WriteError, OSError
        When called, if the file cannot be written.
    """

    def __init__(self, path) -> None:
        self.path = Path(path)
        if self.path.suffix not in (".csv", ".jsonl"):
            raise DataError(f"{self.path}: a history is written to a .csv or a .jsonl file")
        self._rows = 0  # of the history that are in the file

    def __call__(self, nn, train_history) -> None:
        if not self._rows or self._rows + 1 != len(train_history):
            with atomic_write(self.path) as f:
                f.write(self._text(train_history, 0).encode())
        else:
            with self.path.open("a", encoding="utf-8", newline="") as f:
                f.write(self._text(train_history, self._rows))
        self._rows = len(train_history)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_rows": 0}  # a reloaded net may train in another folder

    def _text(self, history: list[dict], start: int) -> str:
        out = io.StringIO()
        if self.path.suffix == ".jsonl":
            for row in history[start:]:
                # JSON has no NaN: such a loss is written as null.
                plain = {k: v if v == v else None for k, v in map(_plain, row.items())}
                out.write(json.dumps(plain) + "\n")
            return out.getvalue()
        writer = csv.DictWriter(out, list(history[0]), extrasaction="ignore", lineterminator="\n")
        if not start:
            writer.writeheader()
        writer.writerows(dict(map(_plain, row.items())) for row in history[start:])
        return out.getvalue()


def _plain(item: tuple[str, Any]) -> tuple[str, Any]:
    name, value = item
    return name, value.item() if isinstance(value, np.generic) else value
