"""Settings of the whole test run."""

import gc
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from tests import quick_compilation

# A shell's background jobs ignore Ctrl-C, nohup a closed terminal, and their children inherit
# that; here it is part of what is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Tests that run side by side (pytest -n) would take turns to compile in one folder.
worker = os.environ.get("PYTEST_XDIST_WORKER")
if worker and "compiledir" not in os.environ.get("THEANO_FLAGS", ""):
    folder = Path.home() / ".theano" / f"tests-{worker}"
    flags = [os.environ.get("THEANO_FLAGS"), f"base_compiledir={folder}"]
    os.environ["THEANO_FLAGS"] = ",".join(filter(None, flags))
    folder.mkdir(parents=True, exist_ok=True)
    for kernels in folder.parent.glob("kernels-*.so"):
        if not (folder / kernels.name).exists():
            shutil.copy(kernels, folder)

# Before anything imports Theano, and before xdist starts its workers, which inherit it.
quick_compilation.set_up()


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


@pytest.fixture(scope="module", autouse=True)
def garbage():
    """What a module leaves behind is not searched by each garbage collection of the next.

    Theano's graphs are full of cycles, and Theano itself keeps some for good: thousands of tests
    later a collection would take seconds.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def theano_is_left_as_it_was():
    """A module leaves no optimisation of its own registered, and nothing of Theano's replaced.

    Either would keep other modules' graphs from being kept, in those that the worker runs later.
    """
    yield
    if "theano.compile.mode" in sys.modules and "theano_today" in sys.modules:
        from theano.compile import mode as modes

        from theano_today.kept_graphs import conditions, ours

        mode = modes.get_mode("FAST_RUN")
        conditions.of_optimizer(mode.optimizer, mode.linker, ours.Code())
        assert ours.replaced() is None


@pytest.fixture(autouse=True)
def lasagnes_random_numbers():
    """A test that has Lasagne draw from a generator of its own does so for itself alone."""
    yield
    if "lasagne" in sys.modules:
        sys.modules["lasagne"].random.set_rng(np.random)
