"""Python processes of their own, for what happens once per process: imports, hooks, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def fresh_python(*arguments, cwd=ROOT, timeout=300, **environment):
    """Run ``python *arguments`` and return its CompletedProcess, output as text.

    The repository is importable. An environment variable set to None is removed.
    """
    more = [environment.pop("PYTHONPATH", None), str(ROOT), os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(str(folder) for folder in more if folder)
    variables = os.environ | {"PYTHONPATH": path} | environment
    # What this process' own import of theano left there is not for the child.
    if "THEANO_FLAGS" not in environment:
        variables["THEANO_FLAGS"] = None
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={name: str(value) for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def says(code, **environment):
    """Run ``python -c code``, which must succeed, and return what it printed."""
    done = fresh_python("-c", code, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
