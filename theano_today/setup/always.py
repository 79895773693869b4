"""``setup --always`` and ``--never``: whether each program of an environment is revived."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from theano_today.errors import SetupError
from theano_today.setup import startup

MODULE = "_theano_today_startup.py"
PTH = "theano_today_always.pth"
_PACKAGE = Path(__file__).parents[1]


def folder() -> Path:
    """Return the environment's site-packages.

    Raises
    ------
    SetupError
        If this Python is no virtual environment: the system's own programs run by it, too.
    """
    if sys.prefix == sys.base_prefix:
        raise SetupError(
            "--always is for a virtual environment, and this Python is none: programs of the "
            "system would be changed; make one first: python -m venv"
        )
    return Path(sysconfig.get_path("purelib"))


def add() -> None:
    """Let every program of this environment run as by ``python -m theano_today``.

    Raises
    ------
    SetupError
        As `folder`, or if its files cannot be written.
    """
    place = folder()
    home = "" if _PACKAGE.is_relative_to(place) else str(_PACKAGE)
    source = Path(startup.__file__).read_text(encoding="utf-8")
    source = source.replace('HOME = ""', f"HOME = {home!r}", 1)
    try:
        (place / MODULE).write_text(source, encoding="utf-8")
        (place / PTH).write_text(f"import {Path(MODULE).stem}\n", encoding="utf-8")
    except OSError as error:
        raise SetupError(f"{place}: cannot be written to: {error.strerror}") from None
    print(f"every program of {sys.prefix} is revived; setup --never ends that")


def remove() -> None:
    """Undo `add`."""
    place = folder()
    found = [path for path in (place / PTH, place / MODULE) if path.exists()]
    for path in found:
        try:
            path.unlink()
        except OSError as error:
            raise SetupError(f"{path}: cannot be removed: {error.strerror}") from None
    state = "not revived any more" if found else "not revived: setup --always was not given"
    print(f"programs of {sys.prefix} are {state}")
