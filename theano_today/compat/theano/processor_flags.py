"""The compiler's flags for this processor (-march and its kin), found once and not in each process.

Theano asks the compiler what -march=native means here and compiles a program to see whether it
runs. That takes 0.3 s at each start, for an answer that stays the same: it is kept in the compile
directory, beside the modules that were compiled with it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from theano_today import hooks
from theano_today.atomic import atomic_write

CPUINFO = Path("/proc/cpuinfo")


def install() -> None:
    hooks.after_import("theano.gof.cmodule", _keep_flags)


def _keep_flags(cmodule: ModuleType) -> None:
    compiler_class = cmodule.GCC_compiler
    original = compiler_class.compile_args

    def compile_args(march_flags=True):
        wanted = march_flags and compiler_class.march_flags is None
        # A user who gives -march himself gets his: Theano then looks for nothing.
        path = _path(cmodule) if wanted and "-march" not in cmodule.config.gcc.cxxflags else None
        if path is None:
            return original(march_flags)
        compiler_class.march_flags = _read(path)
        if compiler_class.march_flags is not None:
            return original(march_flags)
        arguments = original(march_flags)
        if compiler_class.march_flags:  # none: the probe failed, which may pass
            _write(path, compiler_class.march_flags)
        return arguments

    compiler_class.compile_args = staticmethod(compile_args)


def _path(cmodule: ModuleType) -> Path | None:
    """The file for this compiler and this processor; None where a processor can't be told."""
    if not cmodule.config.cxx:
        return None
    try:
        # One processor's lines: those of the others differ in their number and speed only.
        lines = CPUINFO.read_text(errors="replace").split("\n\n")[0].splitlines()
    except OSError:
        return None
    told = [line for line in lines if line.split(":")[0].strip() in _TELLING]
    if not told:
        return None
    compiler = shutil.which(cmodule.config.cxx.split()[0])
    version = cmodule.gcc_version_str
    key = hashlib.sha256(repr((cmodule.config.cxx, compiler, version, told)).encode())
    return Path(folder(cmodule), f"processor-flags-{key.hexdigest()[:16]}.json")


def folder(cmodule: ModuleType) -> str:
    """The compile directory."""
    return cmodule.config.compiledir


_TELLING = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags", "Features",
            "CPU implementer", "CPU part", "CPU architecture")  # fmt: skip


def _read(path: Path) -> list[str] | None:
    try:
        flags = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    whole = isinstance(flags, list) and flags and all(isinstance(flag, str) for flag in flags)
    return flags if whole else None


def _write(path: Path, flags: list[str]) -> None:
    with suppress(OSError), atomic_write(path) as f:
        f.write(json.dumps(flags).encode())
