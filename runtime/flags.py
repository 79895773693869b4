"""The settings Theano starts with, the compiler it must find, the folder it compiles into.

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
import tempfile
from pathlib import Path

from runtime import device
from runtime.compat import hooks
from runtime.engine import library
from runtime.errors import SetupError

DEFAULTS = {
    "device": "cpu",
    "init_gpu_device": "",
    "contexts": "",
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
    device.install()


def _configure() -> None:
    given = parse(os.environ.get("THEANO_FLAGS", ""))
    flags = DEFAULTS | given
    if "opencl" not in flags["device"]:
        device.from_theano_flags(flags["device"])
        flags["device"] = DEFAULTS["device"]
    for name in ("device", "init_gpu_device", "contexts"):
        if any(word in flags[name] for word in _GPU_WORDS):
            print(
                f"THEANO_FLAGS {name}={flags[name]}: Theano's GPU back end is gone; "
                "running on the CPU",
                file=sys.stderr,
            )
            flags[name] = DEFAULTS[name]
    # An empty cxx is the user's wish for Theano without a compiler.
    if given.get("cxx") != "":
        flags["cxx"] = find_compiler(given.get("cxx"))
    folder = _compile_folder(given)
    if folder is not None:
        flags["base_compiledir"] = str(folder)
    os.environ["THEANO_FLAGS"] = unparse(flags)
    if flags.get("cxx") and flags.get("engine") != "stock":
        base = given.get("base_compiledir") or given.get("compiledir") or folder or "~/.theano"
        library.prepare(flags["cxx"], Path(base).expanduser())


def parse(text: str) -> dict[str, str]:
    """Read THEANO_FLAGS as Theano does: comma-separated ``name=value``, the last one wins.

    Raises
    ------
    SetupError
        If a quote is not closed.
    """
    splitter = shlex.shlex(text, posix=True)
    splitter.whitespace = ","
    splitter.whitespace_split = True
    try:
        pairs = [pair.strip().partition("=") for pair in splitter]
    except ValueError as error:
        raise SetupError(f"THEANO_FLAGS={text}: {str(error).lower()}") from None
    return {name: value for name, equals, value in pairs if equals}


def unparse(flags: dict[str, str]) -> str:
    """Write flags so that Theano reads them back unchanged, commas and quotes included."""
    return ",".join(
        f"{name}={shlex.quote(value) if value else ''}" for name, value in flags.items()
    )


def find_compiler(wanted: str | None = None) -> str:
    """Return the C++ compiler for Theano: `wanted`, or the first of g++ and clang++ that runs.

    Raises
    ------
    SetupError
        If none runs, or Python's headers are missing. Without this check Theano would fall
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


def _compile_folder(given: dict[str, str]) -> Path | None:
    """Return where Theano must put its compiled modules if not into ~/.theano, else None."""
    for name in ("compiledir", "base_compiledir"):
        if name in given:
            if not _writable(Path(given[name]).expanduser()):
                raise SetupError(
                    f"THEANO_FLAGS {name}={given[name]}: this folder cannot be written to; "
                    "Theano needs it for what it compiles"
                )
            return None
    home = os.environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111  (never raises)
    if _writable(Path(home, ".theano")):
        return None
    folder = _private_folder()
    if home == "~":
        os.environ["HOME"] = str(folder)  # Theano asserts that there is one
    print(
        f"{Path(home, '.theano')} cannot be written to; Theano compiles into {folder} "
        "(THEANO_FLAGS=base_compiledir=... names another folder)",
        file=sys.stderr,
    )
    return folder


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not os.access: it knows nothing of read-only file systems when asked by root.
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private_folder() -> Path:
    # A name that the next run finds again, but never a folder that somebody else filled:
    # Theano loads what is in it as machine code.
    folder = Path(tempfile.gettempdir(), f"theano-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077 or not folder.is_dir():
            return Path(tempfile.mkdtemp(prefix="theano-"))
    return folder


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
