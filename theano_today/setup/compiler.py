"""The C++ compiler that Theano must find, and how to install it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from theano_today.errors import SetupError


def find_compiler(wanted: str | None = None) -> str:
    """Return the C++ compiler for Theano: `wanted`, or the first of g++ and clang++ that runs.

    Raises
    ------
    SetupError
        If no compiler runs, or Python's headers are missing. Without this check Theano would fall
        back to Python implementations that are about 100 times slower.
    """
    candidates = ("clang++", "g++") if sys.platform == "darwin" else ("g++", "clang++")
    compiler = wanted or next(filter(_runs, candidates), None)
    if compiler is None:
        raise SetupError(
            f"no C++ compiler found (looked for {' and '.join(candidates)}): Theano compiles "
            f"the net with one. {_how_to_install('compiler')}"
        )
    if not _runs(compiler):
        raise SetupError(
            f"THEANO_FLAGS cxx={compiler}: this C++ compiler does not run; leave cxx out to use "
            f"{' or '.join(candidates)}"
        )
    header = Path(sysconfig.get_paths()["include"], "Python.h")
    if not header.exists():
        raise SetupError(
            f"Python's C headers are not installed ({header} is missing): Theano compiles the "
            f"net against them. {_how_to_install('headers')}"
        )
    return compiler


def _runs(compiler: str) -> bool:
    path = shutil.which(compiler)
    if path is None:
        return False
    try:
        # macOS has a clang++ that only offers to install the real one.
        return subprocess.run([path, "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def _how_to_install(what: str) -> str:
    if sys.platform == "darwin":
        return "Run: xcode-select --install"
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = {
        "compiler": ("g++", "gcc-c++", "gcc"),
        "headers": (f"{python}-dev", "python3-devel", "python"),
    }[what]
    family = _linux_family()
    if family == "debian":
        return f"Run: sudo apt install {packages[0]}"
    if family == "fedora":
        return f"Run: sudo dnf install {packages[1]}"
    if family == "arch":
        return f"Run: sudo pacman -S {packages[2]}"
    return f"Install {packages[0]} (Debian, Ubuntu) or {packages[1]} (Fedora)"


def _linux_family() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ""
    names = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".split()
    return next((name for name in names if name in ("debian", "fedora", "arch")), "")
