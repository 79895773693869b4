"""A folder of checkpoint files: numbered, each whole and checked, the last two good ones kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from theano_today.atomic import leftovers
from theano_today.errors import DataError, MissingFileError
from theano_today.training.checkpoints import array_file
from theano_today.training.checkpoints.lock import FolderLock
from theano_today.training.checkpoints.plain import decode, encode

FORMAT = "net2 checkpoint 1"
KEPT = 2

_KINDS = {"fingerprint": dict, "made_with": dict, "state": dict, "random": dict, "elapsed": float}

_NAME = re.compile(r"checkpoint-(\d{6,})\.safetensors")


class Generations:
    """The checkpoints of one run.

    Parameters
    ----------
    folder : Path
        Its own folder. Nothing else in there is touched.
    say : callable
        Called with a line for each file that is refused.
    elsewhere : str
        What a message calls a folder that is free.
    """

    def __init__(
        self, folder: Path, say: Callable[[str], None], elsewhere: str = "another folder"
    ) -> None:
        self.folder = folder
        self.say = say
        self.elsewhere = elsewhere
        self.good: list[Path] = []  # read or written by this run, the oldest first
        self.foreign: set[Path] = set()  # of other runs
        self._lock: FolderLock | None = None

    def open(self) -> None:
        """Make the folder and lock it, unless that is done.

        Raises
        ------
        RunningError
            Another process is at work here.
        OSError
            The folder cannot be made or written to.
        """
        if self._lock is not None and not self._lock.is_there():
            self.close()  # somebody has removed the folder
        if self._lock is None:
            self._lock = FolderLock(self.folder, self.elsewhere)
            for name, path in leftovers(self.folder):
                if _NAME.fullmatch(name):
                    self._remove([path])

    def close(self) -> None:
        """Give the lock back; remove the folder if nothing is left in it."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None
            with suppress(OSError):  # it is not empty
                self.folder.rmdir()

    def read(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Read the files that are whole, the newest first; name and pass over the others."""
        for path in self._files():
            try:
                yield path, _read(path)
            except (DataError, MissingFileError) as error:
                self.say(f"{error}; not used")

    def sort(self, path: Path, *, own: bool) -> None:
        """Count a file that `read` gave among this run's or another's, which is left alone."""
        if own:
            self.good.append(path)
        else:
            self.foreign.add(path)

    def write(self, content: dict[str, Any]) -> Path:
        """Write the next generation, then remove the older ones but for one.

        Raises
        ------
        TypeError
            If `content` is not of what `plain.encode` takes.
        RunningError, OSError
            As `open`, or if the file cannot be written; the others are untouched.
        """
        self.open()
        last = max((_number(path) for path in self._files()), default=0)
        path = self.folder / f"checkpoint-{last + 1:06d}.safetensors"
        arrays: dict[str, Any] = {}
        text = json.dumps(encode(content, arrays))
        array_file.write(path, arrays, {"format": FORMAT, "content": text})
        self.good.append(path)
        del self.good[:-KEPT]
        if len(self.good) == KEPT:
            self._remove(path for path in self._files() if _number(path) < _number(self.good[0]))
        return path

    def remove(self) -> None:
        """Remove what there is of this run, damaged files included."""
        self._remove(self._files())
        self.good.clear()

    def discard(self) -> None:
        """Remove the checkpoints, whoever wrote them.

        Raises
        ------
        RunningError, OSError
            As `open`.
        """
        self.open()
        for path in self._files():
            path.unlink()
        self.good.clear()

    def _remove(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if path not in self.foreign:
                with suppress(OSError):  # what is left over does no harm
                    path.unlink()

    def _files(self) -> list[Path]:
        try:
            files = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        except OSError:
            return []
        return sorted(files, key=_number, reverse=True)


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    assert match is not None
    return int(match[1])


def _read(path: Path) -> dict[str, Any]:
    arrays, texts = array_file.read(path, checksum_needed=True)
    if texts.get("format") != FORMAT:
        given = texts.get("format", "unknown")
        raise DataError(f"{path}: is of format {given[:40]!a}, expected {FORMAT!r}")
    try:
        content = decode(json.loads(texts["content"]), arrays)
        wrong = [key for key, kind in _KINDS.items() if not isinstance(content.get(key), kind)]
        for key in ("fingerprint", "made_with"):
            if key not in wrong and not all(type(text) is str for text in content[key].values()):
                wrong.append(key)
        if wrong:
            raise DataError(f"its {wrong[0]} is missing or damaged")
    except (DataError, LookupError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(f"{path}: is not a checkpoint ({error})") from None
    return content
