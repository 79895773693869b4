"""Memory beyond the data: training on ten times Kaggle's set, predicting 100,000 images.

    python benchmarks/memory.py [--rows N ...] [--images N ...] [--batches N]

Each measurement is a Python of its own. A first one only makes the data, as zeros that are
written to, and compiles net2; what the peak of another that also trains (the checks, the split, a
checkpoint, the first batches of an epoch) or predicts lies above that is what the work takes:
weights, a batch and its intermediate results. It must not grow with the number of rows, and stay
below the bound of 1 GiB. Ends with exit code 1 if it does not.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # behind this folder's own; see load.py

from benchmarks.common import fresh  # noqa: E402

BOUND = 1024  # MiB

SETUP = """
from pathlib import Path
import numpy as np
from net2 import net2
from theano_today.training.session import Plan, fit

X = np.full(({rows}, 1, 96, 96), 0.5, np.float32)
y = np.zeros(({rows}, 30), np.float32)
net2.set_params(verbose=0, on_epoch_finished=[], on_training_started=[], max_epochs=1)
net2.initialize()
"""

# Stopped as by Ctrl-C: whatever is done to all of X is done before the first batch.
TRAIN = """
left = {batches}

def count(nn, train_history):
    global left
    left -= 1
    if not left:
        raise KeyboardInterrupt

net2.on_batch_finished = [count]
fit(net2, X, y, Plan(Path({folder!r}), every=0))
assert left == 0
"""

PREDICT = """
assert net2.predict(X).shape == ({rows}, 30)
"""


def beyond(code: str, rows: int, batches: int) -> float:
    """Return the peak in MiB of running `code`, beyond the data and the compiled net."""
    with tempfile.TemporaryDirectory() as folder:
        values = {"rows": rows, "batches": batches, "folder": f"{folder}/checkpoints"}
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        setup = SETUP.format(**values)
        alone = fresh(setup, "", env)["peak MiB"]
        return fresh(setup, code.format(**values), env)["peak MiB"] - alone


def main() -> int:
    """Measure and print a line for each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[2140, 7049 * 9])
    parser.add_argument("--images", type=int, nargs="*", default=[2140, 100_000])
    parser.add_argument("--batches", type=int, default=5, help="how many to train (default 5)")
    options = parser.parse_args()
    greatest = 0.0
    for what, code, counts in (
        ("train on", TRAIN, options.rows),
        ("predict", PREDICT, options.images),
    ):
        for rows in counts:
            data = rows * (9216 + 30) * 4 / 2**20
            peak = beyond(code, rows, options.batches)
            greatest = max(greatest, peak)
            print(f"{what} {rows:>7} faces: data {data:>5.0f} MiB, beyond {peak:>4.0f} MiB")
    print(f"bound: {BOUND} MiB beyond the data; greatest: {greatest:.0f} MiB")
    return int(greatest > BOUND)


if __name__ == "__main__":
    sys.exit(main())
