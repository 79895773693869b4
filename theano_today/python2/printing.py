"""The print statement: where it puts spaces.

A space goes before an item, not behind it, if something was printed that did not end a line:
``print "a",`` leaves a file waiting for it, ``print`` then only ends the line. What waits is an
attribute of the file, as it was then; a write() of the program's own to a file that it opened
ends the waiting.
"""

from __future__ import annotations

import sys
from typing import Any

from theano_today.python2.strings import string


def print_statement(*items: Any, end: str = "\n", file: Any = None) -> None:
    """Print as ``print >>file, *items`` did; `end` is " " for a comma at its end."""
    target = sys.stdout if file is None else file
    if target is None:
        return
    pending = bool(getattr(target, "softspace", False))
    for item in items:
        text = string(item)
        target.write(f" {text}" if pending else text)
        of_text = isinstance(item, (str, bytes))
        pending = not (of_text and text[-1:].isspace() and text[-1] != " ")
    if end == "\n":
        target.write(end)
        pending = False
    _set(target, pending)


def end_line() -> None:
    """End the line of the standard output that a program left open, as Python 2 did at its end."""
    out = sys.stdout
    if out is not None and getattr(out, "softspace", False):
        out.write("\n")
        _set(out, False)


def _set(target: Any, pending: bool) -> None:
    try:
        target.softspace = int(pending)
    except AttributeError:  # a file without attributes of one's own
        if pending:
            target.write(" ")
