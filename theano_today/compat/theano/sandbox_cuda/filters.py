"""The shape of the filters, for callers that know it when the graph is made.

The functions of the old back end take no shape. Lasagne's layers know it, and the engine fuses
convolutions of known filters only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_known: tuple[int, ...] | None = None


@contextmanager
def filter_shape(shape: tuple[int, ...]) -> Iterator[None]:
    """Let the convolutions that are made inside have filters of `shape`: (filters, channels, ...).

    Theano raises an error when one gets others.
    """
    global _known
    before, _known = _known, tuple(shape)
    try:
        yield
    finally:
        _known = before


def known(axes: int) -> tuple[int, ...] | None:
    """Return the shape for a convolution over so many axes; None if it is not known."""
    return _known if _known is not None and len(_known) == axes + 2 else None
