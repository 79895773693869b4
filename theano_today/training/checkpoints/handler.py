"""Checkpoints of a run: everything it needs to continue as if it had never been stopped."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from theano_today.errors import DataError, RunningError
from theano_today.training.checkpoints import randomness
from theano_today.training.checkpoints.batches import Batches
from theano_today.training.checkpoints.fingerprint import differences, made_with
from theano_today.training.checkpoints.generations import Generations
from theano_today.training.checkpoints.state import capture, restore

# Whatever else is asked for, a checkpoint of other layers or data cannot be resumed.
_MUST_BE_SAME = {"layers", "X", "y"}

# A full disk, a lost permission or a history that no file can hold: no reason to stop training.
_FAULTS = (OSError, TypeError)


def say_on_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Words:
    """What the user says to start over, to resume, and to leave a folder to others.

    A script with a command line names its own options.
    """

    fresh: str = "Plan(resume=False)"
    resume: str = "Plan(resume=True)"
    elsewhere: str = "another folder"


class Checkpoint:
    """A handler for on_epoch_finished (and on_batch_finished) that writes checkpoints when due.

    In a notebook, for nets whose batch iterators leave their data as it is::

        checkpoint = Checkpoint("net.checkpoints")
        net = NeuralNet(..., on_epoch_finished=[checkpoint])
        net.initialize()
        checkpoint.resume(net)
        net.fit(X, y, epochs=1000 - len(net.train_history_))

    `session.fit` does the same for every net, in the middle of epochs too.

    Files are written directly: 64 MB of weights and velocities take some 0.1 s on a solid
    state disk, a six-hundredth of the time between two of them.

    Parameters
    ----------
    folder : path-like
        Made at the first checkpoint. One run at a time can use it.
    every : float
        Seconds between two checkpoints; 0 for one at each occasion.
    say : callable, optional
        Called with a line for each file that cannot be used and each cause of not writing
        one, once; default: print it on stderr.
    words : Words, optional
        For messages.
    """

    only_for_this_run = True  # see pickling.get_state

    def __init__(
        self,
        folder,
        every: float = 60,
        say: Callable[[str], None] = say_on_stderr,
        words: Words | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.every = every
        self.say = say
        self.words = words or Words()
        self.generations = Generations(self.folder, say, self.words.elsewhere)
        self.fingerprint: dict[str, str] = {}
        self.batches: Batches | None = None  # set by session.fit
        self.saved = ""  # how far the run was at its last checkpoint
        self.elapsed = 0.0  # seconds of training before this process
        self._started = self._last = time.monotonic()
        self._causes: set[str] = set()

    def __call__(self, nn, train_history) -> None:
        if time.monotonic() - self._last >= self.every:
            self.save(nn)

    def save(self, net) -> bool:
        """Write a checkpoint now, and return True; or say once why not, and return False.

        Raises
        ------
        DivergedError
            A loss of the epoch in hand, not looked at before, is NaN or infinite.
        """
        self._last = time.monotonic()
        if self.batches is not None:
            self.batches.check()
        state = capture(net)
        if not _finite(state):
            return False  # the next batch's loss will say so; the last good checkpoint stays
        content = {
            "fingerprint": self.fingerprint,
            "made_with": made_with(),
            "state": state,
            "batches": self.batches.state() if self.batches else None,
            "random": randomness.random_state(net),
            "elapsed": self.elapsed + time.monotonic() - self._started,
        }
        if not self._tried(lambda: self.generations.write(content), (*_FAULTS, RunningError)):
            return False
        if self._causes:
            self.say("checkpoints are being written again")
            self._causes.clear()
        self.saved = how_far(net, self.batches)
        return True

    def find(self, insist: bool = False) -> dict[str, Any] | None:
        """Return the newest good checkpoint of a run like this one, or None if there is none.

        Parameters
        ----------
        insist : bool
            Take one of other settings, too, and say which; layers and data must be the same.

        Raises
        ------
        RunningError
            Another run uses the folder.
        DataError
            All that is there belongs to other runs.
        """
        if not self._tried(self.generations.open):
            return None
        others: list[tuple[Path, str]] = []
        for path, content in self.generations.read():
            # A handler in a notebook has none, and takes what fits the net.
            differ = differences(content["fingerprint"], self.fingerprint or content["fingerprint"])
            if not differ or (insist and not any(d.split()[0] in _MUST_BE_SAME for d in differ)):
                if differ:
                    self.say(f"resuming with different settings: {_listed(differ)}")
                for other, reason in others:
                    self.say(
                        f"{other}: belongs to a different run, which differs in {reason}; not used"
                    )
                self.generations.sort(path, own=True)
                return content
            self.generations.sort(path, own=False)
            others.append((path, _listed(differ)))
        if others:
            path, reason = others[0]
            raise DataError(
                f"{path}: belongs to an unfinished run that differs in {reason}; "
                f"{self.words.fresh} discards it, {self.words.elsewhere} leaves it alone, "
                f"{self.words.resume} continues it if only settings differ"
            )
        return None

    def resume(self, net, insist: bool = False) -> bool:
        """Put the newest good checkpoint into an initialized net; return whether there is one.

        Raises
        ------
        RunningError, DataError
            As `find`; or the checkpoint is of a net of another make.
        """
        content = self.find(insist)
        if content is None:
            return False
        try:
            restore(net, content["state"])
            randomness.set_random_state(net, content["random"])
            if self.batches is not None and content.get("batches") is not None:
                self.batches.resume(content["batches"])
            self.elapsed = content["elapsed"]
        except DataError as error:
            raise DataError(f"{self.generations.good[-1]}: {error}") from None
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            # Whole and with a checksum that matches, but not written by `save`.
            # The text may quote what the file holds: no control characters for the terminal.
            what = f"{type(error).__name__}: {ascii(str(error))[1:-1]}"
            raise DataError(f"{self.generations.good[-1]}: is not a checkpoint ({what})") from error
        other = differences(content["made_with"], made_with())
        if other:
            self.say(f"the last digits may differ from here on: {_listed(other)}")
        self.saved = how_far(net, self.batches)
        return True

    def discard(self) -> None:
        """Remove all checkpoints in the folder, whoever wrote them; raises RunningError."""
        self._tried(self.generations.discard)
        self.saved = ""

    def remove(self) -> None:
        """Remove the run's checkpoints, and the folder: the run has ended."""
        self.generations.remove()
        self.saved = ""
        self.close()

    def close(self) -> None:
        """Let others use the folder."""
        self.generations.close()

    def _tried(self, action: Callable[[], Any], faults: tuple = _FAULTS) -> bool:
        try:
            action()
        except faults as error:
            cause = getattr(error, "strerror", None) or str(error)
            if cause not in self._causes:
                self._causes.add(cause)
                self.say(
                    f"no checkpoint in {self.folder}: {cause}; training goes on, and it is "
                    f"tried again every {self.every:g} s"
                )
            return False
        return True


def how_far(net, batches: Batches | None = None) -> str:
    """Say how far a net was trained, such as "epoch 3 (and 5 batches of the next)"."""
    epochs = len(net.train_history_)
    count = batches.done if batches else 0
    text = f"{count} batch{'es' if count != 1 else ''}"
    if not count:
        return f"epoch {epochs}"
    return f"epoch {epochs} (and {text} of the next)" if epochs else f"{text} of epoch 1"


def _listed(differ: list[str], most: int = 3) -> str:
    more = len(differ) - most
    return ", ".join(differ[:most]) + (f" and {more} more" if more > 0 else "")


def _finite(state: dict[str, Any]) -> bool:
    values = itertools.chain(state["update"], *state["parameters"].values())
    floats = (v for v in values if isinstance(v, np.ndarray) and v.dtype.kind == "f")
    return all(np.isfinite(v).all() for v in floats)
