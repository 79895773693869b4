"""How records differ from what was recorded: python compare.py FOLDER FLOATX WAY [--judge].

FOLDER holds what `record.py` wrote with that floatX and that way. Exit code 1 if any case differs
other than those in exempt.py; with --judge, for the stack of 2020 itself, nothing is exempt.
"""

import sys
from pathlib import Path

import exempt
import expected
import records


def differences(folder, float_, way, judge=False):
    """Pairs of "PROGRAM CASE" and what differs; the number of cases compared."""
    found, compared = [], 0
    for file in sorted(Path(folder).glob("*.json")):
        program = file.stem
        recorded = expected.read(program)
        for case, record in expected.read(program, folder).items():
            if case == "used":
                continue
            compared += 1
            theirs = expected.lookup(recorded, case, float_, way)
            said = "not recorded: run .ci/oracle record" if theirs is None else ""
            said = said or records.difference(record, theirs)
            if said and (judge or not exempt.reason(program, case, way)):
                found.append((f"{program} {case}", said))
    return found, compared


def main(folder, float_, way, judge=""):
    found, compared = differences(folder, float_, way, judge == "--judge")
    for case, said in found:
        print(f"{case}: {said[:400]}")
    print("%d cases compared, %d differ" % (compared, len(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
