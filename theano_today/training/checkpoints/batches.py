"""What an epoch in hand has done so far, and how to do it again.

nolearn keeps it in local variables of its training loop: the losses of the epoch's batches and
the place in the batch iterator. To go on in the middle of an epoch, the loop is begun again
and given the batches that were trained already, with the outputs they had then. What an iterator
did to the data in the epochs before (shuffled it, flipped images in place) is repeated first.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np

from theano_today.errors import DivergedError
from theano_today.training.checkpoints.randomness import random_state, same, set_random_state


def _only_for_this_run(handler: Callable) -> Callable:
    handler.only_for_this_run = True  # type: ignore[attr-defined]  # see pickling.get_state
    return handler


class Batches:
    """Stands in for a net's train_iter_ during one run, and remembers what it returned.

    Use `attached` around ``net.fit``, with `started`, `batch_finished` and `epoch_finished`
    the last of the net's handlers of these occasions, and `check_epoch` the first of its one.

    Parameters
    ----------
    net : NeuralNet
        Initialized.
    say : callable
        Called with a line if something cannot be repeated exactly.

    Attributes
    ----------
    outputs : list
        What train_iter_ returned for each batch of the epoch in hand.
    past : int
        How many epochs the net had been trained before this run began.
    """

    def __init__(self, net, say: Callable[[str], None]) -> None:
        self.net = net
        self.say = say
        self.function, self.split = net.train_iter_, net.train_split
        self.outputs: list[Any] = []
        self._checked = 0  # of the outputs
        self._to_repeat: list[Any] = []
        self.past = len(net.train_history_)
        self._epochs = self.past  # that are over
        self._resumed = False
        self._at_start = self._at_epoch = random_state(net)
        self._now: dict[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name == "function":  # not there yet: copy and pickle ask so early
            raise AttributeError(name)
        return getattr(self.function, name)  # such as `maker`, which leads to the velocities

    def __call__(self, *args, **kwargs) -> Any:
        again = bool(self._to_repeat)
        outputs = self._to_repeat.pop(0) if again else self.function(*args, **kwargs)
        self.outputs.append(outputs)
        if getattr(outputs[0], "arrived", True):
            self.check()
        return outputs

    def check(self) -> None:
        """Look at the loss of each batch of the epoch in hand; waits for those on a device.

        Raises
        ------
        DivergedError
            One is NaN or infinite.
        """
        for batch in range(self._checked, len(self.outputs)):
            loss = np.mean(np.asarray(self.outputs[batch][0]))
            if not np.isfinite(loss):
                epoch = self._epochs + 1
                raise DivergedError(f"the loss became {loss} in epoch {epoch}, batch {batch + 1}")
        self._checked = len(self.outputs)

    @property
    def done(self) -> int:
        """How many batches of the epoch in hand have been trained."""
        return len(self.outputs) + len(self._to_repeat)

    @property
    def repeating(self) -> bool:
        """Whether the batch in hand was trained before, and only its outputs are given again."""
        return self._now is not None

    @contextmanager
    def attached(self):
        self.net.train_iter_ = self
        try:
            yield
        finally:
            self.net.train_iter_ = self.function
            self.net.train_split = self.split

    def state(self) -> dict[str, Any]:
        """Return what `resume` needs; of what `plain.encode` takes."""
        return {
            "past": self.past,
            "outputs": [_on_host(o) for o in self.outputs + self._to_repeat],
            "at_start": self._at_start,
            "at_epoch": self._at_epoch,
            "now": self._now if self.repeating else random_state(self.net),
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned; the net must be restored already."""
        self.past, self._to_repeat = state["past"], list(state["outputs"])
        self._epochs = len(self.net.train_history_)
        self._at_start, self._at_epoch = state["at_start"], state["at_epoch"]
        self._now = state["now"]
        self._resumed = True
        set_random_state(self.net, self._at_start)
        self.net.train_split = self._split_and_repeat

    def _split_and_repeat(self, X, y, net):
        net.train_split = self.split  # once is enough, and this one has no place in a pickle
        parts = self.split(X, y, net)
        self._repeat_epochs(*parts)
        return parts

    def _repeat_epochs(self, X_train, X_valid, y_train, y_valid) -> None:
        # As NeuralNet.train_loop does, but for the training.
        for _ in range(len(self.net.train_history_) - self.past):
            for _ in self.net.batch_iterator_train(X_train, y_train):
                pass
            for _ in self.net.batch_iterator_test(X_valid, y_valid):
                pass

    @_only_for_this_run
    def started(self, nn, train_history) -> None:
        if not self._resumed:
            self._at_epoch = random_state(nn)
            return
        if not same(_drawn_here(random_state(nn)), _drawn_here(self._at_epoch)):
            self.say(
                "something besides the batch iterators has drawn random numbers: the order of "
                "the batches differs from here on"
            )
        set_random_state(nn, self._at_epoch)
        if not self._to_repeat and self._now is not None:
            set_random_state(nn, self._now)
            self._now = None

    @_only_for_this_run
    def batch_finished(self, nn, train_history) -> None:
        if self._now is not None and not self._to_repeat:
            set_random_state(nn, self._now)
            self._now = None

    @_only_for_this_run
    def check_epoch(self, nn, train_history) -> None:
        """The first handler of on_epoch_finished: nobody else sees the row of a diverged epoch.

        Where losses are checked at once, such an epoch has no row at all.
        """
        try:
            self.check()
        except DivergedError:
            train_history.pop()
            raise

    @_only_for_this_run
    def epoch_finished(self, nn, train_history) -> None:
        self.outputs = []
        self._checked = 0
        self._epochs = len(train_history)
        self._at_epoch = random_state(nn)
        last = train_history[-1]
        # nolearn gives NaN for the loss of a validation set that does not exist, too; the
        # best one tells them apart.
        if not math.isfinite(last["valid_loss"]) and not math.isnan(last["valid_loss_best"]):
            raise DivergedError(
                f"the validation loss became {last['valid_loss']} in epoch {last['epoch']}"
            )


def _drawn_here(state: dict[str, Any]) -> dict[str, Any]:
    """Without Python's own generator where a thread of others draws from it: a worker of Dask's."""
    if threading.current_thread() is threading.main_thread():
        return state
    return {name: value for name, value in state.items() if name != "python"}


def _on_host(outputs):
    """What train_iter_ returned for a batch, with what is on its way from a device read."""
    return [np.asarray(o) if hasattr(o, "arrived") else o for o in outputs]
