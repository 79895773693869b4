"""Handlers for on_epoch_finished that change a learning rate or momentum while a net trains.

The net's argument must be a shared variable::

    update_learning_rate=theano.shared(np.float32(0.03)),
    update_momentum=theano.shared(np.float32(0.9)),
    on_epoch_finished=[
        AdjustVariable("update_learning_rate", start=0.03, stop=0.0001),
        AdjustVariable("update_momentum", start=0.9, stop=0.999),
    ],
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from theano_today.errors import DataError


class AdjustVariable:
    """Move a variable from `start`, in the first epoch, to `stop`, in epoch ``net.max_epochs``.

    Its value depends on the epoch's number alone, so that a run that goes on later follows
    the same course.

    Parameters
    ----------
    name : str
        The net's argument, such as "update_learning_rate".
    start, stop : float
    how : {"linear", "cosine", "step"}
        "linear" is the tutorial's; "cosine" is stop + (start - stop) (1 + cos(pi t)) / 2 with t
        from 0 to 1 (Loshchilov and Hutter 2017, equation 5, without restarts); "step" goes in
        `steps` equal factors.
    steps : int
        How many values "step" takes, each for as many epochs.

    Attributes
    ----------
    epochs : int or None
        The epoch of `stop`, where that is not to be ``net.max_epochs``: a run that ends before
        the course does.

    Notes
    -----
    As in the tutorial the value for the next epoch is set when an epoch ends: the first epoch
    runs with what the variable was made with, which should be `start`.
    """

    epochs: int | None = None

    def __init__(
        self, name: str, start: float = 0.03, stop: float = 0.001, how: str = "linear",
        steps: int = 3,
    ) -> None:  # fmt: skip
        if how not in ("linear", "cosine", "step"):
            raise DataError(f"how is {how!r}, expected 'linear', 'cosine' or 'step'")
        if how == "step" and (steps < 2 or start <= 0 or stop <= 0):
            raise DataError(
                f"start {start}, stop {stop}, steps {steps}: 'step' goes in factors, between "
                "numbers above 0, and needs 2 steps or more"
            )
        self.name, self.start, self.stop, self.how, self.steps = name, start, stop, how, steps

    def __call__(self, nn, train_history) -> None:
        epoch = train_history[-1]["epoch"] + 1
        set_variable(nn, self.name, self.value(epoch, self.epochs or nn.max_epochs))

    def value(self, epoch: int, epochs: int) -> float:
        """Return the value for `epoch`, from 1 to `epochs`; the last one holds from then on."""
        t = min((epoch - 1) / max(epochs - 1, 1), 1.0)
        if self.how == "cosine":
            return self.stop + (self.start - self.stop) * (1 + math.cos(math.pi * t)) / 2
        if self.how == "step":
            step = min(int((min(epoch, epochs) - 1) * self.steps / epochs), self.steps - 1)
            return self.start * (self.stop / self.start) ** (step / (self.steps - 1))
        return self.start + (self.stop - self.start) * t


class ReduceOnPlateau:
    """Multiply a variable by `factor` when there was no better epoch for `patience` epochs.

    Parameters
    ----------
    name : str
        The net's argument.
    factor : float
        Between 0 and 1.
    patience : int
        Epochs without a new best before a reduction, counted again after each.
    least : float
        It goes no lower.
    key : str
        The entry of ``train_history_`` to be as low as possible.
    """

    def __init__(
        self, name: str = "update_learning_rate", factor: float = 0.1, patience: int = 10,
        least: float = 0.0, key: str = "valid_loss",
    ) -> None:  # fmt: skip
        if not 0 < factor < 1:
            raise DataError(f"factor is {factor}, expected a number between 0 and 1")
        self.name, self.factor, self.patience = name, factor, patience
        self.least, self.key = least, key
        self.best, self.waited = math.inf, 0

    def __call__(self, nn, train_history) -> None:
        value = float(train_history[-1][self.key])
        if value < self.best:
            self.best, self.waited = value, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.waited = 0
            now = float(get_variable(nn, self.name).get_value())
            set_variable(nn, self.name, max(now * self.factor, self.least))

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must hold."""
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what `state_dict` returned."""
        self.best, self.waited = state["best"], state["waited"]


def get_variable(nn, name: str):
    """Return a net's argument that is a shared variable.

    Raises
    ------
    DataError
        If it is a plain number, which the compiled functions cannot see change.
    """
    variable = getattr(nn, name, None)
    if not hasattr(variable, "set_value"):
        raise DataError(
            f"{name} is {variable!r}, expected a shared variable: make the net with "
            f"{name}=theano.shared(numpy.float32({variable or 0.01}))"
        )
    return variable


def set_variable(nn, name: str, value: float) -> None:
    """Set a net's argument to a number, in the dtype that it has."""
    variable = get_variable(nn, name)
    variable.set_value(np.asarray(value, variable.dtype))
