"""One run at a time in a folder, by a lock that no dead process can hold."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path

from theano_today.errors import RunningError

NAME = "lock"


_held: dict[Path, FolderLock] = {}  # by this process


class FolderLock:
    """The right to write in a folder, until `release` or the end of the process.

    The operating system holds it (flock): whatever ends the process ends the lock. The file
    is there only to be locked and to say by whom. A process does not exclude itself: in a
    notebook, a cell that is run again takes the folder over from the object it made before.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    elsewhere : str
        What a message calls a folder that is free.

    Raises
    ------
    RunningError
        Another process has the lock; names it.
    OSError
        The folder cannot be made or written to.
    """

    def __init__(self, folder: Path, elsewhere: str = "another folder") -> None:
        self.path = folder.absolute() / NAME
        former = _held.get(self.path)
        if former is not None and _is_at(former.handle, self.path):
            self.handle: int = former.handle
        else:
            self.handle = _lock(self.path, elsewhere)
            text = f"process {os.getpid()} on {socket.gethostname()}\n"
            with suppress(OSError):  # a full disk does not harm the lock
                os.ftruncate(self.handle, 0)
                os.pwrite(self.handle, text.encode(), 0)
        _held[self.path] = self

    def is_there(self) -> bool:
        """Say whether the folder and the file are still those that were locked."""
        return _is_at(self.handle, self.path)

    def release(self) -> None:
        """Give the lock back, and remove its file; of no effect once another has taken it over."""
        if _held.get(self.path) is self:
            del _held[self.path]
            if self.is_there():  # and not another run's, which came when the folder was removed
                with suppress(OSError):
                    self.path.unlink()
            os.close(self.handle)


def _lock(path: Path, elsewhere: str) -> int:
    while True:
        path.parent.mkdir(exist_ok=True)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            continue  # the folder's last run has just removed it
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(handle, path):
                return handle
        except BlockingIOError:
            owner = os.pread(handle, 1000, 0).decode(errors="replace").strip()
            os.close(handle)
            raise RunningError(
                f"{path.parent}: another run is at work here ({owner or 'it has just begun'}); "
                f"wait for its end, or use {elsewhere}"
            ) from None
        except OSError:
            os.close(handle)
            raise
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    # Somebody who gave the lock back may have removed the file between our open and flock.
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False
