"""The settings that Theano starts with, and the folder it compiles into.

Theano reads THEANO_FLAGS once, when it is first imported; ours are merged in just before.
A flag that the user set in THEANO_FLAGS always wins. ~/.theanorc does not win over the few
below: those files are from the days of device=gpu and a system BLAS.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from theano_today import hooks
from theano_today.engine import library
from theano_today.errors import SetupError
from theano_today.setup import device
from theano_today.setup.compiler import find_compiler
from theano_today.setup.theano_flags import parse, unparse

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
    # A name that the next run finds again, but never a folder that another user filled:
    # Theano loads what is in it as machine code.
    folder = Path(tempfile.gettempdir(), f"theano-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077 or not folder.is_dir():
            return Path(tempfile.mkdtemp(prefix="theano-"))
    return folder
