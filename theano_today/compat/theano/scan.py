"""scan's loop.

scan_perform.c, written by Cython in 2017, does not compile since Python 3.11 moved
longintrepr.h. scan_loop.py has the same loop.
"""

from __future__ import annotations

from types import ModuleType

from theano_today import hooks


def install() -> None:
    hooks.replace("theano.scan_module.scan_perform_ext", _fill_scan_perform)


def _fill_scan_perform(module: ModuleType) -> None:
    from theano_today.compat.theano import scan_loop

    module.__dict__.update(
        perform=scan_loop.perform,
        version=0.296,  # scan_perform_ext's of Theano 1.0.5
        get_version=lambda: 0.296,
    )
