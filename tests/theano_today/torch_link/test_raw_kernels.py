"""The CUDA C++ of window kernels and sums, compiled by the host's compiler, against torch's ops."""

from tests.theano_today.torch_link.compare import TORCH, torch  # isort: skip  (skips)

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.theano_today.torch_link.test_pooling import RS, B, fused_ops, net
from theano_today.torch_link import pooling, raw_kernels
from theano_today.torch_link.dispatch import conv, fused
from theano_today.torch_link.dispatch.pool import Windows
from theano_today.torch_link.target import Target

# One thread of one block, or a few one after another.
SHIM = """
#include <cmath>
#include <cstring>
using namespace std;
#define __global__
#define __device__
struct Index { int x; };
static Index blockIdx, threadIdx, blockDim, gridDim;
struct float2 { float x, y; };
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline unsigned __float_as_uint(float a) { unsigned u; memcpy(&u, &a, 4); return u; }
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
                 "-Werror", "-Wno-unused-function", "-Wno-unknown-pragmas"]  # fmt: skip
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


@pytest.fixture(params=[(2, 2), (1, 2), (3, 2), (2, 3), (4, 3)], ids=str)
def stage(request):
    """Both directions of a stage, and what they are given: ties and kinks are in it."""
    window = request.param
    inputs, _, pooled, gradients = net(window)
    function = theano.function(inputs, [pooled, *gradients], mode=TORCH)
    forward, backward = fused_ops(function)
    rows, columns = 3 * window[0], 4 * window[1]
    full = torch.from_numpy(RS.randint(-2, 3, (22, 3, rows, columns)).astype(np.float32))
    bias = torch.from_numpy(B).view(1, 3, 1, 1)
    pooled = torch.nn.functional.max_pool2d(torch.relu(full + bias), window)
    given = torch.from_numpy(RS.normal(size=tuple(pooled.shape)).astype(np.float32))
    windows = Windows.of(forward.pool.op, (rows, columns), window, window, (0, 0))
    return forward, backward, full, bias, pooled, given, windows


def value_of(v, full, bias):
    if hasattr(v, "data"):
        return float(v.data.item())
    return bias if v.broadcastable[3] else full


def transposed(x):
    """The same values, of which rows lie side by side in memory."""
    return x.transpose(2, 3).contiguous().transpose(2, 3)


def test_a_stage_by_windows(stage, host):
    op, _, full, bias, pooled, _, windows = stage
    launcher = raw_kernels.StageLauncher(
        lambda: fused.elementwise(op.elemwise.op.scalar_op, op.elemwise)
    )
    values = [value_of(v, full, bias) for v in op.elemwise.inputs]
    assert torch.equal(launcher(values, windows), pooled)
    assert len(host) == 1
    full[3, 1, 2, 3] = float("nan")
    assert launcher(values, windows).isnan().sum() == 1
    # Where an input lies otherwise, or there are few images, the caller goes another way.
    assert launcher([transposed(v) if v is full else v for v in values], windows) is None
    assert launcher([v[:9] if v is full else v for v in values], windows) is None


def test_the_gradient_of_a_stage_by_windows(stage, host):
    """Each pixel that equals the maximum gets all of the gradient; the sums are exact."""
    _, op, full, bias, pooled, given, windows = stage
    count, distinct = len(op.elemwise.inputs), pooling._distinct(op)
    values = [value_of(v, full, bias) for v in pooling._variables(op)]
    values[count : count + 2] = pooled, given
    small = [distinct.index(count), distinct.index(count + 1)]
    z, window = full + bias, windows.window
    slope = torch.where(z > 0, 1.0, torch.where(z < 0, 0.0, 0.5))
    spread = [t.repeat_interleave(window[0], 2).repeat_interleave(window[1], 3)
              for t in (pooled, given)]  # fmt: skip
    expected = torch.where(torch.relu(z) == spread[0], spread[1], 0.0) * slope

    assert op.summed is not None
    for summed in (False, True):
        launcher = raw_kernels.StageLauncher(lambda: pooling.write_gradient(op), small, summed)
        found = launcher([values[i] for i in distinct], windows)
        if summed:
            found, sums = found
            np.testing.assert_allclose(sums, expected.double().sum((0, 2, 3)), rtol=1e-13)
        assert torch.equal(found, expected)
    assert len(host) == 2
    values[count] = transposed(pooled)
    assert launcher([values[i] for i in distinct], windows) is None


class CudaOnTheHost(Target):
    """The target's rules are CUDA's, its tensors the host's."""

    is_cuda = True


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("border", ["valid", "full", "half", 1, (0, 2), ((0, 1), (2, 0))])
@pytest.mark.parametrize("size", [(1, 3, 3), (2, 2, 4), (3, 2, 2), (5, 3, 1), (4, 1, 1)])
def test_a_convolution_and_its_gradients(size, border, flip, host):
    """By products of patches, by the kernel for few filters, or by cuDNN: as torch's own."""
    channels, h, w = size
    x = torch.from_numpy(RS.normal(size=(20, channels, 31, 27)).astype(np.float32))
    filters = torch.from_numpy(RS.normal(size=(6, channels, h, w)).astype(np.float32))
    vx, vw = T.tensor4(), T.tensor4()
    y = T.nnet.conv2d(vx, vw, border_mode=border, filter_flip=flip)
    gradients = theano.grad(T.sqr(y).sum(), [vw, vx])
    function = theano.function([vx, vw], [y, *gradients], mode=TORCH)
    nodes = {type(n.op).__name__: n for n in function.maker.fgraph.toposort()}
    g = torch.from_numpy(RS.normal(size=function(x.numpy(), filters.numpy())[0].shape))
    g = g.to(torch.float32)
    cpu = Target(torch.device("cpu"))
    for name, rule, given in (
        ("AbstractConv2d", conv.convolution, (x, filters)),
        ("AbstractConv2d_gradWeights", conv.gradient_of_filters, (x, g, (h, w))),
        ("AbstractConv2d_gradInputs", conv.gradient_of_input, (filters, g, (31, 27))),
    ):
        node = nodes[name]
        expected = rule(node.op, node, cpu)(*given)
        for precision, tolerance in (("float32", 1e-4), ("tf32", 1e-4), ("bf16", 0.03)):
            target = CudaOnTheHost(torch.device("cpu"), precision)
            found = rule(node.op, node, target)(*given)
            assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
            scale = float(expected.abs().max())
            torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance * scale)
    used = set(host)
    if h * w == 1:
        assert not used
    else:
        assert used >= {"today_patches", "today_patches_bf16", "today_spread"}
        few = channels * h * w <= raw_kernels.MOST_TAPS
        assert any(name.startswith("today_filters") for name in used) == few


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
def forgotten(monkeypatch):
    """A kernel remembers who compiled it."""
    kernel = raw_kernels.RawKernel("today_partial_sums", raw_kernels._SUM_CODE)
    monkeypatch.setattr(raw_kernels, "partial_sums", kernel)
    monkeypatch.setattr(raw_kernels, "_filter_kernels", {})
    again = {d: raw_kernels.RawKernel(k.name, k.code)
             for d, k in raw_kernels.patches_kernels.items()}  # fmt: skip
    monkeypatch.setattr(raw_kernels, "patches_kernels", again)
    spread = raw_kernels.RawKernel("today_spread", raw_kernels._SPREAD)
    monkeypatch.setattr(raw_kernels, "spread_kernel", spread)


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
