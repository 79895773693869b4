"""One run of training, as net2.py does it: fit, with a live line, ended cleanly by Ctrl-C."""

from __future__ import annotations

import logging
import signal
import sys
import time
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TextIO

from runtime.training.progress import LiveLine
from runtime.training.table import write_line

log = logging.getLogger("net2")


def fit(net, X, y, sink: TextIO | None = None) -> bool:
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
    bool
        True if the run went to its end, False if Ctrl-C stopped it. The net holds the
        weights of its last batch either way.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C comes before the first batch: nothing is lost by stopping at once.
    """
    started = time.perf_counter()
    with _spinner("compiling the net (up to a minute the first time)", sink):
        net.initialize()
    log.info("compiled in %.1f s", time.perf_counter() - started)

    interrupt = Interrupt()
    with ExitStack() as stack:
        live = stack.enter_context(LiveLine(net.max_epochs, sink))
        stack.enter_context(interrupt)
        stack.enter_context(_handlers(net.on_batch_finished, live.batch_finished, interrupt))
        stack.enter_context(_handlers(net.on_epoch_finished, interrupt))
        net.fit(X, y)
    return not interrupt.requested


class Interrupt:
    """Turns the first Ctrl-C into a stop after the batch in hand, the second into one at once.

    A context manager that holds SIGINT, and a handler for on_batch_finished and
    on_epoch_finished, which raises the KeyboardInterrupt that nolearn's ``fit`` catches.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Interrupt:
        # Signals belong to the main thread; elsewhere Ctrl-C is somebody else's.
        try:
            self.previous = signal.signal(signal.SIGINT, self._request)
        except ValueError:
            self.previous = None
        return self

    def __exit__(self, *exc_info) -> None:
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        print("\nstopping after this batch (Ctrl-C again: at once)", file=sys.stderr, flush=True)

    def __call__(self, nn, train_history) -> None:
        if self.requested:
            raise KeyboardInterrupt


@contextmanager
def _handlers(handlers: list, *added):
    """Add handlers for one run only: they have no place in the pickle."""
    handlers.extend(added)
    try:
        yield
    finally:
        for handler in added:
            handlers.remove(handler)


@contextmanager
def _spinner(text: str, sink: TextIO | None):
    from rich.console import Console

    console = Console(file=sink or sys.stdout)
    if console.is_terminal and not console.is_dumb_terminal:
        with console.status(text):
            yield
    else:
        yield


def rmse_line(net, sink: TextIO | None = None) -> None:
    """Print the RMSE of the last epoch: sqrt(validation loss) * 48, in pixels of a 96x96 face.

    48 undoes load.py's scaling of the targets, (pixel - 48) / 48.
    """
    if net.train_history_:
        last = net.train_history_[-1]
        rmse = last["valid_loss"] ** 0.5 * 48
        write_line(f"RMSE of epoch {last['epoch']}: {rmse:.4f} pixels", sink)
