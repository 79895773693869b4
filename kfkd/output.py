"""What net2.py leaves behind: the pickle, whole or rescued, the weights, and the last line."""

from __future__ import annotations

import contextlib
import io
import math
import os
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from theano_today.atomic import atomic_write
from theano_today.errors import WriteError
from theano_today.training.interrupt import Interrupt, say_from_signal_handler
from theano_today.training.session import Ending
from theano_today.training.table import write_line
from theano_today.training.weights import save_weights


def save(net, end: Ending, options) -> int:
    """Pickle a trained net so that it can be loaded back later, and print its RMSE.

    Parameters
    ----------
    net : NeuralNet
    end : Ending
        How its training ended; its checkpoints are removed once the net is safe.
    options : Namespace
        See `kfkd.options.net2_options`.

    Returns
    -------
    int
        The exit code: 0, or 128 and the number of the signal that ended the training.

    Raises
    ------
    WriteError
        If a file cannot be written. The message says where the net is saved instead.
    """
    with output_file(options.out) as f:
        pickle.dump(net, f, -1)
    if options.weights:
        save_weights(net, options.weights)  # for those who do not trust a pickle
    end.conclude(options.out)
    print_rmse(net)
    return end.code


def print_rmse(net, sink: TextIO | None = None) -> None:
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


@contextlib.contextmanager
def quiet(wanted: bool):
    """Drop everything printed inside, if `wanted`."""
    if not wanted:
        yield
        return
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


@contextlib.contextmanager
def output_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for the trained net: whole at `path` after the block, or else rescued.

    Ctrl-C waits until it is written; a second one gives up, and leaves `path` as it was.

    Raises
    ------
    WriteError
        If `path` cannot be written. The message says where the file is instead.
    """
    content = io.BytesIO()  # written twice, if need be
    with Interrupt(lambda: say_from_signal_handler(f"saving {path} (Ctrl-C again: give up)")):
        yield content
        try:
            with atomic_write(path) as f:
                f.write(content.getbuffer())
        except OSError as error:
            rescued = _rescue(content, path)
            where = f"saved {rescued} instead" if rescued else "and nowhere else: nothing is saved"
            raise WriteError(f"cannot write {path} ({error.strerror or error}); {where}") from None


def _rescue(content: io.BytesIO, path: Path) -> str | None:
    for folder in (tempfile.gettempdir(), os.path.expanduser("~")):  # noqa: PTH111
        name = None
        try:
            handle, name = tempfile.mkstemp(f"-{path.name}", "rescued-", folder)
            with os.fdopen(handle, "wb") as f:
                f.write(content.getbuffer())
                f.flush()
                os.fsync(handle)
            return name
        except OSError:
            if name is not None:
                Path(name).unlink(missing_ok=True)
    return None
