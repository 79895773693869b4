"""Files that are either wholly written or not touched."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a file to be written in full or not at all.

    The bytes go to a unique temporary name in the same folder, are synced to the disk, and
    are then renamed to `path`; whatever stops the writer leaves the old file as it was.

    Parameters
    ----------
    path : path-like
        The file to create or to replace. A symbolic link is followed, its target replaced.

    Yields
    ------
    file object, binary, writable

    Raises
    ------
    OSError
        As the file system says; `path` is untouched then.
    """
    path = Path(path).resolve()
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        # mkstemp makes files that only the owner may read; give what open() would give.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(handle, 0o666 & ~mask)
        with os.fdopen(handle, "wb") as f:
            yield cast(BinaryIO, f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


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
