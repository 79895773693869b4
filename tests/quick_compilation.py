"""Theano's C modules compiled quickly, for `make test` (TESTS_COMPILE_QUICKLY=1).

A cold run compiles about 700 modules, and most of that time is spent on the same headers, debug
information and optimisation. Here

- the headers that the modules share are compiled once (a precompiled header of GCC's),
- modules are compiled by -O0 -g0 in place of -O3 -g.

A module takes 0.2 s of CPU time in place of 1 s. The kernels are compiled before the tests begin,
once for all processes. No test's numbers depend on the flags: without
the variable (`make test-all`, plain pytest) modules are compiled as users' are. The engine's
kernels have flags of their own in either case.

The flags go into a configuration file, to which THEANORC points: the processes that the tests
start inherit it, and THEANO_FLAGS stays free for the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HEADERS = """
#if __has_include(<Python.h>)
#include <Python.h>
#include <iostream>
#include <math.h>
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <vector>
#include <algorithm>
#endif
"""

# In a process of its own: the tests' process sets its flags before it imports Theano.
_PRECOMPILE = """
import os, sys, subprocess, theano_today, theano
from theano.gof import cmodule
from theano_today.engine import library
arguments = [
    theano.config.cxx, "-shared", "-g", "-O3", "-fno-math-errno",
    *cmodule.GCC_compiler.compile_args(),
    *("-I" + folder for folder in cmodule.std_include_dirs()),
    "-fvisibility=hidden", "-x", "c++-header", sys.argv[1], "-o", sys.argv[1] + ".tmp",
]
subprocess.run(arguments, check=True)
os.replace(sys.argv[1] + ".tmp", sys.argv[1] + ".gch")
library.kernels()
"""


def set_up() -> None:
    """Set THEANORC for this process and those that it starts.

    Not where a process above did all this, where nobody asked for it, or where it does not work:
    modules are then compiled as ever. The header's path is part of what tells one compiled module
    from another, so that it stays the same from run to run.
    """
    if os.environ.get("TESTS_COMPILE_QUICKLY") != "1" or "THEANORC" in os.environ:
        return
    folder = Path.home() / ".theano" / "tests-headers"
    header, settings = folder / "all.h", folder / "theanorc"
    if " " in str(header):  # Theano splits the flags at spaces
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        header.write_text(HEADERS)
        settings.write_text(f"[gcc]\ncxxflags = -O0 -g0 -include {header}\n")
        subprocess.run(
            [sys.executable, "-c", _PRECOMPILE, header],
            cwd=Path(__file__).parents[1],
            env=os.environ | {"THEANORC": str(settings)},
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"modules are compiled slowly: {error}\n{getattr(error, 'stderr', '')}")
        return
    os.environ["THEANORC"] = str(settings)
