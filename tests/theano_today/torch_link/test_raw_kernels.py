"""The CUDA C++ of window kernels and sums, compiled by the host's compiler, against torch's ops."""

from tests.theano_today.torch_link.compare import TORCH, torch  # isort: skip  (skips)

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest
import theano

from tests.theano_today.torch_link.test_pooling import RS, B, fused_ops, net
from theano_today.torch_link import pooling, raw_kernels
from theano_today.torch_link.dispatch.pool import Windows

# One thread of one block, or a few one after another.
SHIM = """
#include <cmath>
using namespace std;
#define __global__
#define __device__
struct Index { int x; };
static Index blockIdx, threadIdx, blockDim, gridDim;
struct float2 { float x, y; };
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
"""


@pytest.fixture
def host(monkeypatch, tmp_path):
    """Let RawKernels run on the host; the value is the list of those that were compiled."""
    compiled = []

    def compile_kernel(code, name):
        parameters = re.search(r"__global__ void \w+\(([^)]*)\)", code)[1].split(",")
        names = [p.split()[-1].lstrip("*") for p in parameters]
        source, library = tmp_path / f"{name}.cpp", tmp_path / f"{name}.so"
        loops = (
            f'extern "C" void run(int blocks, int threads, {", ".join(parameters)}) {{\n'
            "    gridDim.x = blocks; blockDim.x = threads;\n"
            "    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)\n"
            "        for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x)\n"
            f"            {name}({', '.join(names)});\n}}\n"
        )
        source.write_text(SHIM + code + loops)
        compiler = shutil.which("g++") or shutil.which("clang++")
        flags = ["-O1", "-ffp-contract=off", "-fno-strict-aliasing", "-shared", "-fPIC", "-Wall",
                 "-Werror", "-Wno-unused-function"]  # fmt: skip
        subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
        run = ctypes.CDLL(str(library)).run
        compiled.append(name)

        def launch(grid, block, arguments):
            kinds = {int: ctypes.c_int, float: ctypes.c_double}
            run(
                grid[0],
                block[0],
                *(
                    kinds[type(x)](x) if type(x) in kinds else ctypes.c_void_p(x.data_ptr())
                    for x in arguments
                ),
            )

        return launch

    monkeypatch.setattr(torch.cuda, "_compile_kernel", compile_kernel, raising=False)
    return compiled


@pytest.mark.parametrize("window", [(2, 2), (1, 2), (3, 2), (2, 3), (4, 3)])
def test_the_gradient_of_a_stage_by_windows(window, host):
    """Ties and kinks included: each pixel that equals the maximum gets all of the gradient."""
    inputs, _, pooled, gradients = net(window)
    function = theano.function(inputs, [pooled, *gradients], mode=TORCH)
    (op,) = [o for o in fused_ops(function) if type(o) is pooling.ElemwiseOfPoolGradient]
    variables = pooling._variables(op)
    rows, columns = 3 * window[0], 4 * window[1]
    full = torch.from_numpy(RS.randint(-2, 3, (2, 3, rows, columns)).astype(np.float32))
    bias = torch.from_numpy(B).view(1, 3, 1, 1)
    windows = Windows.of(op.gradient.op, (rows, columns), window, window, (0, 0))
    pooled = torch.nn.functional.max_pool2d(torch.relu(full + bias), window)
    given = torch.from_numpy(RS.normal(size=tuple(pooled.shape)).astype(np.float32))

    count = len(op.elemwise.inputs)
    values, seen = [], {}
    for i, v in enumerate(variables):
        if i in (count, count + 1):
            seen[v] = (pooled, given)[i - count]
        elif hasattr(v, "data"):
            seen.setdefault(v, float(v.data.item()))
        else:
            seen.setdefault(v, full if not v.broadcastable[3] else bias)
        values.append(seen[v])
    distinct = pooling._distinct(op)
    small = [distinct.index(count), distinct.index(count + 1)]
    launcher = raw_kernels.WindowLauncher(lambda: pooling.write_gradient(op), small)
    found = launcher([values[i] for i in distinct], windows)
    assert len(host) == 1
    z = full + bias
    slope = torch.where(z > 0, 1.0, torch.where(z < 0, 0.0, 0.5))
    spread = [t.repeat_interleave(window[0], 2).repeat_interleave(window[1], 3)
              for t in (pooled, given)]  # fmt: skip
    expected = torch.where(torch.relu(z) == spread[0], spread[1], 0.0) * slope
    assert torch.equal(found, expected)
    # Where an input lies otherwise, the caller goes another way.
    shifted = [v.flip(2).flip(2).transpose(2, 3).contiguous().transpose(2, 3)
               if v is full else v for v in values]  # fmt: skip
    assert launcher([shifted[i] for i in distinct], windows) is None


SHAPES = {
    "bias of a convolution": ((5, 7, 60, 60), (0, 2, 3)),
    "everything": ((3, 50, 1001), (0, 1, 2)),
    "a vector": ((100_003,), (0,)),
    "last axis": ((300, 500), (1,)),
    "none in front": ((9, 4, 30, 71), (2, 3)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_sums_in_float64(name, host):
    shape, axes = SHAPES[name]
    x = torch.from_numpy((1e4 + RS.normal(size=shape)).astype(np.float32))
    found = raw_kernels.sum_in_float64(x, axes)
    assert found.dtype == torch.float64
    expected = x.numpy().astype(np.float64).sum(axes)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-14)
    again = raw_kernels.sum_in_float64(x, axes)
    assert torch.equal(found, again)


@pytest.fixture(autouse=True)
def fresh_sums(monkeypatch):
    """A kernel remembers who compiled it."""
    kernel = raw_kernels.RawKernel("today_partial_sums", raw_kernels._SUM_CODE)
    monkeypatch.setattr(raw_kernels, "partial_sums", kernel)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((100, 100), (0, 1)), ((500, 500), (0,)), ((40, 50, 60), (0,)), ((9, 90, 9, 90), (1, 3)),
     ((200, 700, 8), (2,)), ((0, 5), (0, 1))],
)  # fmt: skip
def test_sums_that_are_left_to_torch(shape, axes, host):
    """Small ones, those along the first axis, runs that are short or interrupted, of nothing."""
    assert raw_kernels.sum_in_float64(torch.ones(shape), axes) is None
    assert not host


def test_no_compiler(monkeypatch, caplog):
    """A line in the log, once; the caller does without."""

    def refuse(code, name):
        raise RuntimeError("no NVRTC")

    monkeypatch.setattr(torch.cuda, "_compile_kernel", refuse, raising=False)
    x = torch.ones(100_000)
    assert raw_kernels.sum_in_float64(x, (0,)) is None
    assert raw_kernels.sum_in_float64(x, (0,)) is None
    assert caplog.text.count("no NVRTC") == 1
