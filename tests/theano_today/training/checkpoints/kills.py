"""Train a small net, kill it with SIGKILL again and again, and compare with a run left alone.

    python -m tests.theano_today.training.checkpoints.kills FOLDER [--kills N] [--seed N]

One process compiles the net and then forks one child for each stretch of training, so that a
stretch takes a fraction of a second. A child is killed either by its parent, at a random
moment, or by itself at a random call to the operating system while it writes a file. Of the
latter some first cut the file in question, as a disk does that had promised more than it did.

Prints figures as JSON; an assertion fails if anything differs from the run left alone.
"""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import argparse
import collections
import contextlib
import json
import os
import pickle
import random
import re
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
from lasagne import layers
from nolearn.lasagne import BatchIterator, NeuralNet

from kfkd.output import output_file
from theano_today.training.session import Plan, fit

EPOCHS = 6
CALLS = ("fsync", "replace", "unlink", "mkdir", "open")  # of os, in atomic.py and generations.py


class Flip(BatchIterator):
    """Mirrors random images in place, so that an epoch depends on all before it."""

    def transform(self, Xb, yb):
        indices = np.random.choice(len(Xb), len(Xb) // 2, replace=False)
        Xb[indices] = Xb[indices, :, :, ::-1]
        return Xb, yb


def make_net():
    """A convolutional net with dropout on 8 x 8 images; 4 batches an epoch."""
    return NeuralNet(
        [
            ("input", layers.InputLayer), ("conv", layers.Conv2DLayer),
            ("pool", layers.MaxPool2DLayer), ("dropout", layers.DropoutLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 1, 8, 8), conv_num_filters=4, conv_filter_size=(3, 3),
        pool_pool_size=(2, 2), output_num_units=4, output_nonlinearity=None,
        update_learning_rate=0.01, update_momentum=0.9, regression=True, verbose=1,
        max_epochs=EPOCHS, batch_iterator_train=Flip(8, shuffle=True),
    )  # fmt: skip


def train(net, folder, every=0.0):
    """What net2.py does, in a forked child; stdout goes to a file, which keeps all stretches'."""
    faces = np.random.RandomState(1)
    X = faces.uniform(size=(40, 1, 8, 8)).astype(np.float32)
    y = faces.uniform(-1, 1, size=(40, 4)).astype(np.float32)
    out = folder / "net.pickle"
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), stream)
    end = fit(net, X, y, Plan(folder / "net.checkpoints", every=every))
    with output_file(out) as f:
        pickle.dump(net, f, -1)
    end.conclude(out)


def die_at_call(number, tear):
    """Patch `os` so that the process kills itself at its `number`-th call of CALLS.

    Parameters
    ----------
    number : int
    tear : float or None
        The part of the file that is left, if the call is one that has a file to cut.
    """
    left = number

    def fatal(original):
        def call(*arguments, **keywords):
            nonlocal left
            left -= 1
            if left == 0:
                if tear is not None and original is os_replace:
                    original(*arguments, **keywords)
                    os.truncate(arguments[1], int(Path(arguments[1]).stat().st_size * tear))
                elif tear is not None and original is os_fsync:
                    with contextlib.suppress(OSError):  # a folder
                        os.ftruncate(arguments[0], int(os.fstat(arguments[0]).st_size * tear))
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **keywords)

        return call

    os_replace, os_fsync = os.replace, os.fsync
    for name in CALLS:
        setattr(os, name, fatal(getattr(os, name)))


def forked(action):
    """Run `action` in a child, and return its process number."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        action()
        os._exit(0)
    finally:  # an exception: traceback, and never back into the parent's code
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def wait(pid):
    """Return 0, or the signal that ended the child."""
    _, status = os.waitpid(pid, 0)
    assert status in (0, signal.SIGKILL), (status, "see the file err")
    return status


def result(folder):
    """All that must be equal: history but for dur, weights and velocities, and printed rows."""
    with (folder / "net.pickle").open("rb") as f:
        net = pickle.load(f)
    history = [repr({k: v for k, v in row.items() if k != "dur"}) for row in net.train_history_]
    arrays = [p.get_value() for p in net.get_all_params()] + list(net._pending_update_state[1])
    rows = collections.defaultdict(set)
    for epoch, row in re.findall(r"^ +(\d+)  (\|.*\|).*$", (folder / "out").read_text(), re.M):
        rows[int(epoch)].add(row)
    return history, [a.tobytes() for a in arrays], dict(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)

    np.random.seed(3)
    net = make_net()
    net.initialize()

    alone = options.folder / "alone"
    alone.mkdir(parents=True)
    begin = time.monotonic()
    assert wait(forked(lambda: train(net, alone))) == 0
    seconds = time.monotonic() - begin
    expected = result(alone)
    assert sorted(expected[2]) == list(range(1, EPOCHS + 1))
    assert sorted(path.name for path in alone.iterdir()) == ["err", "net.pickle", "out"]

    figures = collections.Counter(kills=0, in_writes=0, torn=0, refused=0, runs=0, resumed=0)
    while figures["kills"] < options.kills:
        folder = options.folder / f"run{figures['runs']}"
        folder.mkdir()
        while figures["kills"] < options.kills:
            if rng.random() < 0.5:
                number, tear = rng.randint(1, 60), rng.choice([None, None, rng.random()])

                def stretch(folder=folder, number=number, tear=tear):
                    die_at_call(number, tear)
                    train(net, folder)

                killed = wait(forked(stretch))
                figures["in_writes"] += bool(killed)
                figures["torn"] += bool(killed and tear is not None)
            else:
                pid = forked(lambda folder=folder: train(net, folder))
                # Not reaped before `wait`: until then the number is no other process'.
                timer = threading.Timer(rng.uniform(0, seconds), os.kill, (pid, signal.SIGKILL))
                timer.start()
                with contextlib.suppress(ChildProcessError):
                    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
                timer.cancel()
                timer.join()
                killed = wait(pid)
            figures["kills"] += bool(killed)
            if not killed:
                break
        else:
            assert wait(forked(lambda folder=folder: train(net, folder))) == 0
        said = (folder / "err").read_text()
        figures["refused"] += said.count("; not used")
        figures["resumed"] += said.count("resuming after")
        figures["runs"] += 1
        assert result(folder) == expected, folder
        assert sorted(path.name for path in folder.iterdir()) == ["err", "net.pickle", "out"]
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
