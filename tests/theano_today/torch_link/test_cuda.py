"""What only a GPU can show: run there, skipped elsewhere. The rest of the tests run on a CPU."""

from tests.theano_today.torch_link.compare import TORCH, torch  # isort: skip  (skips)

import gc

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers

from tests.theano_today.torch_link import test_scan
from theano_today import torch_link
from theano_today.torch_link.dispatch import fused
from theano_today.torch_link.target import Target

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a GPU that torch can use"
)

RS = np.random.RandomState(0)
X = RS.uniform(size=(16, 1, 32, 32)).astype(np.float32)
Y = RS.uniform(-1, 1, size=(16, 4)).astype(np.float32)


def cuda():
    return torch_link.mode(Target(torch.device("cuda", torch.cuda.current_device())))


def train_function(mode, dropout=False):
    lasagne.random.set_rng(np.random.RandomState(1))
    x, y = T.tensor4(), T.matrix()
    net = layers.InputLayer((None, 1, 32, 32), x)
    for filters in (8, 16):
        net = layers.MaxPool2DLayer(layers.Conv2DLayer(net, filters, (3, 3)), (2, 2))
    if dropout:
        net = layers.DropoutLayer(net, 0.5)
    net = layers.DenseLayer(layers.DenseLayer(net, 20), 4, nonlinearity=None)
    loss = lasagne.objectives.squared_error(layers.get_output(net), y).mean()
    params = layers.get_all_params(net, trainable=True)
    updates = lasagne.updates.nesterov_momentum(loss, params, 0.1, 0.9)
    return theano.function([x, y], loss, updates=updates, mode=mode), params


@pytest.mark.parametrize("dropout", [False, True])
def test_training_is_the_cpus(dropout):
    """On noise, where no ties are; eager, captured and replayed, with two batch sizes."""
    set_up = [train_function(mode, dropout) for mode in (cuda(), TORCH)]
    for rows in (16, 16, 16, 7, 16, 7, 7, 16):
        ours, theirs = (float(step(X[:rows], Y[:rows])) for step, _ in set_up)
        assert ours == pytest.approx(theirs, rel=1e-4)
    for ours, theirs in zip(set_up[0][1], set_up[1][1], strict=True):
        np.testing.assert_allclose(ours.get_value(), theirs.get_value(), atol=1e-5)
    program = set_up[0][0].fn
    assert len(program.recordings) == 2
    assert all(r.graph is not None for r in program.recordings.values()), "nothing was captured"


@pytest.mark.parametrize("layer", [layers.LSTMLayer, layers.GRULayer])
def test_recurrent_nets_train_as_on_the_cpu(layer):
    set_up = [test_scan.training(layer, mode, masked=True) for mode in (cuda(), TORCH)]
    for _ in range(6):
        values = test_scan.SEQUENCES, test_scan.MASK, test_scan.TARGETS
        ours, theirs = (float(step(*values)) for step, _ in set_up)
        assert ours == pytest.approx(theirs, rel=1e-4)
    for ours, theirs in zip(set_up[0][1], set_up[1][1], strict=True):
        np.testing.assert_allclose(ours.get_value(), theirs.get_value(), atol=1e-5)
    (recording,) = set_up[0][0].fn.recordings.values()
    assert recording.graph is not None, "nothing was captured"


def test_every_kernel_was_made():
    step, _ = train_function(cuda())
    for _ in range(3):
        step(X, Y)
    launchers = [
        cell.cell_contents
        for s in step.fn.lowered.steps
        for cell in (getattr(s.function, "__closure__", None) or ())
        if isinstance(cell.cell_contents, fused.Launcher)
    ]
    assert launchers
    assert all(launcher.launch is not None for launcher in launchers if launcher.tried)


def test_ties_and_kinks_are_theanos():
    """Whole numbers: every sum is exact, and a tied maximum gets all of the gradient."""
    x, w = T.tensor4(), T.tensor4()
    z = T.nnet.conv2d(x, w)
    pooled = T.signal.pool.pool_2d(0.5 * (z + abs(z)), (2, 2), True)
    outputs = [pooled, *theano.grad(T.sum(pooled * pooled), [x, w])]
    values = RS.randint(-2, 3, (4, 2, 9, 9)).astype(np.float32)
    filters = RS.randint(-1, 2, (3, 2, 2, 2)).astype(np.float32)
    functions = [theano.function([x, w], outputs, mode=mode) for mode in (cuda(), TORCH)]
    for _ in range(4):
        for ours, theirs in zip(*(f(values, filters) for f in functions), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_both_kernels_of_a_stage_find_the_same_maximum():
    """a * x + b * |x|, which they could round once or twice: each window has one gradient."""
    x = T.tensor4()
    pooled = T.signal.pool.pool_2d(T.nnet.relu(x, 0.3), (2, 2), True)
    gradient = theano.function([x], theano.grad(pooled.sum(), x), mode=cuda())
    values = RS.normal(size=(8, 4, 64, 64)).astype(np.float32)
    found = gradient(values).reshape(8, 4, 32, 2, 32, 2)
    np.testing.assert_array_equal((found != 0).sum((3, 5)), 1)


def test_functions_that_come_and_go():
    for _ in range(2):
        step, _ = train_function(cuda())
        for _ in range(4):
            step(X, Y)
        (recording,) = step.fn.recordings.values()
        assert recording.graph is not None
        del step, recording
        gc.collect()


def test_batches_through_pinned_memory():
    x = T.matrix()
    w = theano.shared(np.zeros((64, 64), np.float32))
    add = theano.function([x], updates=[(w, w + x)], mode=cuda())
    expected = np.zeros((64, 64), np.float32)
    batch = np.empty((64, 64), np.float32)
    for i in range(50):
        batch[:] = i  # one buffer, used again at once: the copy must have been taken
        add(batch)
        expected += i
    np.testing.assert_array_equal(w.get_value(), expected)


def test_an_index_out_of_range_does_not_kill_the_context():
    x, i = T.vector(), T.ivector()
    pick = theano.function([x, i], x[i], mode=cuda())
    for _ in range(4):
        with pytest.raises(IndexError, match="out of bounds"):
            pick(np.float32([1, 2]), np.int32([0, 2]))
        np.testing.assert_array_equal(pick(np.float32([1, 2]), np.int32([1, -2])), [2, 1])


def test_sums_are_float64s():
    """Large enough for the kernel of raw_kernels.py, and far from 0."""
    x = T.tensor4()
    axes = [None, (0, 2, 3), (2, 3), (0,)]
    function = theano.function([x], [x.sum(axis) for axis in axes], mode=cuda())
    values = (1e4 + RS.normal(size=(16, 8, 60, 61))).astype(np.float32)
    for _ in range(3):
        for found, axis in zip(function(values), axes, strict=True):
            exact = values.sum(axis, dtype=np.float64).astype(np.float32)
            np.testing.assert_array_equal(found, exact)


def test_the_same_bits_each_time():
    """As a run that resumes needs them: eager, captured and replayed, in two functions."""
    found = []
    for first in (0, 3):
        step, params = train_function(cuda(), dropout=True)
        losses = [float(step(X, Y)) for _ in range(first)]
        if first:  # as a new process that resumes would: the recording begins later
            state = [v.get_value() for v in step.get_shared()]
            step, params = train_function(cuda(), dropout=True)
            for variable, value in zip(step.get_shared(), state, strict=True):
                variable.set_value(value)
        losses += [float(step(X, Y)) for _ in range(8 - first)]
        found.append((losses, [p.get_value().tobytes() for p in params]))
    assert found[0] == found[1]


def test_no_tf32_unless_allowed():
    x = T.matrix()
    values = np.full((256, 256), 1 + 2.0**-12, np.float32)
    torch_link.set_precision("float32")
    exact = theano.function([x], T.dot(x, x), mode=cuda())(values)
    np.testing.assert_allclose(exact, values.astype(float) @ values, rtol=1e-6)
