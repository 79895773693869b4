"""The first stage as one kernel each way, compiled for the host, against the ops one by one."""

from tests.theano_today.torch_link.compare import TORCH, torch  # isort: skip  (skips)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import conv2d
from theano.tensor.signal.pool import pool_2d

from tests.theano_today.torch_link.test_raw_kernels import CudaOnTheHost, host  # noqa: F401
from theano_today.torch_link.lowering import lower

RS = np.random.RandomState(0)


def net(shape, filters, window=(2, 2), flip=True, slope=0.0, extra=lambda *v: []):
    """Inputs; maxima and the gradients of filters and bias: whole numbers, ties and kinks."""
    x, w, b = T.tensor4("x"), T.tensor4("w"), T.vector("b")
    z = conv2d(x, w, filter_shape=filters, filter_flip=flip)
    pooled = pool_2d(T.nnet.relu(z + b.dimshuffle("x", 0, "x", "x"), slope), window, True)
    factors = T.cast(T.arange(pooled.size).reshape(pooled.shape) % 5 - 2, "float32")
    cost = T.sum(pooled * factors)
    values = [
        RS.randint(-2, 3, shape).astype(np.float32),
        RS.randint(-1, 2, filters).astype(np.float32),
        RS.randint(-2, 3, filters[0]).astype(np.float32),
    ]
    return [x, w, b], [pooled, *theano.grad(cost, [w, b]), *extra(x, z, cost)], values


def run(inputs, outputs, values, target):
    """The outputs, by the steps for a target; and the types of the Ops that ran."""
    fgraph = theano.function(inputs, outputs, mode=TORCH).maker.fgraph
    lowered = lower(fgraph, fgraph.toposort(), target)
    registers = list(lowered.registers)
    for given, value in zip(lowered.inputs, values, strict=True):
        registers[given.register] = torch.from_numpy(value)
    for step in lowered.steps:
        found = step.function(*[registers[i] for i in step.inputs])
        found = found if len(step.outputs) > 1 else (found,)
        for register, value in zip(step.outputs, found, strict=True):
            registers[register] = value
    return [np.asarray(registers[o.register]) for o in lowered.outputs]


CASES = {
    "net2's": ((5, 1, 14, 12), (16, 1, 3, 3), (2, 2)),
    "colours": ((4, 3, 9, 7), (20, 3, 2, 2), (2, 2)),
    "other windows": ((9, 1, 13, 9), (8, 1, 2, 4), (3, 2)),
    "two channels": ((3, 2, 10, 14), (24, 2, 1, 3), (5, 4)),
}


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_both_kernels(name, flip, host):  # noqa: F811
    inputs, outputs, values = net(*CASES[name], flip=flip)
    expected = theano.function(inputs, outputs, mode=TORCH)(*values)
    found = run(inputs, outputs, values, CudaOnTheHost(torch.device("cpu")))
    kernels = {k for k in host if "first" in k or "back" in k}
    assert len(kernels) == 2, host
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        np.testing.assert_array_equal(ours, theirs)


def test_random_numbers_and_a_leaky_rectifier(host):  # noqa: F811
    inputs, outputs, values = net((8, 1, 32, 30), (12, 1, 3, 3), slope=0.1)
    values = [RS.normal(size=v.shape).astype(np.float32) for v in values]
    expected = theano.function(inputs, outputs, mode=TORCH)(*values)
    found = run(inputs, outputs, values, CudaOnTheHost(torch.device("cpu")))
    assert any("back" in k for k in host)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * abs(theirs).max())


LEFT_ALONE = {
    "the gradient of the input is wanted": {"extra": lambda x, z, cost: [theano.grad(cost, x)]},
    "z is wanted": {"extra": lambda x, z, cost: [z.sum()]},
    "its gradient is wanted": {"extra": lambda x, z, cost: [theano.grad(cost, z)]},
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_is_left_alone(name, host):  # noqa: F811
    inputs, outputs, values = net((5, 1, 14, 12), (16, 1, 3, 3), **LEFT_ALONE[name])
    expected = theano.function(inputs, outputs, mode=TORCH)(*values)
    found = run(inputs, outputs, values, CudaOnTheHost(torch.device("cpu")))
    assert not any("_back_" in k for k in host)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "case",
    [((5, 1, 15, 12), (16, 1, 3, 3), (2, 2)), ((2, 1, 14, 12), (16, 1, 3, 3), (2, 2)),
     ((5, 5, 14, 12), (16, 5, 3, 3), (2, 2))],
    ids=["a row is left over", "few images", "many channels"],
)  # fmt: skip
def test_shapes_that_run_as_parts(case, host):  # noqa: F811
    inputs, outputs, values = net(*case)
    expected = theano.function(inputs, outputs, mode=TORCH)(*values)
    found = run(inputs, outputs, values, CudaOnTheHost(torch.device("cpu")))
    assert not any("_back_" in k for k in host)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
