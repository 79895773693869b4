"""Errors that the user can mend: scripts print them as one line and exit with code 2 (or 3).

Everything else is a bug of ours and keeps its traceback. Each class is also the
built-in error that a notebook user would catch (ValueError, FileNotFoundError, ...).
"""

from __future__ import annotations

import sys
from pathlib import Path


class UserError(Exception):
    """Base of all errors whose message says what was given, what was expected and what to do."""

    exit_code = 2


class DataError(UserError, ValueError):
    """A CSV, pickle or option holds something that cannot be used."""


class MissingFileError(UserError, FileNotFoundError):
    """A file that the user named, or is expected to provide, is not there."""


class WriteError(UserError, OSError):
    """A file could not be written; what was there before is untouched.

    Takes a message, or the errno, strerror and filename of the OSError that was the cause.
    """

    def __str__(self) -> str:
        if self.filename is None:
            return super().__str__()
        return f"{self.filename}: cannot be written: {self.strerror}"


# Which of a cluster's workers this process is, for errors that only its machine has; see dask.py.
place = ""


class SetupError(UserError, RuntimeError):
    """The machine lacks something that the README's set-up installs (a compiler, headers).

    In a cluster's worker the message begins with its name.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"{place}: {message}" if place and place not in message else message)


class MissingPackageError(UserError, ModuleNotFoundError):
    """A package that only this function needs is not installed."""


class RunningError(UserError, RuntimeError):
    """Another process is at work on the same files."""


class DivergedError(UserError, ArithmeticError):
    """The loss became NaN or infinite: there is nothing left to train."""

    exit_code = 3


def refuse_windows() -> None:
    """Raise SetupError on native Windows, which lacks flock and fork, among others."""
    if sys.platform == "win32":
        raise SetupError(
            "theano_today needs Linux or macOS, this is native Windows: install WSL "
            "(wsl --install) and run the same commands there"
        )


def install_excepthook() -> None:
    """Print an uncaught `UserError` as one line on stderr and exit with its code.

    A hook, so that net2.py stays as plain as the tutorial and errors raised while it is
    being imported (no C++ compiler) are reported the same way. Other exceptions go to the
    hook that was there before.
    """
    previous = sys.excepthook
    if getattr(previous, "_handles_user_errors", False):
        return

    def excepthook(kind, error, traceback):
        if not issubclass(kind, UserError):
            previous(kind, error, traceback)
            return
        print(one_line(error), file=sys.stderr)
        # Python turns a SystemExit raised by the hook into the exit code.
        raise SystemExit(error.exit_code)

    excepthook._handles_user_errors = True  # type: ignore[attr-defined]
    sys.excepthook = excepthook


def one_line(error: UserError) -> str:
    """Return the line for `error`, beginning with the name of the script that is running."""
    message = " ".join(str(error).split("\n"))
    script = Path(sys.argv[0]).name if sys.argv and sys.argv[0] != "-c" else ""
    return f"{script}: error: {message}" if script else f"error: {message}"
