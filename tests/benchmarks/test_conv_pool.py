"""The arithmetic of conv_pool.py's table; nothing is timed here."""

from benchmarks.common import Spread
from benchmarks.conv_pool import figures
from benchmarks.net2_kernels import Kernel
from benchmarks.peaks import Peaks

PEAKS = Peaks(registers=200e9, sgemm=100e9, memory=10e9)


def test_a_kernel_bound_by_its_arithmetic():
    kernel = Kernel(call=lambda: None, done=1e9, dense=4e9, bytes=1e6)
    row = figures(kernel, PEAKS, {"ms": Spread(20, 19, 22), "oneDNN": Spread(50, 40, 60)})
    assert row == {
        "ms": "20 (19 to 22)", "GFLOPS": "50", "of sgemm": "50%", "dense": "200",
        "ideal": "25%", "oneDNN": "50", "times": "2.5",
    }  # fmt: skip


def test_a_kernel_bound_by_memory_without_pytorch():
    kernel = Kernel(call=lambda: None, done=1e6, dense=1e6, bytes=1e8)
    row = figures(kernel, PEAKS, {"ms": Spread(20, 19, 22)})
    assert row["ideal"] == "50%"
    assert "oneDNN" not in row
