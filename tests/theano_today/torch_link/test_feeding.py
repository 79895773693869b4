"""How arguments get to the device; on one that is none, see fake_cuda.py."""

from tests.theano_today.torch_link.compare import torch  # isort: skip  (skips)

import numpy as np

from tests.theano_today.torch_link.fake_cuda import TARGET, FakeCuda
from theano_today.torch_link.feeding import Feeder
from theano_today.torch_link.target import Target


def test_copies_wait_for_the_memory_they_land_in():
    """It may have been freed while kernels that use it were still to run."""
    batch = np.ones((4, 3), np.float32)
    with FakeCuda() as cuda, TARGET.current():
        feeder = Feeder(TARGET)
        torch.ones(3, device=TARGET.device) + 1
        queued = cuda.stream.done[cuda.stream]
        feeder(batch)
        (lane,) = feeder.lanes.values()
        assert lane.stream.done.get(cuda.stream, 0) >= queued


def test_any_strides():
    """One element is contiguous in any strides, and torch refuses those below 0."""
    feeder = Feeder(Target(torch.device("cpu")))
    whole = np.arange(12, dtype=np.float32).reshape(3, 4)
    for array in (
        whole[::-1, ::-1],
        whole[:1, :1][::-1],
        whole.T,
        np.broadcast_to(whole[:1], (3, 4)),
    ):
        np.testing.assert_array_equal(feeder(array).numpy(), array)
