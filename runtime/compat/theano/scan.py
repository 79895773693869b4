"""scan's loop.

scan_perform.c, written by Cython in 2017, does not compile since Python 3.11 moved
longintrepr.h: scan runs its Python loop instead, with the same results.
"""

from __future__ import annotations

from types import ModuleType

from runtime.compat import hooks


def install() -> None:
    hooks.replace("theano.scan_module.scan_perform_ext", _refuse_scan_perform)


def _refuse_scan_perform(module: ModuleType) -> None:
    # Scan.make_thunk answers an ImportError by using its Python loop.
    raise ImportError("Theano 1.0.5's scan_perform.c does not compile on Python 3.11 or newer")
