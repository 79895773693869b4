"""What checkpoints cost: seconds for one of net2, and their share of a run.

    python benchmarks/checkpoint.py [--runs N] [--dir DIR]

net2 has weights and velocities of 61 MiB. Written are as many checkpoints as --runs says, after
three that are not counted, onto the disk that DIR is on (default: the current one); and one
is read again. The cost of one on the training itself is all of its time: it is written by the
training process, every 60 s.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # instead of this folder: net2.py shall find the other load.py

from benchmarks.common import Spread  # noqa: E402

WARMUPS = 3


def main() -> None:
    """Measure and print three lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--dir", type=Path, default=Path())
    options = parser.parse_args()

    import numpy as np

    from net2 import net2
    from theano_today.training.checkpoints.handler import Checkpoint

    np.random.seed(0)
    net2.initialize()
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        checkpoint = Checkpoint(Path(folder, "checkpoints"))
        seconds = []
        for _ in range(WARMUPS + options.runs):
            begin = time.perf_counter()
            assert checkpoint.save(net2)
            seconds.append(time.perf_counter() - begin)
        size = checkpoint.generations.good[-1].stat().st_size
        begin = time.perf_counter()
        assert checkpoint.resume(net2)
        read = time.perf_counter() - begin
        checkpoint.remove()
    spread = Spread.of(seconds[WARMUPS:])
    print(f"a checkpoint of {size / 2**20:.0f} MiB: {spread} s, median (least to most)")
    print(f"its share of a run, at one in 60 s: {spread.median / 60:.2%}")
    print(f"to resume from it: {read:.2f} s")


if __name__ == "__main__":
    main()
