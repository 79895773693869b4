"""The lock on Theano's compile directory: one that ends with its process and wakes who waits.

Theano 1.0.5 makes a folder and asks every 5 to 10 seconds whether it is still there. Killed
processes leave it behind (found out on the same host only; else after 120 seconds), and so does a
process that goes on after an error or Ctrl-C while it compiled. A lock by flock ends with its
process: the next one continues at once, and processes that compile different things take turns
module by module.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from types import ModuleType

from theano_today import hooks


def install() -> None:
    hooks.after_import("theano.gof.compilelock", _use_flock)


def _use_flock(compilelock: ModuleType) -> None:
    lock_by_folder, refresh = compilelock.lock, compilelock.refresh_lock
    unlock_folder = compilelock.Unlocker.unlock
    handles: dict[str, int] = {}

    def lock(tmp_dir, *args, **kwargs):
        os.makedirs(os.path.dirname(tmp_dir), exist_ok=True)  # noqa: PTH103, PTH120
        handle = os.open(f"{tmp_dir}.flock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # a network drive without such locks
            os.close(handle)
            lock_by_folder(tmp_dir, *args, **kwargs)
        except BaseException:  # Ctrl-C while it waits
            os.close(handle)
            raise
        else:
            handles[tmp_dir] = handle

    def unlock(self, force=False):
        handle = handles.pop(self.tmp_dir, None)
        if handle is None:
            unlock_folder(self, force)
        else:
            os.close(handle)

    def refresh_lock(lock_file):
        # Theano tells others every minute that it is still alive; the kernel knows by itself.
        if os.path.dirname(lock_file) not in handles:  # noqa: PTH120
            return refresh(lock_file)
        return ""

    @contextmanager
    def lock_ctx(lock_dir=None, keep_lock=False, **kwargs):
        compilelock.get_lock(lock_dir=lock_dir, **kwargs)
        try:
            yield
        except BaseException:
            compilelock.release_lock()
            raise
        if not keep_lock:
            compilelock.release_lock()

    compilelock.lock, compilelock.refresh_lock = lock, refresh_lock  # type: ignore[attr-defined]
    compilelock.lock_ctx = lock_ctx  # type: ignore[attr-defined]
    compilelock.Unlocker.unlock = unlock
