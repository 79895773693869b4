"""nolearn's training loop on the device: its data stay there, its losses come when looked at.

Nothing of the loop is rewritten. While NeuralNet.train_loop runs,

- the arrays that nolearn cut for training and validation are on the device as well, as long as
  the net's batch iterators are nolearn's own: batches are then cut there. A subclass is free to
  change its batches (the tutorial's FlipBatchIterator does it in place), so its batches are
  copied one by one;
- train_iter_ and eval_iter_ return losses that are read when somebody looks at them, which the
  loop does at the end of each epoch.
"""

from __future__ import annotations

import functools
from contextlib import ExitStack, contextmanager

import numpy as np

from theano_today import hooks
from theano_today.torch_link.feeding import Resident
from theano_today.torch_link.results import Mailbox

# Of the device's memory, at most this much for training data.
_SHARE = 0.5

# By id of a batch iterator, while its net is in train_loop.
_watched: dict[int, Data] = {}


def install() -> None:
    """Wrap NeuralNet.train_loop, as soon as nolearn is imported."""
    hooks.after_import("nolearn.lasagne.base", _patch)


def _patch(base) -> None:
    train_loop = base.NeuralNet.train_loop
    start = base.BatchIterator.__call__

    @functools.wraps(train_loop)
    def train_loop_on_device(self, X, y, epochs=None):
        programs = [p for p in map(_program, (self.train_iter_, self.eval_iter_)) if p is not None]
        if not programs:
            return train_loop(self, X, y, epochs=epochs)
        watched = [i for i in (self.batch_iterator_train, self.batch_iterator_test)
                   if type(i) is base.BatchIterator]  # fmt: skip
        split = self.train_split

        def split_on_device(X, y, net):
            net.train_split = split  # once is enough, and this one has no place in a pickle
            return data.cut(split(X, y, net))

        with Data(programs[0].target, (X, y)) as data, _later(programs), _watching(data, watched):
            self.train_split = split_on_device
            try:
                return train_loop(self, X, y, epochs=epochs)
            finally:
                self.train_split = split

    @functools.wraps(start)
    def start_on_device(self, X, y=None):
        data = _watched.get(id(self))
        if data is None:
            return start(self, X, y)
        with data.unlocked():  # with shuffle=True this shuffles in place
            started = start(self, X, y)
        data.use(X, y, changed=self.shuffle)
        return started

    base.NeuralNet.train_loop = train_loop_on_device
    base.BatchIterator.__call__ = start_on_device


def _program(function):
    """The Program of a theano.function, or None if it was linked by somebody else."""
    fn = getattr(function, "fn", None)
    return fn if hasattr(fn, "mailbox") else None


@contextmanager
def _later(programs):
    mailbox = Mailbox(programs[0].target)  # one for both: an epoch's losses are one transfer
    before = [program.mailbox for program in programs]
    for program in programs:
        program.mailbox = mailbox
    try:
        yield
    finally:
        for program, own in zip(programs, before, strict=True):
            program.mailbox = own


@contextmanager
def _watching(data: Data, owners):
    before = {id(owner): _watched.get(id(owner)) for owner in owners}
    _watched.update(dict.fromkeys(before, data))
    try:
        yield
    finally:
        for key, value in before.items():  # a handler may train another net with the same
            if value is None:
                del _watched[key]
            else:
                _watched[key] = value


class Data:
    """What one train_loop cut from its data: resident once used, and read-only in the meantime.

    Only arrays that nobody outside of the loop has: what train_loop was given stays writable,
    and is copied batch by batch. Read-only, so that a write to the others (by a handler that
    got hold of them) is an error and no silent difference.

    Parameters
    ----------
    target : Target
    given : X and y
        What train_loop was given.
    """

    def __init__(self, target, given) -> None:
        self.target = target
        self.given = [a for part in given for a in _arrays(part)]
        self.parts: list[np.ndarray] = []
        self.residents: dict[int, Resident] = {}
        self.stack = ExitStack()

    def __enter__(self) -> Data:
        return self

    def __exit__(self, *_) -> None:
        self._set_writeable(True)
        self.stack.close()

    def cut(self, parts) -> tuple:
        """Take note of the arrays that the data was split into; return them.

        Those that are views of what was given (training/split.py) are copied.
        """
        parts = tuple(_owned(part) for part in parts)
        self.parts = [a for part in parts for a in _arrays(part) if self._is_private(a)]
        return parts

    @contextmanager
    def unlocked(self):
        """Let nolearn itself write to the arrays."""
        self._set_writeable(True)
        try:
            yield
        finally:
            self._set_writeable(False)

    def use(self, X, y, changed: bool) -> None:
        """Make the arrays of an epoch resident, or copy them again if they have changed."""
        for array in (*_arrays(X), *_arrays(y)):
            resident = self.residents.get(id(array))
            if resident is not None:
                if changed:
                    resident.refresh()
            elif any(array is part for part in self.parts) and self._fits(array):
                resident = self.stack.enter_context(Resident(array, self.target))
                self.residents[id(array)] = resident
                array.flags.writeable = False

    def _set_writeable(self, writeable: bool) -> None:
        for resident in self.residents.values():
            resident.array.flags.writeable = writeable

    def _is_private(self, array: np.ndarray) -> bool:
        owned = array.base is None and array.flags.c_contiguous and array.flags.writeable
        held = self.target.holds(array.dtype.name)
        return owned and held and not any(np.may_share_memory(array, g) for g in self.given)

    def _fits(self, array: np.ndarray) -> bool:
        if not self.target.is_cuda:
            return True
        import torch

        free, total = torch.cuda.mem_get_info(self.target.device)
        return array.nbytes < _SHARE * min(free, total)


def _owned(data):
    if isinstance(data, dict):
        return {name: _owned(array) for name, array in data.items()}
    return data.copy() if isinstance(data, np.ndarray) and data.base is not None else data


def _arrays(data) -> list[np.ndarray]:
    if data is None:
        return []
    values = data.values() if isinstance(data, dict) else [data]
    return [v for v in values if isinstance(v, np.ndarray)]
