"""Names of Ops that hold numbers of NumPy.

Since NumPy 2.0 the repr of a NumPy number names its type, ``np.int64(1)``. Ops are printed (by
debugprint, pp, error messages, profiles) with the reprs of their properties: a shape or an axis
that came from NumPy would read ``offset=np.int64(1)``, where it read ``offset=1``.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from theano_today import hooks
from theano_today.compat.source import edit


def install() -> None:
    hooks.after_import("theano.gof.utils", _mend_names)


def shown(value: object) -> str:
    """``repr(value)`` with NumPy's numbers as plain ones, at any depth."""
    with np.printoptions(legacy="1.25"):
        return repr(value)


def _mend_names(utils: ModuleType) -> None:
    utils._shown = shown  # type: ignore[attr-defined]
    edit(
        utils.MetaObject.__new__,
        {'"%s=%r" % (p, getattr(self, p))': 'p + "=" + _shown(getattr(self, p))'},
    )
