"""Says what each node of a compiled function runs on, for `--verbose` and `--check SCRIPT`.

Only where somebody listens to the log "theano_today" at level INFO. Why a convolution or a scan
does not run on the kernels is said before, by the rooms that decide it.
"""

from __future__ import annotations

import functools
import itertools
import logging
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

log = logging.getLogger("theano_today")

_HERE = __name__.rpartition(".")[0]
_NOT_THE_PROGRAM = (str(Path(__file__).parents[1]), "site-packages", "dist-packages", "<frozen")
_WIDTH = 76  # behind "theano_today: "
_numbers = itertools.count(1)


def listen(program: str) -> None:
    """Let what is said of each graph that is compiled appear on stderr, behind a program's name.

    The rewrites of convolutions and the loop of scan say what they do not cover, and why.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"{program}: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def patch(function_module: ModuleType) -> None:
    """Let each new function be reported; ``function_module`` is theano.compile.function_module."""
    original = function_module.FunctionMaker.create
    within = threading.local()

    @functools.wraps(original)
    def create(self, *args, **kwargs):
        # The function of a scan's steps is made while that of the whole is.
        inner = getattr(within, "another", False)
        within.another = True
        try:
            function = original(self, *args, **kwargs)
        finally:
            within.another = inner
        if not inner and log.isEnabledFor(logging.INFO):
            for line in lines(function, _place()):
                log.info("%s", line)
        return function

    function_module.FunctionMaker.create = create


def lines(function: Any, place: str = "") -> Iterator[str]:
    """Yield what a function's nodes run on; nothing for other linkers than Theano's own machines.

    Parameters
    ----------
    function : theano.compile.function_module.Function
    place : str
        The line of the program that had it compiled.
    """
    machine = function.fn
    nodes, thunks = getattr(machine, "nodes", None), getattr(machine, "thunks", None)
    if not nodes or thunks is None:
        return
    found: dict[str, Counter[str]] = {
        what: Counter() for what in ("the engine", "C code", "Python")
    }
    for node, thunk in zip(nodes, thunks, strict=True):
        found[_runs_on(thunk)][_called(node.op)] += 1
    # Theano's own name for one that has none is a file and a line, which may be Lasagne's.
    name = str(getattr(function, "name", None) or "")
    own = f" {name!r}" if name and not re.search(r":\d+$", name) else ""
    yield f"function {next(_numbers)}{own}{place and f', {place}'}: {len(nodes)} Ops"
    for what, count in found.items():
        if count:
            yield from _wrapped(f"  {what:<11}", [f"{n} {op}" for op, n in count.most_common()])


def _runs_on(thunk: Any) -> str:
    if getattr(thunk, "__module__", "").startswith(_HERE):
        return "the engine"
    return "C code" if hasattr(thunk, "cthunk") else "Python"


def _called(op: Any) -> str:
    kind = type(op).__name__
    if kind == "Elemwise":
        return f"Elemwise {type(op.scalar_op).__name__}"
    return kind


def _place() -> str:
    """Return the program's line that had the function compiled, as far as it can be told."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if not any(part in name for part in _NOT_THE_PROGRAM):
            return f"{Path(name).name} line {frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def _wrapped(start: str, words: list[str]) -> Iterator[str]:
    line = start
    for i, word in enumerate(words):
        word += "," * (i < len(words) - 1)
        if len(line) + 1 + len(word) > _WIDTH and line.strip():
            yield line
            line = " " * len(start)
        line += " " + word
    yield line
