"""Time net2's start, to the first batch and to a prediction, and measure the memory it takes.

    python benchmarks/startup.py [--data DIR] [--runs N] [--faces N]

This engine and stock Theano by turns, each measurement in a Python of its own, whose start is
part of it. Cold: Theano's compile directory is empty; warm: it holds what the run before
compiled. Memory is the peak of the whole process, the faces included (36 KiB each), with a warm
compile directory.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `load` is to be the one there, not benchmarks/load.py

from benchmarks.common import interleave, table, theano_flags, whole_run  # noqa: E402
from kfkd.files import TRAIN, find_or_draw  # noqa: E402

ENGINES = {"this engine": "fused", "stock Theano": "stock"}

# `python net2.py`, ended after the first batch.
FIRST_BATCH = """
import os, sys
import net2
net2.net2.on_batch_finished = lambda net, history: os._exit(0)
sys.argv = ["net2.py", "--epochs", "1", "--out", os.devnull]
net2.main()
"""
EPOCH = """
import os, sys
import net2
sys.argv = ["net2.py", "--epochs", "1", "--out", os.devnull]
net2.main()
"""
PICKLE = """
import pickle
from net2 import net2
net2.initialize_layers()
with open({net!r}, "wb") as f:
    pickle.dump(net2, f, -1)
"""
PREDICTION = """
import pickle
import numpy as np
with open({net!r}, "rb") as f:
    net = pickle.load(f)
net.predict(np.full(({faces}, 1, 96, 96), 0.5, "float32"))
"""


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="DIR", help="folder with training.csv")
    parser.add_argument("--runs", type=int, default=3, help="measurements of each (default 3)")
    parser.add_argument("--faces", type=int, default=10_000, help="to predict (default 10000)")
    options = parser.parse_args()
    if options.data:
        os.environ["KFKD_DATA"] = options.data
    find_or_draw(TRAIN)  # not while the clock runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net = str(folder / "net2.pickle")
        run(PICKLE.format(net=net), "fused", folder)
        predict_one = PREDICTION.format(net=net, faces=1)
        predict_many = PREDICTION.format(net=net, faces=options.faces)
        seconds = interleave(
            {
                "first batch, cold": turn(FIRST_BATCH, "seconds", folder, cold=True),
                "first batch, warm": turn(FIRST_BATCH, "seconds", folder),
                "prediction, cold": turn(predict_one, "seconds", folder, cold=True),
                "prediction, warm": turn(predict_one, "seconds", folder),
            },
            options.runs,
            warmups=0,
        )
        memory = interleave(
            {
                "an epoch": turn(EPOCH, "peak MiB", folder),
                f"predict {options.faces} faces": turn(predict_many, "peak MiB", folder),
            },
            runs=1,
            warmups=0,
        )
    print(f"seconds from the start of Python; median (least to most) of {options.runs}")
    print(table(seconds))
    print("\npeak resident memory, MiB")
    peaks = {what: {e: f"{s.median:.0f}" for e, s in row.items()} for what, row in memory.items()}
    print(table(peaks))


def turn(code: str, key: str, folder: Path, cold: bool = False) -> Callable[[], dict[str, float]]:
    """Return a function that runs `code` on each engine.

    Parameters
    ----------
    code : str
        Python source.
    key : str
        Which of whole_run's figures it returns, by engine.
    folder : Path
        For the compile directories, one for each engine.
    cold : bool
        Empty the compile directory before.
    """

    def measure() -> dict[str, float]:
        figures = {}
        for name, engine in ENGINES.items():
            if cold:
                shutil.rmtree(folder / engine, ignore_errors=True)
            figures[name] = run(code, engine, folder)[key]
        return figures

    return measure


def run(code: str, engine: str, folder: Path) -> dict[str, float]:
    """Return whole_run's figures of Python source that runs on this engine."""
    flags = theano_flags(engine=engine, base_compiledir=str(folder / engine))
    return whole_run(code, os.environ | flags | {"PYTHONPATH": str(ROOT)})


if __name__ == "__main__":
    main()
