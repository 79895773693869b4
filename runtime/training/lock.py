"""One run at a time in a folder, by a lock that no dead process can hold."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path

from runtime.errors import RunningError

NAME = "lock"


class FolderLock:
    """The right to write in a folder, until `release` or the end of the process.

    The operating system holds it (flock): whatever ends the process ends the lock. The file
    is there only to be locked and to say by whom.

    Parameters
    ----------
    folder : Path
        Made if it is not there.

    Raises
    ------
    RunningError
        Another process has the lock; names it.
    OSError
        The folder cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        while True:
            folder.mkdir(exist_ok=True)
            try:
                self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            except FileNotFoundError:
                continue  # the folder's last run has just removed it
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_current():
                    break
            except BlockingIOError:
                owner = os.read(self._handle, 1000).decode(errors="replace").strip()
                os.close(self._handle)
                raise RunningError(
                    f"{folder}: another run is at work here ({owner or 'it has just begun'}); "
                    "wait for its end, or name another file by --out"
                ) from None
            except OSError:
                os.close(self._handle)
                raise
            os.close(self._handle)
        os.ftruncate(self._handle, 0)
        os.write(self._handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())

    def release(self) -> None:
        """Give the lock back, and remove its file."""
        with suppress(OSError):  # the folder may have gone meanwhile
            self.path.unlink()
        os.close(self._handle)

    def _is_current(self) -> bool:
        # Somebody who released it may have removed the file between our open and flock.
        try:
            return os.path.samestat(os.fstat(self._handle), self.path.stat())
        except FileNotFoundError:
            return False
