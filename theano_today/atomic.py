"""Files that are either wholly written or not touched."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from theano_today.errors import UserError, WriteError

# What writing bytes can fail with; anything else comes from the code that made them.
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}

_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{16}\.tmp", re.DOTALL)


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a file to be written in full or not at all.

    The bytes go to a unique temporary name in the same folder, are synced to the disk, and
    are then renamed to `path`; whatever stops the writer leaves the old file as it was.

    Parameters
    ----------
    path : path-like
        The file to create or to replace. A symbolic link is followed, its target replaced.
        A device or a pipe (/dev/null, /dev/stdout) cannot be replaced: it is written to.

    Yields
    ------
    file object, binary, writable

    Raises
    ------
    WriteError (an OSError)
        If the file cannot be created, written or replaced; `path` is untouched then.
    """
    inside = False  # the caller's block, whose errors are his unless the disk is full
    try:
        with _opened(Path(os.path.realpath(path))) as f:
            inside = True
            yield f
            inside = False
    except OSError as error:
        theirs = inside and (error.filename is not None or error.errno not in _DISK_ERRORS)
        if theirs or isinstance(error, UserError):
            raise
        raise WriteError(error.errno, error.strerror, os.fspath(path)) from error


@contextmanager
def _opened(target: Path) -> Iterator[BinaryIO]:
    if target.exists() and not target.is_file():
        with target.open("wb") as f:  # which refuses folders
            yield f
        return
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    if mode is not None and not os.access(target, os.W_OK):
        # Renaming would not ask; whoever took away the right to write meant it.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    # Cut, because a name may be as long as the file system allows.
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as f:
            if mode is not None:
                temporary.chmod(mode)
            yield f
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def leftovers(folder: str | os.PathLike) -> Iterator[tuple[str, Path]]:
    """Find what `atomic_write` left in a folder if it was killed.

    Yields
    ------
    str, Path
        The name of the file to be written, its first 40 characters, and the temporary file.
    """
    with suppress(OSError):
        for path in sorted(Path(folder).iterdir()):
            match = _TEMPORARY.fullmatch(path.name)
            if match is not None:
                yield match[1], path


def remove_leftovers(path: str | os.PathLike) -> None:
    """Remove the `leftovers` of one file; only for those who know that nobody is writing it."""
    target = Path(os.path.realpath(path))
    for name, temporary in leftovers(target.parent):
        if name == target.name[:40]:
            with suppress(OSError):
                temporary.unlink()


def _sync_folder(folder: Path) -> None:
    # The rename itself survives a power cut only once the folder is on the disk.
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows and some network drives do not open folders
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
