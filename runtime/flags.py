"""The settings Theano starts with, and the compiler it must find.

Theano reads THEANO_FLAGS once, when it is first imported; ours are merged in just before.
A flag that the user set in THEANO_FLAGS always wins. ~/.theanorc does not win over the few
below: those files are from the days of device=gpu and a system BLAS.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from runtime.compat import hooks
from runtime.errors import SetupError

DEFAULTS = {
    "device": "cpu",
    "floatX": "float32",
    # Empty: Theano calls NumPy's own BLAS, so that no system BLAS has to be installed.
    "blas.ldflags": "",
    # Theano's own format lacks NumPy's version, on whose headers the compiled modules depend.
    "compiledir_format": "compiledir_%(short_platform)s-%(processor)s-%(python_version)s-"
    "%(python_bitwidth)s-numpy%(numpy_version)s",
}

_GPU_WORDS = ("gpu", "cuda", "opencl")


def install() -> None:
    hooks.before_import("theano", _configure)


def _configure() -> None:
    given = parse(os.environ.get("THEANO_FLAGS", ""))
    flags = DEFAULTS | given
    if flags["device"].startswith(_GPU_WORDS):
        print(
            f"THEANO_FLAGS device={flags['device']}: Theano's GPU back end is gone; "
            "running on the CPU",
            file=sys.stderr,
        )
        flags["device"] = "cpu"
    if "cxx" not in given:
        flags["cxx"] = find_compiler()
    os.environ["THEANO_FLAGS"] = unparse(flags)


def parse(text: str) -> dict[str, str]:
    """Read THEANO_FLAGS as Theano does: comma-separated ``name=value``, the last one wins."""
    splitter = shlex.shlex(text, posix=True)
    splitter.whitespace = ","
    splitter.whitespace_split = True
    pairs = (pair.strip().partition("=") for pair in splitter)
    return {name: value for name, equals, value in pairs if equals}


def unparse(flags: dict[str, str]) -> str:
    """Write flags so that Theano reads them back unchanged, commas and quotes included."""
    return ",".join(f"{name}={shlex.quote(value) if value else ''}" for name, value in flags.items())


def find_compiler() -> str:
    """Return the C++ compiler for Theano: the first of g++ and clang++ that runs.

    Raises
    ------
    SetupError
        If none runs, or Python's headers are missing. Without this check Theano would fall
        back to Python implementations that are about 100 times slower.
    """
    candidates = ("clang++", "g++") if sys.platform == "darwin" else ("g++", "clang++")
    for compiler in candidates:
        path = shutil.which(compiler)
        # macOS has a clang++ that only offers to install the real one.
        if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            break
    else:
        raise SetupError(
            f"no C++ compiler found (looked for {' and '.join(candidates)}): Theano compiles "
            f"the net with one. {_how_to_install('compiler')}"
        )
    header = Path(sysconfig.get_paths()["include"], "Python.h")
    if not header.exists():
        raise SetupError(
            f"Python's C headers are not installed ({header} is missing): Theano compiles the "
            f"net against them. {_how_to_install('headers')}"
        )
    return compiler


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
