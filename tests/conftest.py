"""Settings of the whole test run."""

import signal

import pytest
from hypothesis import settings

# A shell's background jobs and nohup ignore Ctrl-C, and their children inherit that; here
# it is part of what is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadlines: the machine may be busy with something else. The second is for tests/fuzz.py.
settings.register_profile("calm", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=3000)
settings.load_profile("calm")

# Known to fail today, each an open end of the CPU engine (or, the last, of resuming on it), to
# be mended one by one and taken off this list. They are run and reported as xfailed.
OPEN_ENDS = (
    "-nonfinite]",
    "engine/test_library.py::test_a_damaged_file[cut off]",
    "engine/test_library.py::test_a_process_that_computes_nothing_leaves_nothing_half_done",
    "engine/test_library.py::test_children_forked_while_it_is_being_compiled",
    "training/test_checkpoint.py::TestGoingOn::test_more_epochs_than_were_asked_for_then",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if any(known in item.nodeid for known in OPEN_ENDS):
            item.add_marker(pytest.mark.xfail(reason="an open end, see tests/conftest.py"))
