"""The kernels, compiled once for this machine and loaded; the memory of their arrays.

kernels/*.hpp are compiled by the compiler that Theano uses, with -march=native, into one
shared library in Theano's compile directory, under a name made of everything that it depends
on. The compilation takes a few seconds; `prepare` starts it while Theano is being imported.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import math
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path

import numpy as np

log = logging.getLogger("net2")

KERNELS = Path(__file__).with_name("kernels")

_FLAGS = ["-std=c++20", "-O3", "-fPIC", "-shared", "-pthread", "-Wno-maybe-uninitialized"]
# Not every compiler knows "native" on every processor: the first of these that works is taken.
_TARGETS = (["-march=native"], ["-mcpu=native"], [])

_FIELDS = (
    "images channels rows columns filters filter_rows filter_columns top left out_rows "
    "out_columns pool_rows pool_columns flip rectify x_last p_last"
).split()


class Stage(ctypes.Structure):
    """The shapes of a stage; kernels/stage.hpp says what each field is."""

    _fields_ = [(name, ctypes.c_int64) for name in _FIELDS]  # noqa: RUF012


@dataclass
class Build:
    """A compilation that may still be running."""

    path: Path
    process: subprocess.Popen | None = None
    temporary: Path | None = None

    def finish(self) -> Path:
        """Wait for it; the path of the library.

        Raises
        ------
        RuntimeError
            With the first line of what the compiler said.
        """
        if self.process is None:
            return self.path
        _, errors = self.process.communicate()
        if self.process.returncode != 0:
            self.temporary.unlink(missing_ok=True)
            said = next((line for line in errors.splitlines() if "error" in line), errors[:200])
            raise RuntimeError(f"{self.process.args[0]}: {said}")
        # Renamed when it is whole: another process may be waiting to load it.
        self.temporary.replace(self.path)
        self.process = None
        return self.path


_build: Build | None = None


def prepare(compiler: str, folder: Path) -> None:
    """Start compiling the kernels into `folder`, unless they are there already."""
    global _build
    target, machine = _target(compiler)
    flags = [*_FLAGS, *target]
    sources = sorted(KERNELS.iterdir())
    key = hashlib.sha256(repr((compiler, flags, machine)).encode())
    for source in sources:
        key.update(source.name.encode() + source.read_bytes())
    path = folder / f"net2-kernels-{key.hexdigest()[:16]}.so"
    if path.exists():
        _build = Build(path)
        return
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(".so.tmp", "net2-kernels-", folder)
    os.close(handle)
    command = [*shlex.split(compiler), *flags, str(KERNELS / "glue.cpp"), "-o", name]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    _build = Build(path, process, Path(name))


def _target(compiler: str) -> tuple[list[str], str]:
    """The flag that means this processor, and what the compiler then takes it for."""
    for flags in _TARGETS:
        command = [*shlex.split(compiler), *flags, "-dM", "-E", "-x", "c++", os.devnull]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return flags, done.stdout
    return [], platform.machine()


@functools.cache
def kernels() -> ctypes.CDLL | None:
    """The library, or None (and one line on stderr) where it could not be compiled."""
    import theano

    if not theano.config.cxx:
        return None  # the user's wish: Theano without a compiler
    try:
        if _build is None:
            prepare(theano.config.cxx, Path(theano.config.base_compiledir))
        library = ctypes.CDLL(str(_build.finish()))
    except (OSError, RuntimeError) as error:
        print(
            f"net2's kernels could not be compiled ({error}); running on Theano's own ops, "
            "which are several times slower",
            file=sys.stderr,
        )
        return None
    library.net2_take.restype = ctypes.c_void_p
    library.net2_take.argtypes = [ctypes.c_int64]
    library.net2_give.argtypes = [ctypes.c_void_p]
    library.net2_give.restype = None
    pointer, number, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
    library.net2_forward.argtypes = [ctypes.POINTER(Stage), *[pointer] * 5]
    library.net2_backward.argtypes = [ctypes.POINTER(Stage), *[pointer] * 7]
    matrix = [pointer, number, number]
    library.net2_product.argtypes = [*matrix, *matrix, pointer, *[number] * 3]
    step = [real, real, ctypes.c_int, pointer, pointer]
    library.net2_update.argtypes = [*step, pointer, number]
    library.net2_update_with_product.argtypes = [*step, *matrix, *matrix, *[number] * 3]
    library.net2_set_threads(threads())
    log.info("kernels: vectors of %d floats, %d threads", library.net2_lanes(), threads())
    return library


def threads() -> int:
    """OMP_NUM_THREADS, else as many as there are cores that this process may run on.

    Two hardware threads of one core count once: the kernels leave nothing for the second.
    """
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if given.isdigit() and int(given) > 0:
        return int(given)
    if not hasattr(os, "sched_getaffinity"):
        return max(1, (os.cpu_count() or 1) // (2 if platform.machine() == "x86_64" else 1))
    cores = set()
    for cpu in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            cores.add(siblings.read_text())
        except OSError:
            cores.add(str(cpu))
    return len(cores)


def call(function, *arguments) -> None:
    """Call a kernel.

    Raises
    ------
    MemoryError
        If it had not enough.
    """
    if function(*arguments) != 0:
        raise MemoryError("not enough memory for the kernels' working space")


def lanes() -> int:
    """How many float32 a vector of the kernels holds; channels are padded to a multiple."""
    library = kernels()
    return library.net2_lanes() if library else 16


# Below this, NumPy's own memory is as good.
_SMALL = 1 << 18


def empty(shape: tuple[int, ...], dtype="float32") -> np.ndarray:
    """Return an uninitialised array, its memory reused from arrays that are no longer in use.

    Raises
    ------
    MemoryError
        If there is not enough.
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    library = kernels()
    if size < _SMALL or library is None:
        return np.empty(shape, dtype)
    address = library.net2_take(size)
    if address is None:
        raise MemoryError(f"not enough memory for an array of shape {shape}, {size} bytes")
    owner = (ctypes.c_char * size).from_address(address)
    weakref.finalize(owner, library.net2_give, address).atexit = False
    return np.ndarray(shape, dtype, owner)


def empty_last(images: int, channels: int, rows: int, columns: int) -> np.ndarray:
    """Return an array of shape (images, channels, rows, columns) that holds its channels last.

    In memory: (images, rows, columns, channels rounded up to whole vectors), float32.
    """
    padded = round_up(channels)
    array = empty((images, rows, columns, padded))
    return array[..., :channels].transpose(0, 3, 1, 2)


def as_last(array: np.ndarray) -> np.ndarray:
    """Return `array`, or a copy of it, as `empty_last` lays it out."""
    images, channels, rows, columns = array.shape
    pixel = 4 * round_up(channels)
    if array.strides == (rows * columns * pixel, 4, columns * pixel, pixel):
        return array
    copy = empty((images, rows, columns, round_up(channels)))
    copy[..., channels:] = 0
    copy[..., :channels] = array.transpose(0, 2, 3, 1)
    return copy[..., :channels].transpose(0, 3, 1, 2)


def round_up(count: int) -> int:
    """Return `count` rounded up to whole vectors."""
    return -(-count // lanes()) * lanes()
