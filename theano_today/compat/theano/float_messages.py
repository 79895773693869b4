"""Errors about float64 where floatX is float32 name the flag.

Stock Theano's floatX is float64; here it is float32 unless the user says otherwise
(setup/configure.py). Programs that were written without settings of their own mix the two: arrays
of NumPy are float64, T.matrix() is not. Theano's messages say which types do not fit; the note
that is added says what to do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType

from theano_today import hooks

NOTE = (
    "floatX is float32 here, and float64 in stock Theano: THEANO_FLAGS=floatX=float64 runs a "
    "program that was written for that"
)


def install() -> None:
    hooks.after_import("theano.compile.pfunc", _mend_pfunc)
    hooks.after_import("theano.scan_module.scan", _mend_scan)
    hooks.after_import("theano.tensor.type", _mend_type)


def is_about_float64(error: BaseException) -> bool:
    """Tell whether an error says that float64 does not fit, while floatX is float32."""
    if not isinstance(error, (TypeError, ValueError)) or "float64" not in str(error):
        return False
    import theano

    return theano.config.floatX == "float32"


def _noting(function: Callable) -> Callable:
    @functools.wraps(function)
    def wrapper(*arguments, **options):
        try:
            return function(*arguments, **options)
        except (TypeError, ValueError) as error:
            if is_about_float64(error) and NOTE not in getattr(error, "__notes__", ()):
                error.add_note(NOTE)
            raise

    return wrapper


def _mend_pfunc(pfunc: ModuleType) -> None:
    pfunc.rebuild_collect_shared = _noting(pfunc.rebuild_collect_shared)  # type: ignore[attr-defined]


def _mend_scan(scan: ModuleType) -> None:
    scan.scan = _noting(scan.scan)  # type: ignore[attr-defined]


def _mend_type(types: ModuleType) -> None:
    for name in ("filter", "filter_variable"):
        setattr(types.TensorType, name, _noting(getattr(types.TensorType, name)))
