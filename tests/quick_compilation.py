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
import shutil
import subprocess
import sys
import tempfile
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
import sys, subprocess, theano_today, theano
from theano.gof import cmodule
from theano_today.engine import library
arguments = [
    theano.config.cxx, "-shared", "-g", "-O3", "-fno-math-errno",
    *cmodule.GCC_compiler.compile_args(),
    *("-I" + folder for folder in cmodule.std_include_dirs()),
    "-fvisibility=hidden", "-x", "c++-header", sys.argv[1], "-o", sys.argv[1] + ".gch",
]
subprocess.run(arguments, check=True)
library.kernels()
"""


def set_up() -> Path | None:
    """Set THEANORC for this process and those that it starts.

    Returns
    -------
    Path or None
        The folder to remove at the end. None: some process above did all this, nobody asked for
        it, or it does not work here, and modules are compiled as ever.
    """
    if os.environ.get("TESTS_COMPILE_QUICKLY") != "1" or "THEANORC" in os.environ:
        return None
    folder = Path(tempfile.mkdtemp(prefix="theano-headers-"))
    header, settings = folder / "all.h", folder / "theanorc"
    header.write_text(HEADERS)
    settings.write_text(f"[gcc]\ncxxflags = -O0 -g0 -include {header}\n")
    try:
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
        shutil.rmtree(folder)
        return None
    os.environ["THEANORC"] = str(settings)
    return folder
