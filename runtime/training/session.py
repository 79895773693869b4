"""One run of training, as net2.py does it: fit, with a live line, ended cleanly by Ctrl-C."""

from __future__ import annotations

import logging
import math
import time
from contextlib import contextmanager
from typing import TextIO

from runtime.training.interrupt import Interrupt
from runtime.training.progress import LiveLine, waiting
from runtime.training.table import write_line

log = logging.getLogger("net2")


def fit(net, X, y, sink: TextIO | None = None) -> str:
    """Call ``net.fit(X, y)``; the first Ctrl-C ends it after the batch in hand.

    Parameters
    ----------
    net : nolearn.lasagne.NeuralNet
    X, y : ndarray
        As for ``net.fit``.
    sink : text file, optional
        Where the live line goes; default: sys.stdout.

    Returns
    -------
    str
        Empty if the run went to its end. If Ctrl-C stopped it, how far it went, such as
        "after epoch 3 (and 5 batches of the next)". The net holds the weights of its last
        batch either way.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C comes before the end of the first batch: nothing is lost by stopping at once.
    """
    log.info("%s faces, X %s, y %s", getattr(net, "trained_on_", "unknown"), X.shape, y.shape)
    started = time.perf_counter()
    with waiting("compiling the net (up to a minute the first time)", sink):
        net.initialize()
    log.info("compiled in %.1f s", time.perf_counter() - started)

    live = LiveLine(net.max_epochs, sink)
    stop = StopAfterBatch(net, live.say_stopping)
    # The handler of SIGINT goes last and leaves first: Ctrl-C ends the training, not the rest.
    with live, _added(net, on_batch_finished=[live, stop], on_epoch_finished=[stop]), stop:
        net.fit(X, y)
    if not stop.requested:
        return ""
    if not stop.trained:
        raise KeyboardInterrupt
    return stop.how_far()


class StopAfterBatch(Interrupt):
    """An `Interrupt`, and a handler for on_batch_finished and on_epoch_finished that obeys it.

    It counts, and raises the KeyboardInterrupt that nolearn's ``fit`` catches.
    """

    only_for_this_run = True  # see pickling.get_state

    def __init__(self, net, say) -> None:
        super().__init__(say)
        self.epochs = len(net.train_history_)
        self.batches = 0  # of the epoch in hand
        self.trained = False

    def __call__(self, nn, train_history) -> None:
        self.trained = True
        if len(train_history) == self.epochs:
            self.batches += 1
        else:
            self.epochs, self.batches = len(train_history), 0
        if self.requested:
            raise KeyboardInterrupt

    def _on_signal(self, number, frame) -> None:
        if not self.trained:
            self.requested = True
            raise KeyboardInterrupt
        super()._on_signal(number, frame)

    def how_far(self) -> str:
        batches = f"{self.batches} batch{'es' if self.batches != 1 else ''}"
        if not self.batches:
            return f"after epoch {self.epochs}"
        if not self.epochs:
            return f"after {batches} of epoch 1"
        return f"after epoch {self.epochs} (and {batches} of the next)"


@contextmanager
def _added(net, **handlers: list):
    """Add handlers for one run only: they have no place in the pickle."""
    before = {name: getattr(net, name) for name in handlers}
    for name, added in handlers.items():
        own = before[name]  # nolearn takes a list, a tuple or a single function
        own = own if isinstance(own, (list, tuple)) else [own]
        setattr(net, name, [*own, *added])
    try:
        yield
    finally:
        vars(net).update(before)


def rmse_line(net, sink: TextIO | None = None) -> None:
    """Print the RMSE of the last epoch: sqrt(validation loss) * 48, in pixels of a 96x96 face.

    48 undoes load.py's scaling of the targets, (pixel - 48) / 48.
    """
    if not net.train_history_:
        write_line("no RMSE: no epoch has ended", sink)
        return
    last = net.train_history_[-1]
    loss, epoch = last["valid_loss"], last["epoch"]
    if math.isfinite(loss):
        write_line(f"RMSE of epoch {epoch}: {loss**0.5 * 48:.4f} pixels", sink)
    elif math.isnan(last["valid_loss_best"]):  # nolearn's way to say that there is no such set
        write_line(f"no RMSE of epoch {epoch}: the net keeps no faces for validation", sink)
    else:
        write_line(f"no RMSE of epoch {epoch}: the training has diverged", sink)
