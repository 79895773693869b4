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
    "engine/kernels/test_kernels.py::test_against_loops[native-forks]",
    "-nonfinite]",
    "engine/test_elemwise.py::test_shapes_and_strides[shapes0]",
    "engine/test_elemwise.py::test_each_operation",
    "engine/test_library.py::test_a_compiler_that_cannot",
    "engine/test_library.py::test_a_compiler_that_dies",
    "engine/test_library.py::test_a_damaged_file[cut off]",
    "engine/test_library.py::test_a_process_that_computes_nothing_leaves_nothing_half_done",
    "engine/test_library.py::test_children_forked_while_it_is_being_compiled",
    "engine/test_library.py::TestMemory::test_a_kernel_that_runs_out_of_it",
    "engine/test_products.py::test_float64_stays_exact",
    "engine/test_products.py::test_shapes_that_do_not_fit_in_a_graph",
    "engine/test_whole_net.py::test_batches_of_other_sizes",
    "engine/test_whole_net.py::test_images_in_other_strides",
    "engine/test_whole_net.py::test_joblib",
    "training/test_checkpoint.py::TestGoingOn::test_more_epochs_than_were_asked_for_then",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if any(known in item.nodeid for known in OPEN_ENDS):
            item.add_marker(pytest.mark.xfail(reason="an open end, see tests/conftest.py"))
