"""The live line inside an epoch: how far it is, and how long the whole run still takes."""

from __future__ import annotations

import math
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TextIO

from theano_today.training.interrupt import say_from_signal_handler

STOPPING = "stopping after this batch (Ctrl-C again: at once)"


def is_terminal(sink: TextIO) -> bool:
    """Say whether `sink` is a terminal that can move its cursor: neither pipe, file nor notebook.

    Not left to rich, which takes a pipe for one where FORCE_COLOR is set, as on many servers.
    """
    isatty = getattr(sink, "isatty", None)
    return (
        isatty is not None and isatty() and os.environ.get("TERM") not in (None, "dumb", "unknown")
    )


def waiting(text: str, sink: TextIO | None = None) -> AbstractContextManager:
    """Show `text` and a spinner for as long as the context lasts, on a terminal."""
    sink = sink or sys.stdout
    if not is_terminal(sink):
        return nullcontext()
    from rich.console import Console

    return Console(file=sink, force_terminal=True).status(text)


class LiveLine:
    """Shows one line below the table while a net trains; nothing where there is no terminal.

    Use it as a context manager around ``net.fit``, and as one of the net's on_batch_finished
    handlers.

    Parameters
    ----------
    epochs : int
        How many epochs this run will train.
    sink : text file, optional
        Where to show it; default: sys.stdout.
    """

    only_for_this_run = True  # see pickling.get_state

    def __init__(self, epochs: int, sink: TextIO | None = None) -> None:
        self.epochs = epochs
        self.sink = sink or sys.stdout
        self.past: int | None = None  # how many epochs were trained before this run
        self.epoch = self.batch = 0
        self.shown = is_terminal(self.sink)
        if self.shown:
            self._prepare()

    def _prepare(self) -> None:
        # Imported here: rich takes 0.1 s, and most imports of theano_today never train.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        # At most 70 columns wide: the terminal's echo of ^C must not wrap the line either.
        self.line = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("batch {task.fields[batch]}/{task.fields[batches]}"),
            TimeRemainingColumn(),
            "left",
            console=Console(file=self.sink, force_terminal=True),
            transient=True,
            # Long enough that the validation pass between two epochs does not shake the estimate.
            speed_estimate_period=300,
        )

    def __enter__(self) -> LiveLine:
        return self

    def __exit__(self, *exc_info) -> None:
        if self.shown:
            self.line.stop()

    def __call__(self, nn, train_history) -> None:
        batches = _batches_per_epoch(nn) if self.shown else 0
        if not batches:
            return
        if self.past is None:
            self.past = len(train_history)
            self.task = self.line.add_task("", total=self.epochs * batches, batch=0, batches=0)
        epoch = len(train_history) - self.past
        self.batch = self.batch + 1 if epoch == self.epoch else 1
        self.epoch = epoch
        self.line.update(
            self.task,
            completed=epoch * batches + min(self.batch, batches),
            batch=self.batch,
            batches=batches,
            description=f"epoch {len(train_history) + 1}/{self.past + self.epochs}",
        )
        self.line.start()  # not before there is something to show; later calls change nothing

    def say_stopping(self) -> None:
        """Say that the run ends after this batch; safe to call from a signal handler."""
        if self.past is None:
            say_from_signal_handler(STOPPING)
        else:
            self.line.columns = (STOPPING,)  # drawn within a tenth of a second


def _batches_per_epoch(nn) -> int:
    iterator = nn.batch_iterator_train
    try:
        return math.ceil(iterator.n_samples / iterator.batch_size)
    except (AttributeError, TypeError):
        return 0  # an iterator of the user's own, which need not know how far it goes
