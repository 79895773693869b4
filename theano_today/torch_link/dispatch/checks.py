"""Conditions on values that are known on the device only: indices and labels in range.

Reading one back at once would stop the device at every such Op, and torch's own answer to an
index out of range is to kill the process's CUDA context. So an Op clamps the index, and hands
the condition to `require`; the program reads all of them together with its outputs.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch


class Check(NamedTuple):
    """A tensor that must be true (0-d, bool), and the error if it is not."""

    fulfilled: torch.Tensor
    error: type[Exception]
    message: str


_open: ContextVar[list[Check]] = ContextVar("checks")


@contextmanager
def collected():
    """Collect what the Ops inside require; yields the list."""
    checks: list[Check] = []
    token = _open.set(checks)
    try:
        yield checks
    finally:
        _open.reset(token)


def require(fulfilled: torch.Tensor, error: type[Exception], message: str) -> None:
    """Raise `error` at the end of the program's run if `fulfilled` (0-d, bool) is false."""
    _open.get().append(Check(fulfilled, error, message))


def in_range(index: torch.Tensor, size: int, error: type[Exception], message: str):
    """Return `index` (int64) clamped to 0 to size - 1, and require that it was in there."""
    if size == 0 and index.numel():
        raise error(message)  # there is nothing to clamp it to
    fulfilled = ((index >= 0) & (index < size)).all()
    require(fulfilled, error, message)
    return index.clamp(0, max(size - 1, 0))
