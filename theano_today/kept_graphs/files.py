"""The folder of kept graphs: one file each, with a checksum.

A file that is damaged is removed, and is as if it were not there; so is a folder that cannot be
read or written.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import marshal
import os
import time
from pathlib import Path
from typing import Any

import theano

from theano_today.atomic import atomic_write, leftovers

_HEAD = b"theano_today graph 1\n"
_END = ".graph"
MOST_FILES = 200
MOST_BYTES = 50 << 20
_ABANDONED = 3600  # seconds, after which a file that is being written belongs to nobody

log = logging.getLogger("theano_today")


def folder() -> Path:
    return Path(theano.config.compiledir) / "kept_graphs"


def path(key: bytes) -> Path:
    return folder() / f"{key.hex()}{_END}"


def read(key: bytes) -> Any:
    """Return what was kept under a key; None if there is nothing."""
    file = path(key)
    try:
        contents = file.read_bytes()
    except OSError:
        return None
    body = len(_HEAD) + hashlib.sha256().digest_size
    if contents.startswith(_HEAD) and (
        hashlib.sha256(key + contents[body:]).digest() == contents[len(_HEAD) : body]
    ):
        with contextlib.suppress(ValueError, EOFError, TypeError):
            kept = marshal.loads(contents[body:])
            with contextlib.suppress(OSError):
                os.utime(file)  # the oldest go first
            return kept
    remove(key)
    return None


def remove(key: bytes) -> None:
    with contextlib.suppress(OSError):
        path(key).unlink()


def write(key: bytes, kept: bytes) -> bool:
    """Keep bytes of `marshal` under a key, and remove the oldest files where there are too many.

    Returns
    -------
    bool
        Whether they are there; a disk may be full, or not to be written to.
    """
    if len(kept) > MOST_BYTES // 4:
        return False
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with atomic_write(path(key)) as f:
            f.write(_HEAD + hashlib.sha256(key + kept).digest() + kept)
        _make_room()
    except OSError as error:
        log.debug("no graph was kept: %s", error)
        return False
    return True


def _make_room() -> None:
    now = time.time()
    for _, temporary in leftovers(folder()):
        with contextlib.suppress(OSError):
            if now - temporary.stat().st_mtime > _ABANDONED:
                temporary.unlink()
    kept = []
    for file in folder().glob(f"*{_END}"):
        with contextlib.suppress(OSError):
            status = file.stat()
            kept.append((status.st_mtime, status.st_size, file))
    kept.sort(reverse=True)
    total = 0
    for n, (_, size, file) in enumerate(kept):
        total += size
        if n >= MOST_FILES or total > MOST_BYTES:
            with contextlib.suppress(OSError):
                file.unlink()
