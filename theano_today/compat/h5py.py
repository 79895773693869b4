"""h5py of before 3.0: ``dataset.value``, and files that are opened without a mode.

- ``f["x"].value``, gone in 3.0, is ``f["x"][()]``.
- ``h5py.File(name)`` opened a file to be written, or else to be read, or made it. Since 3.0 it is
  to be read, and has to be there. That is for programs that the runner runs (`wrap`): others may
  count on the error.
"""

from __future__ import annotations

import functools
from types import ModuleType

from theano_today import hooks


def install() -> None:
    hooks.after_import("h5py", _add_value)


def _add_value(h5py: ModuleType) -> None:
    if not hasattr(h5py.Dataset, "value"):
        h5py.Dataset.value = property(lambda self: self[()], doc="The whole dataset, as an array.")


def wrap(h5py: ModuleType) -> None:
    """Let files be opened without a mode as they were."""
    init = h5py.File.__init__
    if getattr(init, "_opens_as_then", False):
        return

    @functools.wraps(init)
    def __init__(self, name, mode=None, *arguments, **options):
        for tried in ("r+", "r"):
            if mode is not None:
                break
            try:
                init(self, name, tried, *arguments, **options)
            except OSError:
                continue
            return
        init(self, name, mode or "w-", *arguments, **options)

    __init__._opens_as_then = True  # type: ignore[attr-defined]
    h5py.File.__init__ = __init__
