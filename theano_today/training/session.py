"""One run of training: it resumes where it was stopped, and ends cleanly."""

from __future__ import annotations

import logging
import shlex
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from theano_today.atomic import remove_leftovers
from theano_today.errors import DataError, DivergedError
from theano_today.training.checkpoints.batches import Batches
from theano_today.training.checkpoints.fingerprint import fingerprint
from theano_today.training.checkpoints.handler import Checkpoint, Words, how_far, say_on_stderr
from theano_today.training.handlers.stopping import EarlyStopping, RestoreBest
from theano_today.training.inputs import checked
from theano_today.training.interrupt import Interrupt, Stopped, cause
from theano_today.training.progress import LiveLine, waiting
from theano_today.training.random_state import own_numbers

log = logging.getLogger("theano_today")


@dataclass(frozen=True)
class Plan:
    """How a run is to be kept safe.

    Attributes
    ----------
    folder : Path or None
        Of its checkpoints; None for none.
    every : float
        Seconds from one checkpoint to the next.
    resume : bool or None
        True: resume from a checkpoint, even with different settings, or else fail. False:
        discard what is there. None: resume if there is one of the same settings and data.
    best : bool
        End with the weights of the best epoch.
    patience : int or None
        Stop after as many epochs without a new best one, and end with its weights.
    settings : dict
        What the run depends on besides net and data, such as the seed.
    words : Words
        What messages tell the user to say.
    """

    folder: Path | None = None
    every: float = 60
    resume: bool | None = None
    best: bool = False
    patience: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    words: Words = field(default_factory=Words)


class Ending:
    """How a run ended.

    Attributes
    ----------
    stopped : str
        Empty if the run went to its end. Else how far it went, such as "epoch 3 (and 5
        batches of the next)". The net holds the weights of its last batch either way, unless
        those of the best epoch are wanted.
    code : int
        The exit code: 0, or 128 and the number of the signal.
    """

    def __init__(
        self, checkpoint: Checkpoint | None = None, signal: int = 0, stopped: str = ""
    ) -> None:
        self.checkpoint = checkpoint
        self.signal = signal
        self.stopped = stopped
        self.code = 128 + signal if signal else 0

    def conclude(self, saved: Path) -> None:
        """Say how to resume after a signal; else remove the checkpoints, now useless.

        Parameters
        ----------
        saved : Path
            The file that the net has been saved to.
        """
        if self.signal:
            by = cause(self.signal)
            say_on_stderr(f"stopped by {by} after {self.stopped}; saved {saved}")
        if self.checkpoint is None:
            return
        remove_leftovers(saved)  # of runs that were killed while they saved it
        if not self.signal:
            self.checkpoint.remove()
            return
        if self.checkpoint.saved == self.stopped:
            say_on_stderr(f"to resume: {_same_command()}")
        self.checkpoint.close()


def fit(net, X, y, plan: Plan | None = None, sink: TextIO | None = None) -> Ending:
    """Call ``net.fit(X, y)``, with checkpoints, going on from the last one of them.

    SIGINT (Ctrl-C), SIGTERM and SIGHUP end the run after the batch in hand, with a checkpoint.

    Parameters
    ----------
    net : nolearn.lasagne.NeuralNet
    X, y : ndarray
        As for ``net.fit``; checked first (see `inputs.checked`).
    plan : Plan, optional
        Default: no checkpoints.
    sink : text file, optional
        Where the live line goes; default: sys.stdout.

    Raises
    ------
    DataError
        X or y cannot be trained on; or the checkpoints belong to a different run.
    DivergedError
        The loss became NaN or infinite. The last good checkpoint is kept.
    RunningError
        Another run uses the folder of the checkpoints.
    Stopped (a KeyboardInterrupt)
        By a signal before the end of the first batch, or by a second Ctrl-C later: what was
        trained since the last checkpoint is lost.
    """
    with own_numbers(net):
        return _fit(net, X, y, plan or Plan(), sink)


def _fit(net, X, y, plan: Plan, sink: TextIO | None) -> Ending:
    if "layers_" not in vars(net):
        net.initialize_layers()
    X, y = checked(net, X, y, say_on_stderr)
    log.info("X %s, y %s", getattr(X, "shape", "of several inputs"), y.shape)
    started = time.perf_counter()
    with waiting("compiling the net (up to a minute the first time)", sink):
        net.initialize()
    log.info("compiled in %.1f s", time.perf_counter() - started)

    best = _best(plan, sink)
    batches = Batches(net, say_on_stderr)
    checkpoint = None
    if plan.folder is not None:
        checkpoint = Checkpoint(plan.folder, plan.every, words=plan.words)
    with _added(net, on_epoch_finished=best, on_training_finished=[b.restore for b in best]):
        try:
            if checkpoint is not None:
                checkpoint.batches = batches
                _prepare(checkpoint, net, X, y, plan)
            ending = _train(net, X, y, batches, checkpoint, sink)
        except BaseException as error:
            if isinstance(error, Stopped):
                error.kept = _kept(checkpoint)
            if checkpoint is not None:
                checkpoint.close()
            if isinstance(error, DivergedError):
                raise DivergedError(_diagnosis(error, net, X, checkpoint)) from None
            raise
        for handler in best:
            handler.restore(net)  # nolearn calls no handler when a signal has ended it
    return ending


def _best(plan: Plan, sink: TextIO | None) -> list[RestoreBest]:
    if plan.patience is not None:
        return [EarlyStopping(plan.patience, sink=sink)]
    return [RestoreBest(sink=sink)] if plan.best else []


def _prepare(checkpoint: Checkpoint, net, X, y, plan: Plan) -> None:
    """Lock the folder of the checkpoints, and put the last one into the net."""
    settings = {**plan.settings, "best": plan.best, "patience": plan.patience}
    checkpoint.fingerprint = fingerprint(net, X, y, settings)
    if plan.resume is False:
        checkpoint.discard()
    elif checkpoint.resume(net, insist=plan.resume is True):
        assert checkpoint.batches is not None
        epochs = len(net.train_history_) - checkpoint.batches.past
        if epochs > net.max_epochs:
            raise DataError(
                f"{plan.folder}: {epochs} epochs have been trained already, asked for are "
                f"{net.max_epochs}; ask for more, or discard them by {plan.words.fresh}"
            )
        log.info("%.0f s of training so far", checkpoint.elapsed)
        say_on_stderr(
            f"resuming after {checkpoint.saved}, from {plan.folder} "
            f"({plan.words.fresh} starts over)"
        )
    elif plan.resume:
        raise DataError(f"{plan.words.resume}: there is no checkpoint to resume in {plan.folder}")


def _train(
    net, X, y, batches: Batches, checkpoint: Checkpoint | None, sink: TextIO | None
) -> Ending:
    epochs = batches.past + net.max_epochs - len(net.train_history_)
    if not epochs:  # killed after its last epoch; nolearn would take 0 for its default
        return Ending(checkpoint)
    live = LiveLine(epochs, sink)
    stop = StopAfterBatch(live.say_stopping)
    writing = [checkpoint] if checkpoint is not None else []
    handlers: dict[str, list] = {
        "on_training_started": [batches.started],
        "on_batch_finished": [live, batches.batch_finished, *writing, stop],
        "on_epoch_finished": [batches.epoch_finished, *writing, stop],
    }
    first = {"on_epoch_finished": [batches.check_epoch]}
    # The handler of signals goes last and leaves first: it ends the training, not the rest.
    with live, _added(net, first, **handlers), batches.attached(), stop:
        net.fit(X, y, epochs=epochs)
        if not stop.requested:
            return Ending(checkpoint)
        if stop.insisted or not stop.trained:
            # Of a batch cut short nobody knows which weights it has changed already.
            raise Stopped(stop.requested)
        if checkpoint is not None:
            checkpoint.save(net)
        batches.check()
        return Ending(checkpoint, stop.requested, how_far(net, batches))


class StopAfterBatch(Interrupt):
    """An `Interrupt`, and a handler for on_batch_finished and on_epoch_finished that obeys it.

    It raises the KeyboardInterrupt that nolearn's ``fit`` catches; before the end of the first
    batch, where nothing is lost, at once.
    """

    only_for_this_run = True  # see pickling.get_state

    def __init__(self, say) -> None:
        super().__init__(say)
        self.trained = False

    def __call__(self, nn, train_history) -> None:
        self.trained = True
        if self.requested:
            raise Stopped(self.requested)

    def _on_signal(self, number, frame) -> None:
        if not self.trained:
            self.requested = number
            raise Stopped(number)
        super()._on_signal(number, frame)


def _kept(checkpoint: Checkpoint | None) -> str:
    if checkpoint is None or not checkpoint.saved:
        return "nothing saved"
    return f"the checkpoint after {checkpoint.saved} is kept; to resume: {_same_command()}"


def _diagnosis(error: DivergedError, net, X, checkpoint: Checkpoint | None) -> str:
    rate: Any = getattr(net, "update_learning_rate", None)
    rate = rate.get_value() if hasattr(rate, "get_value") else rate
    images = list(X.values()) if isinstance(X, dict) else [X]
    low, high = min(x.min() for x in images), max(x.max() for x in images)
    text = (
        f"{error}; likely causes: a learning rate too high (update_learning_rate is {rate}), or "
        f"inputs not scaled (X goes from {low:g} to {high:g}, expected about 0 to 1)"
    )
    if checkpoint is None or not checkpoint.saved:
        return f"{text}; nothing saved"
    return (
        f"{text}; the last good checkpoint, after {checkpoint.saved}, is kept in "
        f"{checkpoint.folder}: {checkpoint.words.resume} continues from it with your changes"
    )


def _same_command() -> str:
    words = [word for word in sys.argv if word not in ("--fresh", "--resume")]
    return shlex.join(["python", *words])


@contextmanager
def _added(net, first: dict[str, list] | None = None, **handlers: list):
    """Add handlers for one run only, behind the net's own, and `first` before these.

    They have no place in the pickle.
    """
    before = {name: getattr(net, name) for name in handlers}
    for name, added in handlers.items():
        own = before[name]  # nolearn takes a list, a tuple or a single function
        own = own if isinstance(own, (list, tuple)) else [own]
        setattr(net, name, [*(first or {}).get(name, []), *own, *added])
    try:
        yield
    finally:
        vars(net).update(before)
