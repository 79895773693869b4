"""nolearn's TrainSplit without a copy of the data.

The training rows and those to validate with are two runs of X and y, one after the other; nolearn
picks them by index, which doubles the memory. Views do as well, as long as the batch iterators
leave the data as it is: one that shuffles or flips images in place still gets copies.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np

from theano_today import hooks


def install() -> None:
    hooks.after_import("nolearn.lasagne.base", _split_without_copies)


def _split_without_copies(base: ModuleType) -> None:
    copying = base.TrainSplit.__call__

    def only_reads(iterator) -> bool:
        kind = type(iterator)
        return (
            kind.__call__ is base.BatchIterator.__call__
            and kind.transform is base.BatchIterator.transform
            and not iterator.shuffle
        )

    @functools.wraps(copying)
    def split(self, X, y, net):
        in_order = net.regression or not self.stratify
        # A stand-in for a net need not have iterators: who knows what will read the data then?
        iterators = [getattr(net, f"batch_iterator_{use}", None) for use in ("train", "test")]
        if (
            not self.eval_size
            or self.shuffle
            or not in_order
            or not all(map(only_reads, iterators))
        ):
            return copying(self, X, y, net)
        # Of row numbers instead of rows: whatever it decides (or refuses), we do the same.
        numbers = np.arange(len(y))
        train, valid, _, _ = copying(self, numbers, y, net)
        return _taken(X, train), _taken(X, valid), _taken(y, train), _taken(y, valid)

    base.TrainSplit.__call__ = split


def _taken(data: Any, rows: np.ndarray) -> Any:
    if isinstance(data, dict):
        return {name: _taken(array, rows) for name, array in data.items()}
    if len(rows) and (np.diff(rows) == 1).all():
        return data[rows[0] : rows[-1] + 1]
    return data[rows]
