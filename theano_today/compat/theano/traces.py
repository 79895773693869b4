"""Where a variable was made: the program's lines, in Theano's error messages.

Theano keeps the stack for each variable, without its own innermost functions. Programs that are
run as they are make variables by way of functions of theano_today, too (habits/promotion.py,
python2/division.py), which no user wants to read of.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import ModuleType

from theano_today import hooks

_OURS = Path(__file__).resolve().parents[2]
_HELPERS = [str(_OURS / "habits"), str(_OURS / "python2")]


def install() -> None:
    hooks.after_import("theano.gof.utils", _skip_helpers)


def _skip_helpers(utils: ModuleType) -> None:
    extract = utils.simple_extract_stack

    @functools.wraps(extract)
    def simple_extract_stack(f=None, limit=None, skips=()):
        # Without `skips` the whole stack is asked for.
        return extract(f or sys._getframe(1), limit, [*skips, *_HELPERS] if skips else [])

    utils.simple_extract_stack = simple_extract_stack  # type: ignore[attr-defined]
