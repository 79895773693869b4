"""Run the tests that mutate files, with new random mutations each time, until the time is up.

    python -m tests.fuzz [--minutes 60] [--kills]

`make test` runs the same tests with a hundred examples each. With --kills also thousands of
SIGKILLs (tests/theano_today/training/checkpoints/kills.py). Stops at the first failure; Hypothesis
prints the shortest example that shows it, which then becomes a test.
"""

import argparse
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = (
    "tests/test_load.py::test_any_bytes_give_an_error_or_the_tutorials_result",
    "tests/theano_today/training/test_generations.py",
    "tests/theano_today/training/test_safetensors.py::TestWritten::test_anything",
    "tests/theano_today/training/test_plain.py::test_values",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--kills", action="store_true", help="kill runs instead")
    options = parser.parse_args()
    end, rounds = time.monotonic() + 60 * options.minutes, 0
    while time.monotonic() < end:
        seed = secrets.randbelow(2**32)
        with tempfile.TemporaryDirectory() as folder:
            kills = [
                "tests.theano_today.training.checkpoints.kills",
                f"{folder}/kills",
                f"--seed={seed}",
            ]
            mutations = ["pytest", "--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}", *TESTS]
            command = [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                *(kills if options.kills else mutations),
            ]
            failed = subprocess.run(command, cwd=ROOT).returncode
        rounds += 1
        if failed:
            print(f"failed in round {rounds}, seed {seed}")
            return 1
    print(f"{rounds} rounds without a failure")
    return 0


if __name__ == "__main__":
    sys.exit(main())
