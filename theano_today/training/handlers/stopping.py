"""Handlers for on_epoch_finished: keep the best weights, and stop when there is no progress."""

from __future__ import annotations

import math
from typing import Any, TextIO

import numpy as np

from theano_today.errors import DataError
from theano_today.training.table import write_line


class RestoreBest:
    """Remember the weights of the best epoch; when training ends, put them into the net.

    Parameters
    ----------
    key : str
        The entry of ``train_history_`` to be as low as possible.
    sink : text file, optional
        Where to say which epoch it was; default: sys.stdout.

    Attributes
    ----------
    best : float
    best_epoch : int or None
    best_weights : dict of str to list of ndarray, or None
        By layer, as ``get_all_params_values`` returns them; None again once they are in the net.
        While training runs on a GPU they stay there, as arrays that are copied when looked at.
    """

    def __init__(self, key: str = "valid_loss", sink: TextIO | None = None) -> None:
        self.key = key
        self.sink = sink
        self.best = math.inf
        self.best_epoch: int | None = None
        self.best_weights: dict[str, list] | None = None

    def __call__(self, nn, train_history) -> None:
        self._restore_when_training_ends(nn)
        value = train_history[-1][self.key]
        if value < self.best:
            self.best = float(value)
            self.best_epoch = int(train_history[-1]["epoch"])
            self.best_weights = {
                name: [_copied(p) for p in layer.get_params()] for name, layer in nn.layers_.items()
            }

    def restore(self, nn, train_history=None) -> None:
        """Put the best weights into the net, if there are any; a second time changes nothing."""
        if self.best_weights is None:
            return
        for name, values in self.best_weights.items():
            for parameter, value in zip(nn.layers_[name].get_params(), values, strict=True):
                parameter.set_value(value)
        self.best_weights = None
        text = f"restored the weights of epoch {self.best_epoch}, {self.key} {self.best:.6f}"
        write_line(text, self.sink)

    def _restore_when_training_ends(self, nn) -> None:
        # Registered here, so that it is enough to be a handler for on_epoch_finished.
        handlers = nn.on_training_finished
        if not isinstance(handlers, list):
            raise DataError(
                f"on_training_finished is a {type(handlers).__name__}; {type(self).__name__} "
                "adds a handler to it: make it a list"
            )
        if self.restore not in handlers:
            handlers.append(self.restore)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must hold."""
        weights = self.best_weights and {
            name: [np.asarray(value) for value in values]
            for name, values in self.best_weights.items()
        }
        return {"best": self.best, "epoch": self.best_epoch, "weights": weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what `state_dict` returned."""
        self.best, self.best_epoch = state["best"], state["epoch"]
        self.best_weights = state["weights"]

    def __getstate__(self) -> dict[str, Any]:
        # An open file cannot be pickled; the weights are in the pickled net.
        return vars(self) | {"sink": None, "best_weights": None}


def _copied(parameter):
    # To copy on the device costs microseconds, and the host need not wait for it.
    return parameter.get_value(borrow=True, return_internal_type=True).copy()


class EarlyStopping(RestoreBest):
    """Stop when there was no better epoch for `patience` epochs; the best weights stay.

    They also do if training ends by itself before that.

    Parameters
    ----------
    patience : int
    key, sink
        As for `RestoreBest`.
    """

    def __init__(
        self, patience: int = 100, key: str = "valid_loss", sink: TextIO | None = None
    ) -> None:
        super().__init__(key, sink)
        self.patience = patience

    def __call__(self, nn, train_history) -> None:
        super().__call__(nn, train_history)
        epoch = train_history[-1]["epoch"]
        # Epochs with a NaN loss do not count; the first one is the best until then.
        if epoch - (self.best_epoch or train_history[0]["epoch"]) >= self.patience:
            write_line(f"no better epoch for {self.patience}: stopping early", self.sink)
            raise StopIteration
