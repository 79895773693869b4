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

import theano_today  # isort: skip  # noqa: F401 - first, as everywhere

import numpy as np
import theano

from benchmarks.common import seconds_of
from theano_today.engine import library

SOURCE = Path(__file__).with_name("peak.cpp")


@dataclass(frozen=True)
class Peaks:
    """What the machine was measured to do: operations and bytes a second."""

    registers: float
    sgemm: float
    memory: float

    def least(self, operations: float, moved: float) -> float:
        """Return the seconds that so many operations, and bytes of memory, take at best."""
        return max(operations / self.registers, moved / self.memory)


def measure_peaks(threads: int) -> Peaks:
    """Return the best of a few measurements of each."""
    square = np.random.RandomState(0).rand(2048, 2048).astype("float32")
    product = np.empty_like(square)
    parts = np.ones((threads, 2**23), "float32")
    multiply, rounds = compiled_peak(), 5_000_000
    with ThreadPoolExecutor(threads) as pool:

        def together(function: Callable) -> list:
            return list(pool.map(function, range(threads)))

        operations = sum(together(lambda _: multiply(rounds)))
        registers = fastest(lambda: together(lambda _: multiply(rounds)))
        memory = fastest(lambda: together(lambda i: np.negative(parts[i], out=parts[i])))
    sgemm = fastest(lambda: np.matmul(square, square, out=product))
    return Peaks(operations / registers, 2.0 * 2048**3 / sgemm, 2.0 * parts.nbytes / memory)


def fastest(call: Callable[[], object], calls: int = 7) -> float:
    """Return the seconds of the fastest of some calls."""
    return min(seconds_of(call) for _ in range(calls))


def compiled_peak() -> Callable[[int], float]:
    """Compile peak.cpp as the kernels are; return a function of a number of rounds."""
    compiler = theano.config.cxx
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "peak.so")
        target, _ = library.target_flags(compiler)
        flags = [*library.FLAGS, *target, "-I", str(library.KERNELS)]
        subprocess.run([*shlex.split(compiler), *flags, str(SOURCE), "-o", str(path)], check=True)
        function = ctypes.CDLL(str(path)).net2_multiply
    function.argtypes = [ctypes.c_long, ctypes.POINTER(ctypes.c_float)]
    function.restype = ctypes.c_double

    def multiply(rounds: int) -> float:
        return function(rounds, (ctypes.c_float * 14)(*range(12), 0.999, 0.001))

    return multiply
