"""Timing for the benchmarks: warm-up apart, contestants in turns, medians with their spread."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# The Python that has PyTorch and JAX: they need not fit net2's own pins.
OTHERS = Path(__file__).resolve().parent.parent / ".venv-bench" / "bin" / "python"

# glibc gives freed arrays back to the system, and a step then waits for fresh pages: half the
# time of PyTorch's. With these it keeps them, on large pages.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "MALLOC_TOP_PAD_": str(2**26),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


@dataclass(frozen=True)
class Contestant:
    """A script of contestants/, its arguments and its environment."""

    script: str
    words: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of some measurements."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def times(self, factor: float) -> Spread:
        """Return it in another unit."""
        return Spread(self.median * factor, self.low * factor, self.high * factor)

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g})"


def seconds_of(call: Callable[[], object]) -> float:
    """Return how long one call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def interleave(
    contestants: Mapping[str, Callable[[], Mapping[str, float]]], runs: int, warmups: int = 1
) -> dict[str, dict[str, Spread]]:
    """Measure several things in turns, so that a slow minute of the machine hits all alike.

    Parameters
    ----------
    contestants : mapping of str to function
        Each call measures once and returns figures by name, for example ``{"seconds": 0.3}``.
    runs : int
        How many measurements of each count.
    warmups : int
        How many before these do not.

    Returns
    -------
    dict of str to dict of str to Spread
        The figures' spread for each contestant.
    """
    found: dict[str, list[Mapping[str, float]]] = {name: [] for name in contestants}
    for turn in range(warmups + runs):
        for name, measure in contestants.items():
            figures = measure()
            if turn >= warmups:
                found[name].append(figures)
    return {
        name: {key: Spread.of([run[key] for run in series]) for key in series[0]}
        for name, series in found.items()
    }


def or_nan(
    name: str, measure: Callable[[], Mapping[str, float]], key: str = "ms"
) -> Callable[[], Mapping[str, float]]:
    """Return `measure`; from its first exception on, which is printed, its figure `key` is NaN."""
    failed = False

    def measured() -> Mapping[str, float]:
        nonlocal failed
        if not failed:
            try:
                return measure()
            except Exception as error:
                failed = True
                reason = next(iter(str(error).strip().splitlines()), "")
                print(f"{name}: {type(error).__name__}: {reason}", file=sys.stderr)
        return {key: math.nan}

    return measured


_FRESH = """
import json, sys, time
{setup}
begin = time.perf_counter()
{code}
seconds = time.perf_counter() - begin
sys.path.append({root!r})
from benchmarks.turns import peak_memory
print(json.dumps({{"seconds": seconds, "peak MiB": peak_memory()}}), file=sys.stderr)
"""


def fresh(setup: str, code: str, env: Mapping[str, str] | None = None) -> dict[str, float]:
    """Time `code` in a Python of its own.

    Parameters
    ----------
    setup, code : str
        Python source; `setup` (imports) is not timed, but counts for the memory.
    env : mapping, optional
        The process's environment.

    Returns
    -------
    dict
        "seconds" of wall time and the process's "peak MiB" of resident memory.
    """
    script = _FRESH.format(setup=setup, code=code, root=str(Path(__file__).parents[1]))
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", script],
        env=env,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stderr.splitlines()[-1])


def whole_run(code: str, env: Mapping[str, str]) -> dict[str, float]:
    """As `fresh`, from the start of the process to its end, imports and all.

    And "processor", its seconds of processor time with those of the compilers it waited for. The
    peak is at least that of the process that calls this.
    """
    with tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", "-c", code],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            raise SystemExit(errors.read())
    unit = 2**20 if sys.platform == "darwin" else 2**10
    processor = usage.ru_utime + usage.ru_stime
    return {"seconds": seconds, "processor": processor, "peak MiB": usage.ru_maxrss / unit}


def theano_flags(**flags: str) -> dict[str, str]:
    """Return THEANO_FLAGS with these, and what else the user has there."""
    given = os.environ.get("THEANO_FLAGS")
    ours = ",".join(f"{name}={value}" for name, value in flags.items())
    return {"THEANO_FLAGS": f"{given},{ours}" if given else ours}


def threads_environment(threads: int | None = None) -> dict[str, str]:
    """Return what tells NumPy, PyTorch, JAX (NPROC) and net2 how many threads to use.

    Parameters
    ----------
    threads : int, optional
        Default: one for each core, as net2's kernels do.
    """
    from theano_today.engine import library

    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
    return dict.fromkeys(names, str(threads or library.threads()))


def _cells(results: Mapping[str, Mapping[str, object]]) -> list[list[str]]:
    """The results as cells of equal width in each column, the heads first."""
    keys = list(next(iter(results.values())))
    rows = [["", *keys], *([name, *(str(r[key]) for key in keys)] for name, r in results.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [[c.ljust(w) for c, w in zip(row, widths, strict=True)] for row in rows]


def table(results: Mapping[str, Mapping[str, object]]) -> str:
    """The results as aligned lines of text, a row for each contestant."""
    return "\n".join("  ".join(row).rstrip() for row in _cells(results))


def markdown(results: Mapping[str, Mapping[str, object]]) -> str:
    """The same as a table for a README."""
    head, *rows = _cells(results)
    line = ["-" * len(cell) for cell in head]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, line, *rows))
