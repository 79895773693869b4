"""Where a variable was made: the program's lines, in Theano's error messages.

Theano keeps the stack for each variable, without its own innermost functions. Programs that are
run as they are make variables by way of functions of theano_today, too (habits/promotion.py,
python2/division.py), which no user wants to read of; nor of what is wrapped around functions of
Theano's (garbage.py, float_messages.py).

The stack is taken for each variable that an optimisation makes, tens of thousands of times for a
net: what depends on a file's name alone is remembered.
"""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import ModuleType

from theano_today import hooks

_OURS = Path(__file__).resolve().parents[2]
_HELPERS = (str(_OURS / "habits"), str(_OURS / "python2"))
_WRAPPERS = frozenset(
    str(Path(__file__).with_name(f"{n}.py")) for n in ("garbage", "float_messages")
)
_MOST = 4096  # files that are remembered, cells of notebooks among them


def install() -> None:
    hooks.after_import("theano.gof.utils", _skip_helpers)


def _skip_helpers(utils: ModuleType) -> None:
    known: dict[tuple, bool] = {}

    def is_inner(filename: str, skips: tuple[str, ...]) -> bool:
        """Say whether a file is left out at the inner end; as Theano does, but for `_HELPERS`."""
        key = filename, skips
        found = known.get(key)
        if found is None:
            if len(known) >= _MOST:
                known.clear()
            left_out = any(part in filename for part in (*skips, *_HELPERS))
            found = known[key] = left_out and "tests" not in filename
        return found

    # The function of the original's name: traceback's format is (file, line number, name, line).
    def simple_extract_stack(f=None, limit=None, skips=()):
        f = f or sys._getframe(1)
        if limit is None:
            limit = getattr(sys, "tracebacklimit", None)
        skips = tuple(skips)
        trace: list[tuple] = []
        while f is not None and (limit is None or len(trace) < limit):
            code = f.f_code
            filename = code.co_filename
            # Without `skips` the whole stack is asked for.
            if skips and ((not trace and is_inner(filename, skips)) or filename in _WRAPPERS):
                f = f.f_back
                continue
            lineno = f.f_lineno
            line = _line(filename, lineno, f.f_globals)
            trace.append((filename, lineno, code.co_name, line.strip() if line else None))
            f = f.f_back
        trace.reverse()
        return trace

    utils.simple_extract_stack = simple_extract_stack  # type: ignore[attr-defined]


def _line(filename: str, lineno: int, names: dict) -> str:
    """As linecache.getline, in one step where it has the file."""
    entry = linecache.cache.get(filename)
    if entry is not None and len(entry) == 4:  # else there is only what would read it
        lines = entry[2]
        return lines[lineno - 1] if 1 <= lineno <= len(lines) else ""
    return linecache.getline(filename, lineno, names)
