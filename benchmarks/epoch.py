"""Time an epoch of net2: this engine, stock Theano, PyTorch and JAX, by turns.

    python benchmarks/epoch.py [--data DIR] [--runs N] [--threads N] [--whole] [--only NAMES]
                               [--others PYTHON]

All train the same net from the same initial weights on the same faces with as many threads,
each in a process of its own. An epoch is what the table's column Dur counts: 14 batches of
training and 4 of validation. Of a contestant that takes long, it is computed from 4 batches of
training, the last and short one among them, and 2 of validation, after one of each that is not
counted.

The first epoch of each is apart: there torch.compile and JAX compile, and there the losses show
that all compute the same. It runs on faces with a little noise, since flat areas make ties
between the outputs that a pooling window chooses from, and who gets their gradient is where the
frameworks differ.

PyTorch and JAX are looked for in .venv-bench (requirements-bench.txt, or `make bench`); who is
not installed is left out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `load` is to be the one there, not benchmarks/load.py

from benchmarks.common import (  # noqa: E402
    KEEP_MEMORY,
    OTHERS,
    Contestant,
    Spread,
    markdown,
    theano_flags,
    threads_environment,
)
from benchmarks.turns import AbsentError, Worker  # noqa: E402

LONG = 5.0  # seconds an epoch, from which on parts are measured


ENGINE = "net2, this engine"
CONTESTANTS = {
    ENGINE: Contestant("theano_", (), theano_flags(engine="fused")),
    "stock Theano": Contestant("theano_", (), theano_flags(engine="stock")),
    "PyTorch, contiguous": Contestant("pytorch", ("contiguous",)),
    "PyTorch, channels_last": Contestant("pytorch"),
    "PyTorch, torch.compile": Contestant("pytorch", ("compile",)),
    "PyTorch, channels_last, tuned": Contestant("pytorch", ("late_relu",), KEEP_MEMORY),
    "PyTorch, torch.compile, tuned": Contestant("pytorch", ("late_relu", "compile"), KEEP_MEMORY),
    "JAX, tuned": Contestant("jax_", (), KEEP_MEMORY),
}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="DIR", help="folder with training.csv")
    parser.add_argument("--runs", type=int, default=5, help="epochs of each (default 5)")
    parser.add_argument("--threads", type=int, help="of each (default: one for each core)")
    parser.add_argument("--whole", action="store_true", help="whole epochs of all contestants")
    parser.add_argument("--only", metavar="NAMES", help="those whose names hold one of a,b,c")
    parser.add_argument("--others", metavar="PYTHON", default=str(OTHERS))
    options = parser.parse_args()
    if options.data:
        os.environ["KFKD_DATA"] = options.data
    wanted = options.only.split(",") if options.only else [""]
    names = [name for name in CONTESTANTS if any(word in name for word in wanted)]
    environment = threads_environment(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        kind = write_start(Path(folder))
        # A cache of its own: torch.compile's is left broken by a compilation that is interrupted.
        environment["TORCHINDUCTOR_CACHE_DIR"] = str(Path(folder, "inductor"))
        workers: dict[str, Worker] = {}
        try:
            for name in names:
                one = CONTESTANTS[name]
                python = sys.executable if one.script == "theano_" else options.others
                script = ROOT / "benchmarks" / "contestants" / f"{one.script}.py"
                command = [python, "-P", "-W", "ignore", str(script), folder, *one.words]
                try:
                    workers[name] = Worker(command, environment | one.env)
                except AbsentError as absent:
                    print(f"{name}: left out ({absent})", flush=True)
            firsts, seconds = measure(workers, options.runs, options.whole)
        finally:
            for worker in workers.values():
                worker.close()
    print(
        f"an epoch of net2 on {kind} faces, {environment['OMP_NUM_THREADS']} threads; "
        f"seconds, median (least to most) of {options.runs}\n"
    )
    print(markdown(ratios(seconds)))
    print("\nstart-up, Theano's compile directory as it is, and the first epoch, on noisy faces\n")
    print(markdown({name: first_row(workers[name], first) for name, first in firsts.items()}))
    for name, worker in workers.items():
        if worker.idle > 0.1 * seconds[name].median:
            print(f"{name} took {worker.idle:.1f} s of processor time out of turn")


def write_start(folder: Path) -> str:
    """Write what contestants/training.py reads; return which faces they are."""
    import numpy as np

    from kfkd.files import source
    from kfkd.output import quiet
    from load import load2d
    from net2 import net2

    with quiet(True):
        X, y = load2d()
    np.random.seed(42)
    noise = np.random.uniform(-0.5 / 255, 0.5 / 255, X.shape).astype(X.dtype)
    np.savez(folder / "faces.npz", X=X, dithered=X + noise, y=y)
    net2.initialize_layers()
    np.savez(folder / "initial.npz", *(p.get_value() for p in net2.get_all_params()))
    return source()


def measure(
    workers: Mapping[str, Worker], runs: int, whole: bool
) -> tuple[dict[str, dict], dict[str, Spread]]:
    """Let the workers train by turns.

    Returns
    -------
    firsts : dict of str to dict
        What each said of its first epoch.
    seconds : dict of str to Spread
        Of the epochs after it.
    """
    firsts = {name: worker.ask(faces="dithered") for name, worker in workers.items()}
    found: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(runs):
        for name, worker in workers.items():
            part = not whole and firsts[name]["seconds"] > LONG
            found[name].append(worker.ask(part=part)["seconds"])
    return firsts, {name: Spread.of(values) for name, values in found.items()}


def ratios(seconds: Mapping[str, Spread]) -> dict[str, dict[str, str]]:
    """The rows of the table: seconds, and how many times the engine's median that is."""
    engine = seconds.get(ENGINE)
    return {
        name: {
            "seconds an epoch": str(spread),
            "times this engine's": f"{spread.median / engine.median:.2f}" if engine else "",
        }
        for name, spread in seconds.items()
    }


def first_row(worker: Worker, first: Mapping) -> dict[str, str]:
    """A row of the second table: what each contestant's first epoch was like."""

    def losses(values: Sequence[float]) -> str:
        return " ".join(f"{value:.6f}" for value in values)

    return {
        "start, s": f"{worker.start:.1f}",
        "first epoch, s": f"{first['seconds']:.1f}",
        "losses of batches 1, 2, 3, 14": losses([*first["train"][:3], first["train"][-1]]),
        "of validation 1, 4": losses([first["valid"][0], first["valid"][-1]]),
    }


if __name__ == "__main__":
    main()
