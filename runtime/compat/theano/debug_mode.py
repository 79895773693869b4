"""DebugMode's own Python.

Of the memory that it hands to an Op for its outputs, it fills what is in Fortran's order with
config.unittests.rseed, 666. NumPy 2.0 refuses to write that into int8 or uint8, where it used to
wrap around: it is cast first, as in DebugMode's other arrays.
"""

from __future__ import annotations

from types import ModuleType

from runtime.compat import hooks
from runtime.compat.source import edit


def install() -> None:
    hooks.after_import("theano.compile.debugmode", _cast_the_filling)


def _cast_the_filling(debugmode: ModuleType) -> None:
    edit(
        debugmode._get_preallocated_maps,
        {"new_buf[...] = def_val\n": "new_buf[...] = np.asarray(def_val).astype(r.type.dtype)\n"},
    )
