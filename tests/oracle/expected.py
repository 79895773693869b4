"""What was recorded, one case a line (zcat shows it): python expected.py FOLDER writes it afresh.

FOLDER holds PROGRAM.json in float32-python, float32-c and, for FLOAT64 and DEBUG, in
float64-python and float32-debug. Most records are the same in all of them:
expected/PROGRAM.json.gz has each case of float32-python, and of the others what differs as "name
@float64" (floatX=float64), "name @c" (Theano's C code) and "name @debug" (DebugMode).
"""

import gzip
import json
import sys
from pathlib import Path

import records

HERE = Path(__file__).resolve().parent / "expected"
KINDS = [("float32", "python"), ("float32", "c"), ("float64", "python"), ("float32", "debug")]
# floatX counts in these.
FLOAT64 = ["constants", "elementwise", "indexing", "randoms", "reductions", "types", "whole"]
DEBUG = ["loops"]
SUFFIXES = {
    ("float32", "python"): [""],
    ("float32", "c"): [" @c", ""],
    ("float64", "python"): [" @float64", ""],
    ("float32", "debug"): [" @debug", ""],
}


def read(program, folder=None):
    """The records of a program: what was recorded, or what `record.py` wrote into `folder`."""
    if folder is None:
        return json.loads(gzip.decompress((HERE / (program + ".json.gz")).read_bytes()))
    return json.loads((Path(folder) / (program + ".json")).read_text())


def lookup(recorded, name, float_, way):
    """The record of the case `name` for floatX=`float_` and `way`, or None."""
    for suffix in SUFFIXES[float_, way]:
        if name + suffix in recorded:
            return recorded[name + suffix]
    return None


def main(folder):
    for file in sorted((Path(folder) / "float32-python").iterdir()):
        program = file.stem
        kept = read(program, file.parent)
        used = kept.pop("used")
        for kind in KINDS[1:]:
            if kind[0] == "float64" and program not in FLOAT64:
                continue
            if kind[1] == "debug" and program not in DEBUG:
                continue
            others = read(program, Path(folder) / "{}-{}".format(*kind))
            used = sorted(set(used) | set(others.pop("used")))
            for name, record in others.items():
                known = lookup(kept, name, *kind)
                if known is None or records.difference(record, known):
                    kept[name + SUFFIXES[kind][0]] = record
        kept = {name: kept[name] for name in sorted(kept)}
        kept["used"] = used
        # Without a time in it: the same records are the same bytes.
        packed = gzip.compress(records.lines(kept).encode(), mtime=0)
        (HERE / (program + ".json.gz")).write_bytes(packed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
