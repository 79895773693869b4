"""Fused pooling stages, repeated sums, and the kernels' C++, run by the host's compiler."""

from tests.theano_today.torch_link.compare import FAST_RUN, TORCH, agree, torch  # isort: skip  (skips)

import shutil
import subprocess

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import conv2d
from theano.tensor.signal.pool import pool_2d

from theano_today.torch_link import pooling
from theano_today.torch_link.dispatch import fused
from theano_today.torch_link.dispatch.pool import Windows
from theano_today.torch_link.target import Target

RS = np.random.RandomState(0)
# Whole numbers, with ties and zeros at the rectifier's kink: everything is exact.
X = RS.randint(-2, 3, (2, 2, 9, 7)).astype(np.float32)
W = RS.randint(-1, 2, (3, 2, 2, 2)).astype(np.float32)
B = np.float32([-1, 0, 2])


def net(window=(2, 2), ignore_border=True):
    x, w, b = T.tensor4("x"), T.tensor4("w"), T.vector("b")
    z = conv2d(x, w) + b.dimshuffle("x", 0, "x", "x")
    rectified = 0.5 * (z + abs(z))
    pooled = pool_2d(rectified, window, ignore_border)
    cost = T.sum(pooled * T.cast(T.arange(pooled.size).reshape(pooled.shape) % 5 - 2, "float32"))
    return (x, w, b), rectified, pooled, theano.grad(cost, [x, w, b])


def ops(function):
    return [step.node.op for step in function.fn.lowered.steps]


@pytest.mark.parametrize("window", [(2, 2), (1, 2), (3, 2), (4, 3)])
@pytest.mark.parametrize("ignore_border", [True, False])
def test_a_stage_is_what_its_parts_are(window, ignore_border):
    inputs, _, pooled, gradients = net(window, ignore_border)
    agree(list(inputs), [pooled, *gradients], X, W, B, stock=FAST_RUN)


def fused_ops(function):
    kinds = (pooling.PooledElemwise, pooling.ElemwiseOfPoolGradient)
    fgraph = function.maker.fgraph
    return [
        n.op
        for n in pooling.find(fgraph.toposort(), fgraph.outputs, TORCH.linker.target)
        if type(n.op) in kinds
    ]


def test_which_graphs_are_fused():
    inputs, rectified, pooled, gradients = net()
    train = theano.function(inputs, [pooled, *gradients], mode=TORCH)
    assert [type(op) for op in fused_ops(train)] == [
        pooling.PooledElemwise, pooling.ElemwiseOfPoolGradient,
    ]  # fmt: skip
    predict = theano.function(inputs, pooled, mode=TORCH)
    assert [type(op) for op in fused_ops(predict)] == [pooling.PooledElemwise]
    # The sum with the bias is inside of the kernels, at both places.
    assert not any(str(op) == "Elemwise{add,no_inplace}" for op in ops(train))
    # Somebody looks at what is pooled: nothing is fused.
    watched = theano.function(inputs, [pooled, rectified, *gradients], mode=TORCH)
    assert fused_ops(watched) == []
    np.testing.assert_array_equal(watched(X, W, B)[0], predict(X, W, B))


def test_a_second_gradient_is_not_fused_wrongly():
    """Two nodes read the gradient of the pooling."""
    inputs, rectified, pooled, _ = net()
    through = theano.grad(pooled.sum(), rectified)
    z = inputs[0]
    outputs = [through * rectified, through + 1, theano.grad(pooled.sum(), z)]
    agree(list(inputs), outputs, X, W, B, stock=FAST_RUN)


def test_an_op_that_torch_lacks_before_a_pool():
    x = T.tensor4("x")
    pooled = pool_2d(T.erfcx(x), (2, 2), True)
    function = theano.function([x], pooled, mode=TORCH)
    stock = theano.function([x], pooled, mode=FAST_RUN)
    np.testing.assert_allclose(function(X), stock(X), rtol=1e-6)


def test_an_error_names_the_node_of_the_graph():
    inputs, _, pooled, _ = net()
    function = theano.function(inputs, pooled, mode=TORCH)
    with pytest.raises(ValueError, match="Apply node that caused the error: Pool"):
        function(X, W, np.float32([1, 2]))


# -- the kernels' C++, compiled for the host ----------------------------------------------

HARNESS = """
#include <cmath>
using namespace std;
static inline float __fadd_rn(float a, float b) {{ return a + b; }}
static inline float __fsub_rn(float a, float b) {{ return a - b; }}
static inline float __fmul_rn(float a, float b) {{ return a * b; }}
{code}
extern "C" void run(long n, float* out, const float** x) {{
    for (long i = 0; i < n; ++i) out[i] = {name}<float>({arguments});
}}
"""


def run_kernel(kernel, tensors, numbers, tmp_path):
    """What the jiterator does on a GPU: one call per element of the broadcast tensors."""
    import ctypes

    compiler = shutil.which("g++") or shutil.which("clang++")
    source, library = tmp_path / "kernel.cpp", tmp_path / f"{kernel.name}.so"
    arguments = [f"x[{i}][i]" for i in range(len(tensors))]
    arguments += [f"{float(number)!r}f" for number in numbers]
    source.write_text(
        HARNESS.format(code=kernel.code, name=kernel.name, arguments=", ".join(arguments))
    )
    flags = ["-O1", "-ffp-contract=off", "-shared", "-fPIC", "-Wall", "-Werror",
             "-Wno-unused-function"]  # fmt: skip
    subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
    arrays = [a.contiguous().numpy() for a in torch.broadcast_tensors(*tensors)]
    out = np.empty_like(arrays[0])
    pointers = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
    ctypes.CDLL(str(library)).run(
        ctypes.c_long(out.size), out.ctypes.data_as(ctypes.c_void_p), pointers
    )
    return torch.from_numpy(out)


EXPRESSIONS = {
    "rectify": lambda x, y: T.nnet.relu(x + y),
    "its gradient": lambda x, y: theano.grad(T.sum(T.nnet.relu(x) * y), x),
    "leaky": lambda x, y: T.nnet.relu(x, 0.1) * y,
    "elu": lambda x, y: T.switch(x > 0, x, T.exp(x) - 1) + y,
    "sigmoid and tanh": lambda x, y: T.nnet.sigmoid(x) * T.tanh(y) - x,
    "powers": lambda x, y: T.sqrt(abs(x)) + abs(y) ** 1.5 + T.sqr(x) / (abs(y) + 1),
    "extremes": lambda x, y: T.maximum(x, y) - 2 * T.minimum(x, y) + T.clip(x, -1, y),
    "logarithms": lambda x, y: T.log(abs(x) + 1) + T.log1p(abs(y)) - T.inv(abs(x) + 2),
    "conditions": lambda x, y: T.switch(T.le(x, y), -x, y) + T.switch(T.eq(x, y), 1.0, x),
    "signs": lambda x, y: T.sgn(x) * y + T.exp(-abs(y)),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_elementwise_kernels(name, tmp_path):
    x, y = T.matrix("x"), T.matrix("y")
    function = theano.function([x, y], EXPRESSIONS[name](x, y), mode=TORCH)
    nodes = [step.node for step in function.fn.lowered.steps]
    (node,) = [
        n for n in nodes if type(getattr(n.op, "scalar_op", None)) is theano.scalar.Composite
    ]
    assert len(nodes) == 1, "Theano did not fuse all of it"
    values = np.float32([-np.inf, -2.5, -1, -0.5, -0.0, 0.0, 0.5, 1, 2.5, np.nan, np.inf])
    a, b = np.meshgrid(values, values)
    expected = function(a, b)
    constants = {
        i: v.data.item()
        for i, v in enumerate(node.inputs)
        if v.owner is None and hasattr(v, "data")
    }
    kernel = fused.elementwise(node.op.scalar_op, node, tuple(constants))
    given = {
        v: torch.from_numpy(value)
        for v, value in zip(function.maker.fgraph.inputs, (a, b), strict=True)
    }
    # CUDA's compiler would make one rounding of it and a sum, in one kernel and not in another.
    assert " * " not in kernel.code
    tensors = [given[v] for i, v in enumerate(node.inputs) if i not in constants]
    found = run_kernel(kernel, tensors, constants.values(), tmp_path)
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-6, atol=1e-7)


def test_the_jiterator_reads_what_is_written():
    from torch.cuda.jiterator import _CodeParser

    x, y = T.matrix("x"), T.matrix("y")
    function = theano.function([x, y], EXPRESSIONS["elu"](x, y), mode=TORCH)
    (step,) = function.fn.lowered.steps
    kernel = fused.elementwise(step.node.op.scalar_op, step.node)
    parsed = _CodeParser(kernel.code)
    assert parsed.function_name == kernel.name
    assert parsed.template_params == "<typename T>"


def test_what_is_not_written():
    x, i = T.matrix("x"), T.imatrix("i")
    for expression in (T.erf(x) + 1, T.cast(i, "float32") * x + 2):
        function = theano.function([x, i], expression, mode=TORCH, on_unused_input="ignore")
        step = function.fn.lowered.steps[-1]
        with pytest.raises(fused.NotWritten):
            fused.elementwise(step.node.op.scalar_op, step.node)


class TestStageKernels:
    """The parts of a stage, by torch, against the stage's kernel, by the host's compiler."""

    @pytest.fixture
    def stage(self):
        inputs, _, pooled, gradients = net()
        function = theano.function(inputs, [pooled, *gradients], mode=TORCH)
        return fused_ops(function)

    def windows(self, op, shape):
        return Windows.of(op, shape, (2, 2), (2, 2), (0, 0))

    def values(self, op):
        """z with ties and zeros, the bias, and the constant 0.5."""
        z = torch.from_numpy(RS.randint(-2, 3, (2, 3, 8, 6)).astype(np.float32))
        b = torch.from_numpy(B.reshape(1, 3, 1, 1))
        return [
            0.5 if hasattr(v, "data") else b if v.broadcastable[3] else z
            for v in op.elemwise.inputs
        ]

    def test_pooling(self, stage, tmp_path):
        op = stage[0]
        inputs = self.values(op)
        windows = self.windows(op.pool.op, (8, 6))
        full = [i for i, v in enumerate(op.elemwise.inputs) if not v.broadcastable[3]]
        placed = pooling.places(inputs, windows, full)
        numbers = tuple(i for i, x in enumerate(placed) if not isinstance(x, torch.Tensor))
        kernel = pooling.write_pool(op, (2, 2), full, numbers)
        tensors = [x for x in placed if isinstance(x, torch.Tensor)]
        found = run_kernel(kernel, tensors, [0.5], tmp_path)
        by_parts = pooling.pooled_elemwise(op, op.pool, Target(torch.device("cpu")))
        expected = by_parts(*inputs, (2, 2), (2, 2), (0, 0))
        np.testing.assert_array_equal(found, expected)

    def test_gradient(self, stage, tmp_path):
        forward, op = stage
        pooled = self.values(op)
        windows = self.windows(op.gradient.op, (8, 6))
        by_parts = pooling.pooled_elemwise(forward, forward.pool, Target(torch.device("cpu")))
        maximum = by_parts(*pooled, (2, 2), (2, 2), (0, 0))
        given = torch.arange(maximum.numel()).reshape(maximum.shape).float()
        named = dict(zip(op.elemwise.inputs, pooled, strict=True))
        rest = [v for i, v in enumerate(op.outer.inputs) if i != op.place]
        arguments = [*pooled, maximum, given, *(named[v] for v in rest)]
        distinct = pooling._distinct(op)
        count = len(pooled)
        cut = [
            arguments[i][:, :, :, None, :, None] if i in (count, count + 1)
            else pooling.tiles(arguments[i], windows)
            for i in distinct
        ]  # fmt: skip
        numbers = tuple(i for i, x in enumerate(cut) if not isinstance(x, torch.Tensor))
        kernel = pooling.write_gradient(op, numbers)
        tensors = [x for x in cut if isinstance(x, torch.Tensor)]
        found = run_kernel(kernel, tensors, [0.5] * len(numbers), tmp_path)
        found = found.flatten(4, 5).flatten(2, 3)
        function = pooling.elemwise_of_pool_gradient(op, op.outer, Target(torch.device("cpu")))
        expected, summed = function(*arguments, (2, 2), (2, 2), (0, 0))
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(summed, expected.sum((0, 2, 3)))
        assert (found != 0).float().mean() > 0.1
