"""Translations kept from run to run: the code of each file, in the user's cache folder.

Translating takes about a second for 1500 lines. What was translated once is found by its text, its
path, the Python that runs and the modules here that translate; a change of any of them makes it
another. Files are written whole or not at all, and hold a checksum: what does not fit it is
translated anew. Where Python itself writes no bytecode (``-B``, PYTHONDONTWRITEBYTECODE), none is
kept here.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import marshal
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from theano_today.atomic import atomic_write

_MOST_FILES = 2000
_HERE = Path(__file__).parent
_CHECKSUM = 32


def kept(make: Callable[[], Any], *what: object) -> Any:
    """Return ``make()``, or what it gave in an earlier run for the same `what`.

    Parameters
    ----------
    make : callable
        Gives code, or what else marshal can write. What it raises is raised, and not kept.
    *what : object
        What the result depends on, besides Python and the modules that translate; by their repr.
    """
    folder = _folder()
    if folder is None:
        return make()
    key = hashlib.sha256(repr((_version(), what)).encode("utf-8", "surrogatepass")).hexdigest()
    path = folder / key
    with suppress(OSError, ValueError, EOFError, TypeError):
        data = path.read_bytes()
        if hashlib.sha256(data[_CHECKSUM:]).digest() == data[:_CHECKSUM]:
            return marshal.loads(data[_CHECKSUM:])
    result = make()
    data = marshal.dumps(result)
    with suppress(OSError):  # a full disk, no right to write: it was only to save time
        with atomic_write(path) as file:
            file.write(hashlib.sha256(data).digest() + data)
        _prune(folder)
    return result


def _folder() -> Path | None:
    """Return the folder, made if need be; None if nothing is to be kept, or it is not the user's.

    What lies in it is executed: it has to be as safe as the program's own folder.
    """
    if sys.dont_write_bytecode:
        return None
    try:
        top = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(top, "theano_today", "python2")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError):
        return None
    return folder if status.st_uid == os.getuid() and not status.st_mode & 0o022 else None


@functools.cache
def _version() -> str:
    """Return what stands for the Python that runs and for all that translates."""
    digest = hashlib.sha256(importlib.util.MAGIC_NUMBER + sys.version.encode())
    with suppress(metadata.PackageNotFoundError):
        digest.update(metadata.version("fissix").encode())
    for path in sorted([*_HERE.glob("*.py"), *_HERE.parent.joinpath("habits").glob("*.py")]):
        digest.update(path.read_bytes())
    digest.update((_HERE / "modules" / "__init__.py").read_bytes())
    return digest.hexdigest()


def _prune(folder: Path) -> None:
    """Remove the older half of too many files."""
    files = [entry for entry in os.scandir(folder) if entry.is_file()]
    if len(files) > _MOST_FILES:
        for entry in sorted(files, key=lambda e: e.stat().st_mtime)[: len(files) // 2]:
            with suppress(OSError):
                os.unlink(entry)  # noqa: PTH108
