"""Time net2's start, to the first batch and to a prediction, and measure the memory it takes.

    python benchmarks/startup.py [--contestants NAMES] [--processor] [--runs N] [--faces N]
                                 [--data DIR]

    python benchmarks/startup.py --contestants engine --runs 1

This engine and stock Theano by turns, each measurement in a Python of its own, whose start is
part of it. Cold: Theano's compile directory is empty; warm: it holds what the run before
compiled. Memory is the peak of the whole process, the faces included (36 KiB each), with a warm
compile directory. With --processor, seconds of processor time, the compilers' among them: on a
machine that others load they say more.

Stock Theano compiles for about a minute in each turn: three turns of both take ten minutes on two
calm cores, the line above half a minute. Each measurement is printed on stderr when it is there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
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
    parser.add_argument("--contestants", metavar="NAMES", help="whose names hold one of a,b")
    parser.add_argument("--processor", action="store_true", help="count processor time")
    parser.add_argument("--runs", type=int, default=3, help="measurements of each (default 3)")
    parser.add_argument("--faces", type=int, default=10_000, help="to predict (default 10000)")
    options = parser.parse_args()
    if options.data:
        os.environ["KFKD_DATA"] = options.data
    wanted = options.contestants.split(",") if options.contestants else [""]
    engines = {n: e for n, e in ENGINES.items() if any(word in n for word in wanted)}
    if not engines:
        parser.error(f"--contestants: none of {', '.join(ENGINES)}")
    clock = "processor" if options.processor else "seconds"
    find_or_draw(TRAIN)  # not while the clock runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net = str(folder / "net2.pickle")
        run(PICKLE.format(net=net), "fused", folder)

        def turn(what: str, code: str, key: str, cold: bool = False):
            return turn_of(what, code, key, engines, folder, cold)

        predict_one = PREDICTION.format(net=net, faces=1)
        predict_many = PREDICTION.format(net=net, faces=options.faces)
        programs = {
            "first batch, cold": (FIRST_BATCH, True),
            "first batch, warm": (FIRST_BATCH, False),
            "prediction, cold": (predict_one, True),
            "prediction, warm": (predict_one, False),
        }
        seconds = interleave(
            {what: turn(what, code, clock, cold) for what, (code, cold) in programs.items()},
            options.runs,
            warmups=0,
        )
        programs_for_memory = {
            "an epoch": EPOCH,
            f"predict {options.faces} faces": predict_many,
        }
        memory = interleave(
            {what: turn(what, code, "peak MiB") for what, code in programs_for_memory.items()},
            runs=1,
            warmups=0,
        )
    print(
        f"seconds{' of processor time' * options.processor} from the start of Python; "
        f"median (least to most) of {options.runs}; load {os.getloadavg()[0]:.1f}"
    )
    print(table(seconds))
    print("\npeak resident memory, MiB")
    peaks = {what: {e: f"{s.median:.0f}" for e, s in row.items()} for what, row in memory.items()}
    print(table(peaks))


def turn_of(
    what: str, code: str, key: str, engines: Mapping[str, str], folder: Path, cold: bool
) -> Callable[[], dict[str, float]]:
    """Return a function that runs `code` on each engine, and prints what it measured on stderr.

    Parameters
    ----------
    what : str
        What to call it.
    code : str
        Python source.
    key : str
        Which of whole_run's figures it returns, by engine.
    engines : mapping of str to str
        Values of THEANO_FLAGS' engine by the contestants' names.
    folder : Path
        For the compile directories, one for each engine.
    cold : bool
        Empty the compile directory before.
    """

    def measure() -> dict[str, float]:
        figures = {}
        for name, engine in engines.items():
            if cold:
                shutil.rmtree(folder / engine, ignore_errors=True)
            figures[name] = run(code, engine, folder)[key]
            print(f"{what}: {name} {figures[name]:.3g} ({key})", file=sys.stderr, flush=True)
        return figures

    return measure


def run(code: str, engine: str, folder: Path) -> dict[str, float]:
    """Return whole_run's figures of Python source that runs on this engine."""
    flags = theano_flags(engine=engine, base_compiledir=str(folder / engine))
    return whole_run(code, os.environ | flags | {"PYTHONPATH": str(ROOT)})


if __name__ == "__main__":
    main()
