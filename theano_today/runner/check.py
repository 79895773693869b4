"""``python -m theano_today --check``: what this machine has, and how to mend what is missing.

With a program: what the graphs that it compiles run on.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theano_today.errors import UserError
from theano_today.setup import compiler, packages

_SETUP = "python -m theano_today setup"
_OURS = ("numpy", "scipy", "scikit-learn", "setuptools", "rich", "six", "tabulate")
_USEFUL = ("pandas", "matplotlib", "torch")


@dataclass(frozen=True)
class Line:
    """A line of the list: what was looked for, what was found, how to mend it if need be."""

    name: str
    found: str
    mend: str | None = None


def main() -> int:
    """Print the list; returns 0, or 2 if something is missing that programs need."""
    missing = False
    for look in (_python, _packages, _others, _compiler, _headers, _theano):
        for line in look():
            mark = "  " if line.mend is None else "! "
            print(f"{mark}{line.name:<18} {line.found}")
            if line.mend is not None:
                missing = True
                print(f"  {'':<18} {line.mend}")
    return 2 if missing else 0


def _python() -> list[Line]:
    mend = None if sys.version_info >= (3, 11) else "3.11 to 3.15 are supported: install one"
    return [
        Line("Python", f"{platform.python_version()} ({sys.executable})", mend),
        Line("machine", f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"),
    ]


def _packages() -> list[Line]:
    lines = []
    for name, wanted in (packages.PACKAGES | packages.TRANSLATORS).items():
        found = _version(name)
        optional = name in packages.TRANSLATORS
        if found is None:
            why = " (needed for Python 2 programs)" if optional else ""
            lines.append(Line(name, f"not installed{why}", f"Run: {_SETUP}"))
        elif found != wanted and not optional:
            lines.append(Line(name, f"{found}; programs here run on {wanted}", f"Run: {_SETUP}"))
        else:
            lines.append(Line(name, found))
    return lines


def _others() -> list[Line]:
    lines = []
    for name in _OURS:
        found = _version(name)
        mend = None if found else f"Run: python -m pip install {name}"
        lines.append(Line(name, found or "not installed", mend))
    lines += [Line(name, _version(name) or "not installed (optional)") for name in _USEFUL]
    return lines


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _compiler() -> list[Line]:
    from theano_today.setup.theano_flags import given

    if given().get("cxx") == "":
        return [Line("C++ compiler", "none: THEANO_FLAGS says cxx= (several times slower)")]
    return _or_why("C++ compiler", lambda: compiler.find_compiler(given().get("cxx")))


def _headers() -> list[Line]:
    header = Path(sysconfig.get_paths()["include"], "Python.h")
    return [Line("Python's headers", str(header))] if header.exists() else []


def _or_why(name: str, function: Callable[[], str]) -> list[Line]:
    try:
        return [Line(name, function())]
    except UserError as error:
        first, _, mend = str(error).partition(". ")
        return [Line(name, first, mend or "see above")]


def _theano() -> list[Line]:
    """Return what only Theano itself can tell: it is imported, and the kernels compiled."""
    if _version("Theano") is None or _version("numpy") is None:
        return [Line("device", "unknown, until Theano is installed")]
    try:
        import theano
    except UserError as error:
        return [Line("Theano", f"cannot be imported: {error}", "see above")]
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".split("\n")[0]
        return [Line("Theano", f"cannot be imported: {reason}", f"Run: {_SETUP}")]
    from theano_today.engine import library
    from theano_today.setup import device

    used = device.in_use()
    where = used or ("cpu" if not device.cuda_is_there() else "cpu; a GPU is there: device=cuda")
    kernels = library.kernels() if theano.config.cxx else None
    lines = [
        Line("device", where),
        Line("floatX", f"{theano.config.floatX} (THEANO_FLAGS=floatX=float64 for the other)"),
        Line("BLAS", _blas(theano)),
        Line("compile directory", str(theano.config.compiledir)),
    ]
    if kernels is None:
        lines.append(Line("engine", "off: Theano's own operations run, several times slower"))
    else:
        lines.append(
            Line("engine", f"vectors of {library.lanes()} floats, {library.threads()} threads")
        )
    return lines


def _blas(theano) -> str:
    import numpy

    if theano.config.blas.ldflags:
        return f"{theano.config.blas.ldflags} (THEANO_FLAGS blas.ldflags)"
    shown: Any = numpy.show_config(mode="dicts") or {}
    blas = shown.get("Build Dependencies", {}).get("blas", {})
    return f"NumPy's own: {blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip()
