"""Python's garbage collection while graphs are built and optimised: a quarter of that time.

Theano makes hundreds of thousands of objects for a function, most of which live as long as the
function does. Python looks for garbage whenever 700 more of them are there (2000 since 3.13), and
finds next to none. Until the function is made, it looks less often.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from types import ModuleType

from theano_today import hooks

# Objects; a graph has about as many, so that garbage does not add up to more than that.
SELDOM = 100_000


def install() -> None:
    hooks.after_import("theano.compile.function_module", _mend_compilation)
    hooks.after_import("theano.gradient", _mend_gradient)
    hooks.after_import("theano.scan_module.scan", _mend_scan)


def seldom_collecting(function: Callable) -> Callable:
    """Let garbage be looked for less often while `function` runs.

    What the program set is there again afterwards, and is left alone where it is as rare, or
    where it says never (0).
    """

    # Without a lock: of threads that are here at once one may restore early what all of them had.
    @functools.wraps(function)
    def wrapper(*arguments, **options):
        before = gc.get_threshold()
        if not 0 < before[0] < SELDOM:
            return function(*arguments, **options)
        ours = (SELDOM, *before[1:])
        gc.set_threshold(*ours)
        try:
            return function(*arguments, **options)
        finally:
            if gc.get_threshold() == ours:
                gc.set_threshold(*before)

    return wrapper


def _mend_compilation(function_module: ModuleType) -> None:
    maker = function_module.FunctionMaker
    maker.__init__ = seldom_collecting(maker.__init__)
    maker.create = seldom_collecting(maker.create)
    # Both in one, so that it is looked for once between them
    function_module.orig_function = seldom_collecting(function_module.orig_function)  # type: ignore[attr-defined]


def _mend_scan(scan: ModuleType) -> None:
    scan.scan = seldom_collecting(scan.scan)  # type: ignore[attr-defined]


def _mend_gradient(gradient: ModuleType) -> None:
    gradient._populate_grad_dict = seldom_collecting(gradient._populate_grad_dict)  # type: ignore[attr-defined]
