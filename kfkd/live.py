"""``--live``: a page beside net2.pickle that shows the training while it runs."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import numpy as np

from kfkd import live_page, tutorial
from kfkd.files import source
from kfkd.pixels import PIXELS
from kfkd.snapshots import Snapshots, beside
from theano_today.atomic import atomic_write
from theano_today.training.checkpoints.handler import say_on_stderr

FACES = 16
EVERY = 5.0  # seconds from one update to the next
SHARE = 1 / 250  # of the time, at most


class Live:
    """A handler for on_epoch_finished that keeps a page, and the snapshots beside it, up to date.

    An update predicts 16 faces and writes two small files; the next one comes when it has cost
    less than `SHARE` of the time. A disk that is full is said once, and training goes on.

    Parameters
    ----------
    net : NeuralNet
        Its train_split says which faces it is not trained on.
    X, y : ndarray
        As for ``net.fit``.
    out : Path
        Where the net will be pickled: the page is net2.html beside net2.pickle.
    epochs : int
        How many the run will train.
    """

    only_for_this_run = True  # see pickling.get_state

    def __init__(self, net, X, y, out: Path, epochs: int) -> None:
        self.page, self.snapshots_file = out.with_suffix(".html"), beside(out)
        self.name, self.epochs = out.stem, epochs
        self.published = tutorial.points(self.name) if source() == "kaggle" else []
        X, y = _validation(net, X, y)
        self.X = np.array(X[:FACES]) if np.prod(X.shape[1:]) == PIXELS else X[:0]
        grey = (self.X.reshape(-1, 96, 96) * 255).round().astype(np.uint8)
        self.snapshots = Snapshots(grey, y[: len(self.X)])
        self.picture = live_page.sprite(grey) if len(grey) else ""
        self._due = 0.0
        self._taken_over = self._complained = False

    def __call__(self, nn, train_history) -> None:
        if time.monotonic() >= self._due:
            self.update(nn, train_history)

    def update(self, nn, train_history: list[dict[str, Any]], ended: bool = False) -> None:
        """Write both files now."""
        begun = time.monotonic()
        epoch = train_history[-1]["epoch"] if train_history else 0
        if not self._taken_over:
            self.snapshots.take_over(self.snapshots_file, epoch - 1)
            self._taken_over = True
        if len(self.X) and epoch and epoch not in self.snapshots.epochs[-1:]:
            self.snapshots.add(epoch, nn.predict(self.X))
        text = live_page.page(
            self.name, train_history, self.published, self.snapshots, self.picture,
            epochs=self.epochs, faces=source(), refresh=0 if ended else EVERY,
        )  # fmt: skip
        try:
            with atomic_write(self.page) as f:
                f.write(text.encode())
            if self.snapshots.epochs:
                self.snapshots.write(self.snapshots_file)
        except OSError as error:
            if not self._complained:
                say_on_stderr(f"no page for --live: {error}; training goes on")
            self._complained = True
        now = time.monotonic()
        self._due = now + max(EVERY, (now - begun) / SHARE)


def _validation(net, X, y):
    """The faces that the run will validate with; its own split is yet to come, and to be equal."""
    split = copy.deepcopy(net.train_split)
    if getattr(split, "shuffle", False):  # in place
        X, y = X.copy(), y.copy()
    _, X, _, y = split(X, y, net)
    return X, y
