"""Run programs of this folder and write what they give.

    python record.py WAY FOLDER [--share N] [PROGRAM ...]

WAY is "python" (mode FAST_COMPILE: the Ops' own Python code), "c" (Theano's default mode, for some
of the cases) or "debug" (DebugMode, for the loops). Writes FOLDER/PROGRAM.json for each. With
--share only one case in N runs.
Runs here and on the stack of 2020 (see `.ci/oracle`).
"""

import argparse
import importlib
import sys
import time
import zlib
from pathlib import Path

try:
    import theano_today  # noqa: F401  (the stack of 2020 goes without)
except ImportError:
    import names_of_2015  # noqa: F401

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import cases
from records import lines

PROGRAMS = sorted(file.stem for file in (HERE / "programs").glob("[!_]*.py"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=["python", "c", "debug"])
    parser.add_argument("folder")
    parser.add_argument("programs", nargs="*")
    parser.add_argument("--share", type=int, default=1)
    options = parser.parse_args()
    cases.quiet()
    for name in options.programs or PROGRAMS:
        begin = time.time()
        program = importlib.import_module("programs." + name)
        chosen = [c for c in program.cases() if options.way in c.ways]
        # By name, so that a new case does not change which others run.
        chosen = [c for c in chosen if zlib.crc32(c.name.encode()) % options.share == 0]
        records = cases.run(chosen, options.way)
        records["used"] = sorted(cases.used)
        cases.used.clear()
        (Path(options.folder) / (name + ".json")).write_text(lines(records))
        print("%-15s %5d cases %6.1f s" % (name, len(chosen), time.time() - begin), flush=True)


if __name__ == "__main__":
    main()
