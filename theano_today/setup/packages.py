"""``python -m theano_today setup``: put Theano, Lasagne and nolearn into this environment.

They are source packages of 2015 to 2020. Their setup.py files run with a setuptools that still
knows their ways, and with the shim in build_shim/; both are used for the build only and leave
the environment's own setuptools alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from theano_today.errors import SetupError

# As they were released; nothing newer of them ever was but Lasagne's unreleased master.
PACKAGES = {"Theano": "1.0.5", "Lasagne": "0.1", "nolearn": "0.6.1"}
# What translates Python 2 programs, with what it needs itself; these have wheels.
TRANSLATORS = {"fissix": "24.4.24", "appdirs": "1.4.4"}

SHIM = Path(__file__).with_name("build_shim")


def install() -> None:
    """Install what is missing of `PACKAGES` and `TRANSLATORS`, saying each step in a line.

    Raises
    ------
    SetupError
        If pip is not there, or cannot download, build or install one of them.
    """
    missing = {name: v for name, v in PACKAGES.items() if _installed(name) != v}
    for name, version in PACKAGES.items():
        if name not in missing:
            print(f"{name} {version} is installed", flush=True)
    if missing:
        _build(missing)
    needed = [f"{name}=={v}" for name, v in TRANSLATORS.items() if _installed(name) is None]
    if needed:
        print(f"installing {', '.join(needed)}", flush=True)
        _pip("install", ["--no-deps", *needed])


def _build(missing: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="theano-setup-") as folder:
        tools, wheels = Path(folder, "tools"), Path(folder, "wheels")
        print("downloading the setuptools that builds them", flush=True)
        requirements = SHIM / "requirements.txt"
        _pip("install", ["--target", str(tools), "-r", str(requirements)])
        for name, version in missing.items():
            print(f"building {name} {version}", flush=True)
            path = os.pathsep.join([str(SHIM), str(tools)])
            options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels)]
            _pip("wheel", [*options, f"{name}=={version}"], {"PYTHONPATH": path})
        names = ", ".join(f"{name} {version}" for name, version in missing.items())
        print(f"installing {names}", flush=True)
        _pip("install", ["--no-deps", *map(str, sorted(wheels.glob("*.whl")))])


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _pip(
    command: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> None:
    quiet = ["--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", command, *quiet, *arguments],
        env=os.environ | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SetupError(f"pip {command} failed: {_reason(done.stderr or done.stdout)}")


def _reason(output: str) -> str:
    """Return the line of pip's output that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    known = [line for line in lines if "externally-managed-environment" in line]
    if known:
        return "this Python is managed by the system; make an environment first: python -m venv"
    return (errors or lines or ["it said nothing"])[-1]
