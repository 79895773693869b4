"""The task that trains one net on a worker: from its last checkpoint, whoever wrote it."""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np

from theano_today import errors
from theano_today.atomic import atomic_write
from theano_today.errors import DivergedError, RunningError, WriteError
from theano_today.training.checkpoints.handler import Words
from theano_today.training.session import Plan, fit

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PATIENCE = 300  # seconds for another worker to leave the folder
_WORDS = Words(fresh="--fresh", resume="another --out", elsewhere="another --out")


def train(
    net, path: str, every: float, X, y, tests: dict[str, np.ndarray] | None = None
) -> dict[str, Any]:
    """Train a net, pickle it, and say how well it went.

    Its checkpoints are in a folder beside the pickle, which all workers must share: a task that
    was lost goes on from its last one. They are removed by `clear`.

    Parameters
    ----------
    net : NeuralNet
        Untrained; its random_state makes the result the same on whichever worker.
    path : str
        Of the pickle.
    every : float
        Seconds from one checkpoint to the next.
    X, y : ndarray
        As for ``net.fit``.
    tests : dict of str to ndarray, optional
        Faces to be predicted, too.

    Returns
    -------
    dict
        "loss", the last epoch's on the faces for validation, infinite if the training diverged;
        "best" and "epoch", the lowest and when; "seconds", of all epochs; "worker"; "lines", what
        the training had to say; "predicted", a dict like `tests`; "pickle", None or the net's
        where the worker could not write it: then whoever gets this does.

    Raises
    ------
    RunningError
        Another process goes on training this net.
    WriteError
        The disk that Theano compiles on is full; names the worker.
    """
    said = io.StringIO()
    plan = Plan(folder=_folder(path), every=every, words=_WORDS)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + _PATIENCE
    diverged = False
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        while True:
            try:
                ending = fit(net, X, y, plan, sink=said)
                break
            except DivergedError:
                diverged = True
                break
            except RunningError:
                # A worker that lost its connection, not its life, ends its batch first.
                if time.monotonic() > end:
                    raise
                time.sleep(1)
            except Exception as error:
                _explain(error)
                raise
    history = net.train_history_
    losses = [float(row["valid_loss"]) for row in history]
    kept = None
    if not diverged:
        assert ending.checkpoint is not None
        ending.checkpoint.close()
        kept = _written(net, path, said)
    return {
        "loss": losses[-1] if losses and not diverged else math.inf,
        "best": min(losses, default=math.inf),
        "epoch": 1 + int(np.argmin(losses)) if losses else 0,
        "epochs": len(losses),
        "seconds": float(sum(row["dur"] for row in history)),
        "worker": errors.place.partition(" (")[0].removeprefix("worker "),
        "lines": [line.partition(", from /")[0] for line in said.getvalue().splitlines() if line],
        "predicted": {
            name: np.asarray(net.predict(faces), np.float32)
            for name, faces in (tests or {}).items()
            if not diverged
        },
        "pickle": kept,
    }  # fmt: skip


def _explain(error: Exception) -> None:
    """Raise a line of ours for a disk that is full where Theano compiles: it gives it by the way.

    Checkpoints that cannot be written are said, and the training goes on.
    """
    text = " ".join(map(str, error.args))
    full = next((c for c in _FULL if os.strerror(c) in text), None)
    if full is not None and not isinstance(error, errors.UserError):
        import theano

        raise WriteError(
            f"{errors.place or 'here'}: Theano cannot compile the net ({os.strerror(full)}): it "
            f"needs some 50 MB in {theano.config.base_compiledir}"
        ) from None


def clear(path: str | Path) -> None:
    """Remove the checkpoints of a net whose result has come."""
    from theano_today.training.checkpoints.generations import Generations

    generations = Generations(_folder(path), lambda line: None)
    generations.remove()
    with contextlib.suppress(OSError):
        (_folder(path) / "lock").unlink()
    with contextlib.suppress(OSError):
        _folder(path).rmdir()


def _folder(path: str | Path) -> Path:
    return Path(path).with_suffix(".checkpoints")


def _written(net, path: str, said: io.StringIO) -> bytes | None:
    content = pickle.dumps(net, -1)
    try:
        with atomic_write(path) as f:
            f.write(content)
    except OSError as error:
        said.write(f"{errors.place}: {error}; the net was sent instead\n")
        return content
    return None
