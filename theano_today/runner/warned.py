"""Warnings name the program's line, and not that of a function of ours that it calls.

``x / y`` of a program that is run is done by a function of habits or python2: NumPy would warn of
a division by zero there.
"""

from __future__ import annotations

import functools
import sys
import warnings
from pathlib import Path
from types import FrameType

_OURS = Path(__file__).resolve().parents[1]
HELPERS = tuple(str(_OURS / room) for room in ("python2", "habits"))


def install() -> None:
    show = warnings.showwarning
    if getattr(show, "_names_the_program", False):
        return

    @functools.wraps(show)
    def showwarning(message, category, filename, lineno, file=None, line=None):
        if str(filename).startswith(HELPERS):
            filename, lineno = _program_s_line(sys._getframe(1), filename, lineno)
        show(message, category, filename, lineno, file, line)

    showwarning._names_the_program = True  # type: ignore[attr-defined]
    warnings.showwarning = showwarning


def _program_s_line(frame: FrameType | None, filename: str, lineno: int) -> tuple[str, int]:
    inside = False  # of the helper that was warned in
    while frame is not None:
        here = frame.f_code.co_filename
        if here.startswith(HELPERS):
            inside = True
        elif inside:
            return here, frame.f_lineno
        frame = frame.f_back
    return filename, lineno
