"""``--tensorboard DIR``: TensorBoard's event files, by tensorboardX, without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from theano_today.errors import MissingPackageError, WriteError


class TensorBoard:
    """A handler for on_epoch_finished that writes losses, RMSE, seconds and rates.

    Parameters
    ----------
    folder : Path
        `tensorboard --logdir FOLDER` shows it. Of what is there already, epochs from the first
        one on that this run trains are of a run that was stopped, and not shown.

    Raises
    ------
    MissingPackageError
        tensorboardX is not installed.
    WriteError
        The folder cannot be written to.
    """

    only_for_this_run = True  # see pickling.get_state

    def __init__(self, folder: Path) -> None:
        try:
            import tensorboardX
        except ModuleNotFoundError as error:
            raise MissingPackageError(
                f"--tensorboard needs {error.name}: pip install -r requirements-examples.txt"
            ) from None
        self._make = tensorboardX.SummaryWriter
        self._writer: Any = None
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(f"--tensorboard {folder}: {error.strerror or error}") from None

    def __call__(self, nn, train_history) -> None:
        row = train_history[-1]
        epoch = int(row["epoch"])
        if self._writer is None:
            self._writer = self._make(str(self.folder), purge_step=epoch, flush_secs=10)
        values = {
            "loss/train": row["train_loss"],
            "loss/valid": row["valid_loss"],
            "RMSE in pixels": row["valid_loss"] ** 0.5 * 48,
            "seconds an epoch": row["dur"],
        }
        for name in ("update_learning_rate", "update_momentum"):
            value: Any = getattr(nn, name, None)
            value = value.get_value() if hasattr(value, "get_value") else value
            if value is not None:
                values[name.removeprefix("update_")] = value
        for name, value in values.items():
            self._writer.add_scalar(name, float(value), epoch)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
