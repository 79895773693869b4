"""Time net2's start, to the first batch and to a prediction, and measure the memory it takes.

    python benchmarks/startup.py [--data DIR] [--runs N] [--faces N]

The engine against stock Theano, by turns, each measurement in a Python of its own whose start
is part of it. Cold: Theano's compile directory is empty; warm: it holds what the run before
compiled. Memory is the peak of the whole process, the faces included (float32: 36 KiB each);
it is measured with a warm cache, so that no compiler is a part of it.
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `load` is to be the one there, not benchmarks/load.py

from benchmarks.common import Spread, interleave, table, theano_flags, whole_run  # noqa: E402

# As `python net2.py`, ended after the first batch.
FIRST_BATCH = """
import os, sys
import net2
net2.net2.on_batch_finished = lambda net, history: os._exit(0)
sys.argv = ["net2.py", "--epochs", "1", "--out", os.devnull]
net2.main()
"""
TRAINING = """
import os, sys
import net2
sys.argv = ["net2.py", "--epochs", "1", "--out", os.devnull]
net2.main()
"""
PREDICTION = """
import pickle
import numpy as np
net = pickle.load(open({net!r}, "rb"))
net.predict(np.zeros(({faces}, 1, 96, 96), "float32") + np.float32(0.5))
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
    write_caches()
    with tempfile.TemporaryDirectory() as folder:
        net = Path(folder, "net2.pickle")
        write_net(net)
        one, many = (PREDICTION.format(net=str(net), faces=n) for n in (1, options.faces))
        programs = {"first batch": FIRST_BATCH, "prediction": one}
        seconds = interleave(starts(folder, programs, "s"), options.runs, warmups=0)
        programs = {"an epoch": TRAINING, f"predict {options.faces} faces": many}
        memory = interleave(starts(folder, programs, "peak MiB", cold=False), 1, warmups=1)
    print(f"seconds from the start of Python, median (least to most) of {options.runs}")
    print(table(by_engine(seconds)))
    print("\npeak resident memory, MiB")
    print(table(by_engine(memory)))


Measure = Callable[[], dict[str, float]]


def starts(folder: str, programs: dict[str, str], key: str, cold: bool = True) -> dict[str, Measure]:
    """Return contestants for `interleave`, "engine, program, cold or warm" -> what measures it.

    Parameters
    ----------
    folder : str
        Where the compile directories go.
    programs : dict of str to str
        Name -> Python source.
    key : str
        Which figure of `whole_run` counts.
    cold : bool
        Also without anything compiled, each time before the warm run.
    """
    contestants = {}
    for engine in ("fused", "stock"):
        for name, code in programs.items():
            for state in ("cold", "warm") if cold else ("warm",):

                def measure(engine=engine, name=name, code=code, state=state):
                    compiled = Path(folder, f"{engine} {name}".replace(" ", "-"))
                    if state == "cold":
                        shutil.rmtree(compiled, ignore_errors=True)
                    flags = theano_flags(engine=engine, base_compiledir=str(compiled))
                    env = os.environ | flags | {"PYTHONPATH": str(ROOT)}
                    return {key: whole_run(code, env)[key]}

                contestants[f"{engine}|{name}, {state}"] = measure
    return contestants
