"""Time each of the engine's kernels against its ideal and against oneDNN through PyTorch.

    python benchmarks/conv_pool.py [--data DIR] [--runs N] [--threads N] [--others PYTHON]

A batch of 128 faces goes through net2's three stages; biases are set so that as many windows
are live as in a net that has learned. For each kernel:

    ms       median (least to most); each call follows another one, so that its threads are awake
    GFLOPS   of the multiplications and additions that are really done: 9 of 16 by Winograd's
             filtering, in the backward pass those of live winners only
    dense    as many as a dense convolution, forward or backward, would have to do in that time
    ideal    the share of the time that the arithmetic takes at the peak of registers, or the
             memory at the speed of reading and writing an array, whichever is more
    oneDNN   ms of the same layer in PyTorch, channels last, and how many times ours that is

PyTorch is looked for in .venv-bench (requirements-bench.txt, or `make bench`).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `load` is to be the one there, not benchmarks/load.py

from benchmarks.common import (  # noqa: E402
    KEEP_MEMORY,
    OTHERS,
    Spread,
    interleave,
    seconds_of,
    table,
    threads_environment,
)
from benchmarks.turns import AbsentError, Worker  # noqa: E402

if TYPE_CHECKING:
    from benchmarks.net2_kernels import Kernel
    from benchmarks.peaks import Peaks


# OpenMP's threads, PyTorch's, go on spinning for some milliseconds when their work is done.
PAUSE = 0.02


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="DIR", help="folder with training.csv")
    parser.add_argument("--runs", type=int, default=15, help="calls of each (default 15)")
    parser.add_argument("--threads", type=int, help="default: one for each core")
    parser.add_argument("--others", metavar="PYTHON", default=str(OTHERS))
    options = parser.parse_args()
    if options.data:
        os.environ["KFKD_DATA"] = options.data
    environment = threads_environment(options.threads)
    os.environ |= environment
    # Only now: NumPy's BLAS reads the environment as it is imported.
    from benchmarks.net2_kernels import net2_kernels
    from benchmarks.peaks import measure_peaks

    threads = int(environment["OMP_NUM_THREADS"])
    with tempfile.TemporaryDirectory() as folder:
        kernels = dict(net2_kernels(Path(folder)))
        peaks = measure_peaks(threads)
        worker = None
        script = ROOT / "benchmarks" / "contestants" / "pytorch_kernels.py"
        try:
            command = [options.others, "-P", "-W", "ignore", str(script), folder]
            worker = Worker(command, KEEP_MEMORY)
        except AbsentError as absent:
            print(f"oneDNN: left out ({absent})")
        try:
            turns = {name: turn(name, kernel, worker) for name, kernel in kernels.items()}
            milliseconds = interleave(turns, options.runs, warmups=2)
        finally:
            if worker:
                worker.close()
    print(
        f"{threads} threads; GFLOPS of registers {peaks.registers / 1e9:.0f}, of NumPy's sgemm "
        f"{peaks.sgemm / 1e9:.0f}; memory read and written {peaks.memory / 1e9:.0f} GB/s\n"
    )
    print(table({n: figures(kernels[n], peaks, took) for n, took in milliseconds.items()}))


def turn(name: str, kernel: Kernel, worker: Worker | None) -> Callable[[], dict[str, float]]:
    """Return a function that times a kernel, and then PyTorch's of this name."""

    def measure() -> dict[str, float]:
        time.sleep(PAUSE)
        kernel.call()
        took = {"ms": 1e3 * seconds_of(kernel.call)}
        if worker:
            took["oneDNN"] = 1e3 * worker.ask(name=name)["seconds"]
        return took

    return measure


def figures(kernel: Kernel, peaks: Peaks, took: Mapping[str, Spread]) -> dict[str, str]:
    """A row of the table."""
    seconds = took["ms"].median / 1e3
    row = {
        "ms": str(took["ms"]),
        "GFLOPS": f"{kernel.done / seconds / 1e9:.0f}",
        "of sgemm": f"{kernel.done / seconds / peaks.sgemm:.0%}",
        "dense": f"{kernel.dense / seconds / 1e9:.0f}",
        "ideal": f"{peaks.least(kernel.done, kernel.bytes) / seconds:.0%}",
    }
    if "oneDNN" in took:
        row["oneDNN"] = f"{took['oneDNN'].median:.3g}"
        row["times"] = f"{took['oneDNN'].median / took['ms'].median:.1f}"
    return row


if __name__ == "__main__":
    main()
