"""Time a training step of nets of the time: this engine, stock Theano and PyTorch, by turns.

    python benchmarks/nets.py [--nets NAMES] [--contestants NAMES] [--repeats N] [--threads N]
                              [--processor] [--start] [--others PYTHON] [--data DIR]

    python benchmarks/nets.py --nets vgg,lstm --contestants engine,tuned

contestants/nets_data.py names the nets. Of one net after the other, each contestant trains in a
process of its own, all with as many threads; they take turns of about a second, after one that is
not counted. A step is a call of the compiled training function on a batch, updates included; of
the tutorial's last net it is a whole epoch. "tuned" is a PyTorch whose memory glibc is told to
keep.

The share of the peak is that of the multiplications that direct convolutions and products have,
each with its addition, beside what the cores do in registers: who needs fewer (Winograd, winners
only) can be above 100 %. On a machine that others load, --processor --threads 1 counts processor
time instead: it hardly depends on them, where threads that wait for each other do. With --start,
also the time from the start of Python to the end of the first step, with an empty compile
directory and with a filled one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
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
from benchmarks.contestants.nets_data import BATCHES, WHAT  # noqa: E402
from benchmarks.turns import AbsentError, Worker  # noqa: E402

TURN = 1.0  # seconds


ENGINE = "this engine"
CONTESTANTS = {
    ENGINE: Contestant("nets_lasagne", env=theano_flags(engine="fused")),
    "stock Theano": Contestant("nets_lasagne", env=theano_flags(engine="stock")),
    "PyTorch": Contestant("nets_pytorch"),
    "PyTorch, tuned": Contestant("nets_pytorch", env=KEEP_MEMORY),
}


@dataclass
class Row:
    """What was measured of one contestant and one net."""

    seconds: Spread
    peak: float  # MiB
    multiplications: float
    idle: float


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", metavar="NAMES", help="some of " + ",".join(BATCHES))
    parser.add_argument("--contestants", metavar="NAMES", help="whose names hold one of a,b,c")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each (default 5)")
    parser.add_argument("--threads", type=int, help="of each (default: one for each core)")
    parser.add_argument("--processor", action="store_true", help="count processor time")
    parser.add_argument("--start", action="store_true", help="measure the start, too")
    parser.add_argument("--others", metavar="PYTHON", default=str(OTHERS))
    parser.add_argument("--data", metavar="DIR", help="folder with training.csv")
    options = parser.parse_args()
    if options.data:
        os.environ["KFKD_DATA"] = options.data
    nets = options.nets.split(",") if options.nets else list(BATCHES)
    if unknown := set(nets) - set(BATCHES):
        parser.error(f"no net is called {', '.join(unknown)}; there are {', '.join(BATCHES)}")
    wanted = options.contestants.split(",") if options.contestants else [""]
    names = [name for name in CONTESTANTS if any(word in name for word in wanted)]
    environment = threads_environment(options.threads)
    threads = int(environment["OMP_NUM_THREADS"])
    with tempfile.TemporaryDirectory() as folder:
        clock = "processor" if options.processor else "seconds"
        bench = Bench(Path(folder), environment, options.others, clock)
        if "tutorial" in nets:
            bench.write_faces()
        measured = {net: bench.measure(net, names, options.repeats) for net in nets}
        starts = {net: bench.starts(net, names) for net in nets} if options.start else {}
    from benchmarks.peaks import measure_peaks

    peak = measure_peaks(threads).registers
    print(
        f"a training step, {threads} threads; milliseconds"
        f"{' of processor time' * options.processor}, median (least to most); "
        f"peak in registers {peak / 1e9:.0f} GFLOP/s; load {os.getloadavg()[0]:.1f}\n"
    )
    print(markdown(table(measured, names)))
    print("\nshare of the peak, and peak resident memory in MiB\n")
    print(markdown(shares(measured, names, peak)))
    if starts:
        print("\nseconds from the start of Python to the end of the first step: cold, warm\n")
        print(markdown({WHAT[net]: row for net, row in starts.items()}))
    for net, rows in measured.items():
        for name, row in rows.items():
            if row.idle > 0.5:
                print(f"{net}: {name} took {row.idle:.1f} s of processor time out of turn")


def table(measured: Mapping[str, Mapping[str, Row]], names) -> dict[str, dict[str, str]]:
    """Milliseconds of each net and contestant, and how many times PyTorch's tuned that is."""
    rows = {}
    for net, by_name in measured.items():
        cells = {
            name: str(by_name[name].seconds.times(1000)) if name in by_name else ""
            for name in names
        }
        ours, theirs = by_name.get(ENGINE), by_name.get("PyTorch, tuned")
        if ENGINE in names and "PyTorch, tuned" in names:
            both = ours is not None and theirs is not None
            ratio = f"{theirs.seconds.median / ours.seconds.median:.2f}" if both else ""  # type: ignore[union-attr]
            cells["tuned / engine"] = ratio
        rows[WHAT[net]] = cells
    return rows


def shares(measured: Mapping[str, Mapping[str, Row]], names, peak: float):
    """The second table: what part of `peak`, operations a second, each reaches, and memory."""
    rows = {}
    for net, by_name in measured.items():
        # PyTorch's contestants count nothing: the net is the same.
        count = max((row.multiplications for row in by_name.values()), default=0)
        cells = {"G multiplications": f"{count / 1e9:.2f}" if count else ""}
        for name in names:
            row = by_name.get(name)
            share = f"{2 * count / row.seconds.median / peak:.0%}, " if row and count else ""
            cells[name] = f"{share}{row.peak:.0f} MiB" if row else ""
        rows[WHAT[net]] = cells
    return rows


class Bench:
    """Starts contestants.

    Parameters
    ----------
    folder : Path
        For the faces and for compile directories.
    environment : mapping
        Of all contestants.
    others : str
        The Python that has PyTorch.
    clock : {"seconds", "processor"}
        Which of a contestant's times count.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str], others: str, clock: str = "seconds"
    ) -> None:
        self.folder, self.environment, self.others = folder, environment, others
        self.clock = clock
        self.absent: set[str] = set()

    def write_faces(self) -> None:
        """Write the faces that the tutorial's last net is trained on."""
        import numpy as np

        from kfkd.output import quiet
        from load import load2d

        with quiet(True):
            X, y = load2d()
        np.savez(self.folder / "faces.npz", X=X, y=y)

    def worker(self, net: str, name: str, **flags: str) -> Worker | None:
        """Start a contestant; None where it cannot run here, which is said once."""
        one = CONTESTANTS[name]
        python = sys.executable if one.script == "nets_lasagne" else self.others
        script = ROOT / "benchmarks" / "contestants" / f"{one.script}.py"
        command = [python, "-P", "-W", "ignore", str(script), net, str(self.folder / "faces.npz")]
        env = dict(self.environment) | dict(one.env)
        if flags:
            given = ",".join(f"{key}={value}" for key, value in flags.items())
            env["THEANO_FLAGS"] = f"{env.get('THEANO_FLAGS', '')},{given}"
        try:
            return Worker(command, env)
        except AbsentError as absent:
            if name not in self.absent:
                print(f"{name}: left out ({absent})", file=sys.stderr, flush=True)
            self.absent.add(name)
            return None

    def measure(self, net: str, names: list[str], repeats: int) -> dict[str, Row]:
        """Let the contestants train a net by turns."""
        workers: dict[str, Worker] = {}
        try:
            for name in names:
                if (worker := self.worker(net, name)) is not None:
                    workers[name] = worker
            rows = turns(workers, repeats, self.clock)
            for name, row in rows.items():  # who ends it early has these
                print(f"{net}: {name} {row.seconds.times(1000)} ms", file=sys.stderr, flush=True)
            return rows
        finally:
            for worker in workers.values():
                worker.close()

    def starts(self, net: str, names: list[str]) -> dict[str, str]:
        """Return each contestant's seconds to its first step, cold and warm."""
        found = {}
        for name in names:
            times = []
            ours = CONTESTANTS[name].script == "nets_lasagne"
            kind = str(self.folder / f"{net}-{name.split()[0]}")
            for _ in range(2 if ours else 1):
                flags = {"base_compiledir": kind} if ours else {}
                worker = self.worker(net, name, **flags)
                if worker is not None:
                    times.append(worker.start + sum(worker.ask(count=1)["seconds"]))
                    worker.close()
            found[name] = ", ".join(f"{seconds:.1f}" for seconds in times)
        return found


def turns(workers: Mapping[str, Worker], repeats: int, clock: str = "seconds") -> dict[str, Row]:
    """Ask the workers by turns for about `TURN` seconds each; the first turn does not count."""
    counts, found, last = {}, {name: [] for name in workers}, {}  # type: ignore[var-annotated]
    for name, worker in workers.items():
        worker.ask(count=1)
        once = worker.ask(count=1)["seconds"][0]
        counts[name] = max(1, min(200, round(TURN / once)))
    for _ in range(repeats):
        for name, worker in workers.items():
            last[name] = worker.ask(count=counts[name])
            found[name] += last[name][clock]
    return {
        name: Row(
            Spread.of(found[name]), last[name]["peak MiB"], last[name]["multiplications"],
            worker.idle,
        )
        for name, worker in workers.items()
    }  # fmt: skip


if __name__ == "__main__":
    main()
