"""Ctrl-C and its kin as a request, not an exception: the first asks, a second Ctrl-C insists.

Its kin are SIGTERM (kill, a batch system, a shutdown) and SIGHUP (a terminal that was closed).
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_ROOT = Path(__file__).resolve().parents[2]


def install() -> None:
    """Print one line instead of a traceback when Ctrl-C ends one of the project's own scripts.

    A hook, because most of the waiting before the first batch is for imports.
    """
    previous = sys.excepthook
    if getattr(previous, "_handles_ctrl_c", False):
        return

    at_start = _script()

    @functools.wraps(previous)
    def excepthook(kind, error, traceback):
        script = _script() or at_start  # Python 3.14 has forgotten it by then
        ours = script is not None and Path(script).resolve().parent == _ROOT
        if not (ours and issubclass(kind, KeyboardInterrupt)):
            previous(kind, error, traceback)
            return
        say_stopped(error)
        # Python turns a SystemExit raised by the hook into the exit code.
        raise SystemExit(exit_code(error))

    excepthook._handles_ctrl_c = True  # type: ignore[attr-defined]
    sys.excepthook = excepthook


def _script() -> str | None:
    return getattr(sys.modules.get("__main__"), "__file__", None)


class Stopped(KeyboardInterrupt):
    """Raised in place of KeyboardInterrupt, by any of the three signals.

    Parameters
    ----------
    number : int
        The signal.

    Attributes
    ----------
    kept : str
        What is not lost, for the script's last line.
    """

    kept = "nothing saved"

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(number)
        self.number = number


class Interrupt:
    """Hold the signals that stop a run: the first sets `requested`, a second Ctrl-C raises.

    A context manager. Where a signal is ignored (nohup, a shell script's background jobs) it
    stays ignored, and outside the main thread signals are somebody else's.

    Parameters
    ----------
    say : callable
        Called at the first signal, from within its handler.

    Attributes
    ----------
    requested : int
        The number of the first signal; 0 as long as there was none.
    insisted : bool
        Whether there was a Ctrl-C after it, which raised `Stopped`.
    """

    def __init__(self, say: Callable[[], None]) -> None:
        self.say = say
        self.requested = 0
        self.insisted = False

    def __enter__(self) -> Interrupt:
        self.previous: dict[int, Any] = {}
        self.terminals = [handle for handle in (1, 2) if os.isatty(handle)]
        for number in SIGNALS:
            if signal.getsignal(number) is signal.SIG_IGN:
                continue
            with contextlib.suppress(ValueError):  # not the main thread
                self.previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exc_info) -> None:
        for number, handler in self.previous.items():
            if handler is not None:  # None: it was not Python that had set it
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._let_go_of_terminals()
        if not self.requested:
            self.requested = number
            self.say()
        elif number == signal.SIGINT:  # others come twice by themselves: a shell repeats SIGHUP
            self.insisted = True
            raise Stopped(self.requested)

    def _let_go_of_terminals(self) -> None:
        # Whatever is written to a terminal that has gone is an error, and would end the run
        # before the net is saved.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for handle in self.terminals:
            os.dup2(nowhere, handle)
        os.close(nowhere)


def say_from_signal_handler(text: str) -> None:
    """Write a line from a signal handler: print() may be what the signal interrupted."""
    with contextlib.suppress(OSError):  # the terminal may be what has gone
        os.write(2, f"\n{text}\n".encode())


def exit_code(error: KeyboardInterrupt) -> int:
    """Return the shell's exit code for a signal: 128 and its number, 130 for Ctrl-C."""
    return 128 + getattr(error, "number", signal.SIGINT)


def cause(number: int) -> str:
    """Return the words for a signal."""
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


def say_stopped(error: KeyboardInterrupt, what: str = "") -> None:
    """Print the last line of a script that a signal has ended."""
    # The terminal has left its echo, "^C", at the start of the line.
    start = "\n" if sys.stderr.isatty() else ""
    by = cause(getattr(error, "number", signal.SIGINT))
    print(f"{start}{Path(sys.argv[0]).name}: stopped by {by}{what}", file=sys.stderr)
