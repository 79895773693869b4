"""Ctrl-C as a request instead of an exception: the first one asks, the second one insists."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

STOPPED = 130  # the shell's exit code for Ctrl-C

_ROOT = Path(__file__).resolve().parents[2]


def install() -> None:
    """Print one line instead of a traceback when Ctrl-C ends one of the project's own scripts.

    A hook, because most of the waiting before the first batch is for imports.
    """
    previous = sys.excepthook
    if getattr(previous, "_handles_ctrl_c", False):
        return

    @functools.wraps(previous)
    def excepthook(kind, error, traceback):
        script = getattr(sys.modules.get("__main__"), "__file__", None)
        ours = script is not None and Path(script).resolve().parent == _ROOT
        if not (ours and issubclass(kind, KeyboardInterrupt)):
            previous(kind, error, traceback)
            return
        say_stopped()
        # Python turns a SystemExit raised by the hook into the exit code.
        raise SystemExit(STOPPED)

    excepthook._handles_ctrl_c = True  # type: ignore[attr-defined]
    sys.excepthook = excepthook


class Interrupt:
    """Hold SIGINT: the first Ctrl-C only sets `requested`, the second raises KeyboardInterrupt.

    A context manager. Where SIGINT is ignored (nohup, a shell script's background jobs) it
    stays ignored, and outside the main thread Ctrl-C is somebody else's.

    Parameters
    ----------
    say : callable
        Called at the first Ctrl-C, from within the signal handler.
    """

    def __init__(self, say: Callable[[], None]) -> None:
        self.say = say
        self.requested = False

    def __enter__(self) -> Interrupt:
        self.previous = None
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            return self
        with contextlib.suppress(ValueError):  # not the main thread
            self.previous = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *exc_info) -> None:
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self.say()


def say_on_stderr(text: str) -> None:
    """Write a line from a signal handler: print() may be what the signal interrupted."""
    os.write(2, f"\n{text}\n".encode())


def say_stopped(what: str = "") -> None:
    """Print the last line of a script that Ctrl-C has ended."""
    # The terminal has left its echo, "^C", at the start of the line.
    start = "\n" if sys.stderr.isatty() else ""
    print(f"{start}{Path(sys.argv[0]).name}: stopped by Ctrl-C{what}", file=sys.stderr)
