"""Settings of the whole test run."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# A shell's background jobs ignore Ctrl-C, nohup a closed terminal, and their children inherit
# that; here it is part of what is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Tests that run side by side (pytest -n) would take turns to compile in one folder.
worker = os.environ.get("PYTEST_XDIST_WORKER")
if worker and "compiledir" not in os.environ.get("THEANO_FLAGS", ""):
    folder = f"base_compiledir={Path.home() / '.theano' / f'tests-{worker}'}"
    os.environ["THEANO_FLAGS"] = ",".join(filter(None, [os.environ.get("THEANO_FLAGS"), folder]))

# No deadlines: the machine may be busy with something else. The second is for tests/fuzz.py.
settings.register_profile("calm", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=3000)
settings.load_profile("calm")


# CI's budget for the long tests: those that have not begun by then are skipped, and say so.
BUDGET = int(os.environ.get("LONG_TESTS_SECONDS", "0"))
BEGUN = time.monotonic()


def pytest_runtest_setup(item):
    over = BUDGET and time.monotonic() - BEGUN > BUDGET
    if over and item.get_closest_marker("long"):
        pytest.skip(f"the {BUDGET} seconds of the long tests are over (LONG_TESTS_SECONDS)")


@pytest.fixture(autouse=True)
def lasagnes_random_numbers():
    """A test that has Lasagne draw from a generator of its own does so for itself alone."""
    yield
    if "lasagne" in sys.modules:
        sys.modules["lasagne"].random.set_rng(np.random)
