"""What this machine can do at most: the measures that conv_pool.py holds the kernels against."""

from __future__ import annotations

import ctypes
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import runtime  # isort: skip  # noqa: F401 - first, as everywhere

import numpy as np
import theano

from benchmarks.common import seconds_of
from runtime.engine import library

SOURCE = Path(__file__).with_name("peak.cpp")


@dataclass(frozen=True)
class Peaks:
    """What the machine was measured to do: operations and bytes a second."""

    registers: float
    sgemm: float
    copy: float

    def least(self, operations: float, moved: float) -> float:
        """Return the seconds that so many operations, and bytes of memory, take at best."""
        return max(operations / self.registers, moved / self.copy)


def measure_peaks(threads: int) -> Peaks:
    """Return the best of a few measurements of each."""
    square = np.random.RandomState(0).rand(2048, 2048).astype("float32")
    out = np.empty_like(square)
    sgemm = (
        2.0
        * len(square) ** 3
        / min(seconds_of(lambda: np.matmul(square, square, out=out)) for _ in range(7))
    )
    source, target = (np.zeros((threads, 2**23), "float32") for _ in range(2))
    with ThreadPoolExecutor(threads) as pool:

        def together(function: Callable) -> list:
            return list(pool.map(function, range(threads)))

        copy = (
            2.0
            * source.nbytes
            / min(
                seconds_of(lambda: together(lambda i: np.copyto(target[i], source[i])))
                for _ in range(7)
            )
        )
        multiply = compiled_peak()
        rounds = 5_000_000
        operations = sum(together(lambda _: multiply(rounds)))
        registers = operations / min(
            seconds_of(lambda: together(lambda _: multiply(rounds))) for _ in range(5)
        )
    return Peaks(registers, sgemm, copy)


def compiled_peak() -> Callable[[int], float]:
    """Compile peak.cpp as the kernels are; return a function of a number of rounds."""
    compiler = theano.config.cxx
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "peak.so")
        target, _ = library._target(compiler)
        flags = [*library._FLAGS, *target, "-I", str(library.KERNELS)]
        subprocess.run([*shlex.split(compiler), *flags, str(SOURCE), "-o", str(path)], check=True)
        function = ctypes.CDLL(str(path)).net2_multiply
    function.argtypes = [ctypes.c_long, ctypes.POINTER(ctypes.c_float)]
    function.restype = ctypes.c_double

    def multiply(rounds: int) -> float:
        return function(rounds, (ctypes.c_float * 14)(*range(12), 0.999, 0.001))

    return multiply
