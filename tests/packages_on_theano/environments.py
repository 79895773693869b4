"""Virtual environments in which packages that stood on Theano are installed, with this project.

They are made when a test first asks for them, which downloads some 200 MB, and last as long as the
tests; the environment variable PACKAGES_ON_THEANO names a folder that keeps them.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"

# Each as docs/old_code.md says it; --no-deps, for pip would bring what stands in Theano's place.
PACKAGES = {
    "keras2": [
        "keras==2.3.1",
        "keras-applications==1.0.8",
        "keras-preprocessing==1.1.2",
        "h5py",
        "pyyaml",
    ],
    "keras1": ["keras==1.2.2", "h5py", "pyyaml"],
    "pymc3": [
        "pymc3==3.8",
        "arviz==0.6.1",
        "h5py",
        "patsy",
        "tqdm",
        "xarray",
        "netCDF4",
        "cftime",
        "certifi",
    ],
}


@functools.cache
def _folder() -> Path:
    kept = os.environ.get("PACKAGES_ON_THEANO")
    return Path(kept or tempfile.mkdtemp(prefix="packages-on-theano-")).absolute()


@functools.cache
def environment(name: str) -> Path:
    """Return the Python of an environment that has ``PACKAGES[name]``; skip where pip cannot."""
    if os.environ.get("LONG_TESTS_SECONDS"):
        pytest.skip("takes a quarter of an hour: `make test-all` runs it")
    folder = _folder() / name
    python = folder / "bin" / "python"
    pip = python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"
    if (folder / "complete").exists():
        _run(*pip, "--no-deps", "--force-reinstall", ROOT)  # the project as it is now
        return python
    _run(sys.executable, "-m", "venv", "--clear", folder)
    _run(*pip, "-c", ROOT / "requirements.txt", "pandas", "matplotlib", ROOT)
    _run(python, "-m", "theano_today", "setup")
    _run(*pip, "--no-deps", *PACKAGES[name])
    (folder / "complete").touch()
    return python


def _run(*command) -> None:
    done = subprocess.run(list(map(str, command)), cwd="/", capture_output=True, text=True)
    if done.returncode:
        words = [str(word) for word in command[1:]]
        pytest.skip(f"{' '.join(words)}: {done.stderr.strip().splitlines()[-1:]}")


def run(name: str, program: str, *arguments: str, **variables: str) -> list[str]:
    """Run a program of programs/ by ``python -m theano_today`` and return what it printed."""
    python = environment(name)
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "THEANO_FLAGS")}
    done = subprocess.run(
        [str(python), "-m", "theano_today", str(PROGRAMS / program), *arguments],
        cwd=python.parent,  # neither the project's folder nor one of its own to find
        env=inherited | {"KERAS_BACKEND": "theano"} | variables,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()
