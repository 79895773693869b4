"""The live line inside an epoch: how far it is, and how long the whole run still takes."""

from __future__ import annotations

import math
import sys
from typing import TextIO


class LiveLine:
    """Shows one line below the table while a net trains; nothing where there is no terminal.

    Use it as a context manager around ``net.fit`` and put `batch_finished` among the net's
    on_batch_finished handlers.

    Parameters
    ----------
    epochs : int
        How many epochs this run will train.
    sink : text file, optional
        Where to show it; default: sys.stdout.
    """

    def __init__(self, epochs: int, sink: TextIO | None = None) -> None:
        # Imported here: rich takes 0.1 s, and most imports of runtime never train.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.epochs = epochs
        self.past: int | None = None
        self.line = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("batch {task.fields[batch]}/{task.fields[batches]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("left"),
            console=Console(file=sink or sys.stdout),
            transient=True,
            # Long enough that the validation pass between two epochs does not shake the estimate.
            speed_estimate_period=300,
        )
        self.shown = self.line.console.is_terminal and not self.line.console.is_dumb_terminal

    def __enter__(self) -> LiveLine:
        return self

    def __exit__(self, *exc_info) -> None:
        self.line.stop()

    def batch_finished(self, nn, train_history) -> None:
        """Handler for on_batch_finished."""
        if not self.shown:
            return
        batches = _batches_per_epoch(nn)
        if self.past is None:
            self.past = len(train_history)
            self.task = self.line.add_task(
                "", total=self.epochs * batches, batch=0, batches=batches
            )
            self.line.start()
        epoch = len(train_history) - self.past
        done = int(self.line.tasks[0].completed) + 1
        self.line.update(
            self.task,
            completed=done,
            batch=done - epoch * batches,
            description=f"epoch {epoch + 1}/{self.epochs}",
        )


def _batches_per_epoch(nn) -> int:
    iterator = nn.batch_iterator_train
    return math.ceil(iterator.n_samples / iterator.batch_size)
