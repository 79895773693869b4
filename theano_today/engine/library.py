"""The kernels, compiled once for this machine and loaded; the memory of their arrays.

kernels/*.hpp are compiled by the compiler that Theano uses, with -march=native, into two shared
libraries in Theano's compile directory, under names made of everything that they depend on. The
compilation takes a few seconds; `prepare` starts it while Theano is being imported. The second
library, of convolutions, is waited for where a graph has some.
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
import struct
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

log = logging.getLogger("theano_today")

KERNELS = Path(__file__).with_name("kernels")

FLAGS = [
    "-std=c++17", "-fPIC", "-shared", "-pthread", "-DNDEBUG", "-Wno-maybe-uninitialized",
    # Nobody looks at errno or at traps: comparisons and roots become vectors.
    "-fno-math-errno", "-fno-trapping-math",
]  # fmt: skip
# GCC: the vectors of -O3 without all that it does besides, and without passes of -O2 that make no
# kernel faster: a new machine waits for it before its first net.
_GCC = """
    -O2 -fvect-cost-model=dynamic -fno-tree-vrp -fno-thread-jumps -fno-tree-slp-vectorize -fno-gcse
    -fno-crossjumping
""".split()  # noqa: SIM905
# Not every compiler knows these, nor "native" on every processor: the first that works is taken.
_TARGETS: tuple[list[str], ...] = tuple(
    [*speed, *target]
    for speed in (_GCC, ["-O3"])
    for target in (["-march=native"], ["-mcpu=native"], [])
)

_FIELDS = """
    images channels rows columns filters filter_rows filter_columns top left out_rows out_columns
    pool_rows pool_columns flip rectify x_blocked dx_blocked p_blocked
    pool step_rows step_columns apart_rows apart_columns in_order
""".split()  # noqa: SIM905 - reads as the C++ does


class StageShape(ctypes.Structure):
    """The shapes of a stage; kernels/stage.hpp says what each field is."""

    _fields_ = [(name, ctypes.c_int64) for name in _FIELDS]


class Link(ctypes.Structure):
    """A stage of a chain and the addresses of its arrays, as in kernels/stage.hpp."""

    _fields_ = [
        ("stage", StageShape),
        *((name, ctypes.c_void_p) for name in "x w b p winners g dw db dx mask".split()),  # noqa: SIM905
        ("scale", ctypes.c_float),
    ]


@dataclass
class Build:
    """A compilation that may still be running, begun by this process or by its parent."""

    path: Path
    temporary: Path | None = None
    process: subprocess.Popen | None = None
    starter: int = 0

    def finish(self) -> Path:
        """Wait for it; the path of the library.

        Raises
        ------
        RuntimeError
            With the first line of what the compiler said.
        """
        if self.process is None:
            return self.path
        if os.getpid() != self.starter:
            # Forked meanwhile: only the parent can wait for the compiler.
            assert self.temporary is not None
            deadline = time.monotonic() + _PATIENCE
            while self.temporary.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
        else:
            _, errors = self.process.communicate()
            if self.process.returncode != 0:
                lines = [line.strip() for line in errors.splitlines() if line.strip()] or [""]
                said = next((line for line in lines if "error" in line), lines[0][:200])
                raise RuntimeError(said.strip())
        self.process = None
        return self.path


# By the end of their names; the parts of glue.cpp that each is made of.
_BASE, _STAGES = "", "-stages"
_PARTS = {_BASE: "3 4", _STAGES: "1 2"}

_builds: dict[str, Build] = {}

# Waits until nobody holds the other end of its input, compiles parts of glue.cpp side by side, puts
# the library on the disk and renames it; does so to the end if Python is gone by then. Renamed when
# it is whole: another process may be waiting to load it.
_COMPILE = """
path=$1 temporary=$2 source=$3 parts=$4
shift 4
cat > /dev/null
touch "$temporary"
jobs=
for part in $parts; do
    "$@" -DPART=$part "$source" -c -o "$temporary.$part" &
    jobs="$jobs $!"
done
failed=0
for job in $jobs; do
    wait "$job" || failed=1
done
if [ $failed = 0 ] && "$@" "$temporary".[1-4] -o "$temporary"; then
    sync "$temporary"
    mv -f "$temporary" "$path"
else
    rm -f "$temporary"
    failed=1
fi
rm -f "$temporary".[1-4]
exit $failed
"""

_PATIENCE = 120  # seconds for a compilation of half a dozen, on a machine that is busy


def prepare(compiler: str, folder: Path) -> None:
    """Start compiling the kernels into `folder`, unless they are there already."""
    target, machine = target_flags(compiler)
    flags = [*FLAGS, *target]
    sources = sorted(p for p in KERNELS.iterdir() if p.suffix in (".hpp", ".cpp"))
    key = hashlib.sha256(repr((compiler, flags, machine)).encode())
    for source in sources:
        key.update(source.name.encode() + source.read_bytes())
    paths = {end: folder / f"kernels-{key.hexdigest()[:16]}{end}.so" for end in _PARTS}
    missing = [end for end, path in paths.items() if not path.exists()]
    _builds.update({end: Build(path) for end, path in paths.items()})
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    command = [*shlex.split(compiler), *flags]
    # A compiler takes 0.4 GB and a core: on few cores one library is compiled after the other.
    begin, held = os.pipe()
    try:
        for end in missing:
            last = end == missing[-1]
            few = len(missing) > 1 and (os.cpu_count() or 1) < 4
            _builds[end] = _start(
                paths[end], _PARTS[end], command,
                begin if few and last else subprocess.DEVNULL, () if last else (held,),
            )  # fmt: skip
    finally:
        os.close(begin)
        os.close(held)


def _start(path: Path, parts: str, command: list[str], begin: int, held: tuple[int, ...]) -> Build:
    """Compile a library once nobody holds the other end of `begin`, holding on to `held`."""
    handle, name = tempfile.mkstemp(".so.tmp", "kernels-", path.parent)
    os.close(handle)
    process = subprocess.Popen(
        ["sh", "-c", _COMPILE, "sh", str(path), name, str(KERNELS / "glue.cpp"), parts, *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=begin, pass_fds=held,
        text=True, start_new_session=True,  # Ctrl-C is not for the compiler
    )  # fmt: skip
    return Build(path, Path(name), process, os.getpid())


def _remove_abandoned(folder: Path) -> None:
    """Remove what a compilation left that was killed."""
    for path in folder.glob("kernels-*.so.tmp*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _PATIENCE:
                path.unlink()


def target_flags(compiler: str) -> tuple[list[str], str]:
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
        library = _load(_BASE)
    except (OSError, RuntimeError) as error:
        with suppress(OSError, RuntimeError):
            _builds[_STAGES].finish()  # nothing goes on behind the user's back
        print(
            f"the kernels could not be compiled ({error}); running on Theano's own ops, "
            "which are several times slower",
            file=sys.stderr,
        )
        return None
    _declare(library)
    theirs, ours = library.today_link_size(), ctypes.sizeof(Link)
    assert theirs == ours, f"Link has {theirs} bytes in C++ and {ours} in library.py"
    library.today_set_threads(threads())
    log.info("kernels: vectors of %d floats, %d threads", library.today_lanes(), threads())
    return library


@functools.cache
def stages() -> ctypes.CDLL | None:
    """The library of convolutions, whose threads and memory are the other's.

    None, and one line on stderr, where there are no kernels or where it was not compiled, even
    when nothing else was, for want of memory or disk.
    """
    if kernels() is None:
        return None
    try:
        try:
            library = _load(_STAGES)
        except (OSError, RuntimeError):
            del _builds[_STAGES]
            library = _load(_STAGES)
    except (OSError, RuntimeError) as error:
        print(
            f"the kernels of convolutions could not be compiled ({error}); running on NumPy, "
            "which is many times slower: THEANO_FLAGS=engine=stock runs on Theano's own ops",
            file=sys.stderr,
        )
        return None
    _declare(library)
    return library


def _load(end: str) -> ctypes.CDLL:
    import theano

    compiler, folder = theano.config.cxx, Path(theano.config.base_compiledir)
    if end not in _builds:
        prepare(compiler, folder)
    path = _builds[end].finish()
    try:
        _check_length(path)
        return _loaded(path)
    except OSError:  # gone, cut off or overwritten since it was compiled
        path.unlink(missing_ok=True)
        prepare(compiler, path.parent)
        return _loaded(_builds[end].finish())


def _loaded(path: Path) -> ctypes.CDLL:
    # Global: what both libraries define, threads and memory, is there once.
    return ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)


def _check_length(path: Path) -> None:
    """Refuse a library that was cut off, which the loader would map and crash on.

    Of ELF's 64-byte header (System V ABI, "ELF Header") the last fields say where the table of
    sections begins, which linkers put last, how large its entries are and how many there are.

    Raises
    ------
    OSError
    """
    with path.open("rb") as f:
        header = f.read(64)
        size = f.seek(0, os.SEEK_END)
    if header[:5] == b"\x7fELF\x02" and len(header) == 64:
        order = "<" if header[5] == 1 else ">"
        (begin,) = struct.unpack_from(order + "Q", header, 40)
        each, count = struct.unpack_from(order + "HH", header, 58)
        if begin + each * count > size:
            raise OSError(f"{path}: cut off after {size} bytes")


def _declare(library: ctypes.CDLL) -> None:
    pointer, number, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
    matrix = (pointer, number, number)
    step = (real, real, ctypes.c_int, pointer, pointer)
    links = ctypes.POINTER(Link)
    pool = (ctypes.c_int, *[number] * 3, pointer, number, pointer, number)
    signatures: dict[str, tuple] = {
        "today_take": (number,),
        "today_give": (pointer,),
        "today_forward": (links, number),
        "today_backward": (links, number),
        "today_product": (*matrix, *matrix, pointer, *[number] * 3),
        "today_steps": (pointer, pointer, number, number, pointer),
        "today_function": (number,),
        "today_update": (*step, pointer, number),
        "today_update_with_product": (*step, *matrix, *matrix, *[number] * 3),
        "today_elementwise": (pointer, pointer, *[number] * 5),
        "today_pool": (*pool, pointer, pointer),
        "today_pool_gradient": (*pool, *[pointer] * 4),
        "today_channelwise": (
            *[pointer, number] * 2,
            number,
            pointer,
            number,
            number,
            pointer,
            *[number] * 5,
        ),
        "today_to_blocks": (pointer, pointer, *[number] * 3),
        "today_to_planes": (pointer, pointer, *[number] * 3),
        "today_products_and_sum": (pointer, number, pointer, number, number, pointer),
        "today_sum": (pointer, *[number] * 4, pointer),
        "today_uniform": (pointer, number, pointer, number),
        "today_uniform_double": (pointer, number, pointer, number),
        "today_mask": (pointer, number, real, pointer, number),
    }
    results = {
        "today_take": pointer,
        "today_function": ctypes.c_char_p,
        "today_give": None,
        "today_link_size": number,
    }
    for name in signatures | results:
        if hasattr(library, name):  # else the other library has it
            function = getattr(library, name)
            function.argtypes = signatures.get(name)
            function.restype = results.get(name, ctypes.c_int)


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


def call(name: str, *arguments) -> None:
    """Call the kernel of this name (see kernels/glue.cpp).

    Raises
    ------
    MemoryError
        If it had not enough.
    """
    _check(getattr(kernels(), name)(*arguments))


def _check(result: int) -> None:
    if result != 0:
        raise MemoryError("not enough memory for the kernels' working space")


def link(stage: StageShape, **arrays: np.ndarray | None) -> Link:
    """Describe a stage of a chain: its contiguous arrays by the names of Link's fields."""
    described = Link(stage, **{k: a.ctypes.data for k, a in arrays.items() if a is not None})
    described.arrays = arrays  # alive as long as their addresses are: some are copies
    return described


def call_chain(name: str, links: Sequence[Link]) -> None:
    """Call today_forward or today_backward for stages that follow each other; see `call`.

    Forward, only the first x is read; backward, only the last g, and only the first dx written.
    """
    _check(getattr(stages(), name)((Link * len(links))(*links), len(links)))


def lanes() -> int:
    """How many float32 a vector of the kernels holds; channels are padded to a multiple."""
    library = kernels()
    return library.today_lanes() if library else 16


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
    address = library.today_take(size)
    if address is None:
        raise MemoryError(f"not enough memory for an array of shape {shape}, {size} bytes")
    owner = (ctypes.c_char * size).from_address(address)
    weakref.finalize(owner, library.today_give, address).atexit = False
    return np.ndarray(shape, dtype, owner)


def blocks(channels):
    """Return how many vectors hold this many channels, an int or an integer of a graph."""
    return (channels + lanes() - 1) // lanes()
