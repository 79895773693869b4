"""The nets of nets.py: each builds, and its steps are stock Theano's, on a tiny batch."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import lasagne
import numpy as np
import pytest

from benchmarks.contestants.nets_lasagne import BATCHES, Tutorial, learner, multiplications
from tests.theano_graphs import engine

QUICK = ("mlp", "mnist_cnn")  # the others' C code takes long to compile
# Adam and its kin divide a gradient by its size: where it is near 0, rounding decides.
ADAPTIVE = ("lstm", "gru", "dcgan", "autoencoder")


def trained(name, steps, on):
    lasagne.random.set_rng(np.random.RandomState(1))
    with engine(on):
        if name == "tutorial":
            X, y = BATCHES[name].draw(16)
            np.random.seed(1)
            net = Tutorial(X, y)
        else:
            net = learner(name, size=6)
    before = [p.get_value() for p in net.params]
    losses = [net.step() for _ in range(steps)]
    return before, losses, [p.get_value() for p in net.params]


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.long) for n in BATCHES]
)
def test_training_is_stock_theanos(name):
    """A step is, but for rounding; three are close: where rectify bends, rounding decides."""
    for steps, part in ((1, 2e-3), (3, 5e-2)):
        before, losses, params = trained(name, steps, "fused")
        start, expected, wanted = trained(name, steps, "stock")
        np.testing.assert_allclose(losses, expected, rtol=1e-3)
        for one, other, mine, theirs in zip(before, start, params, wanted, strict=True):
            np.testing.assert_array_equal(one, other)
            if name not in ADAPTIVE:
                size = np.linalg.norm(theirs - other)
                rounding = np.finfo(theirs.dtype).eps * np.linalg.norm(theirs)
                assert np.linalg.norm(mine - theirs) <= part * size + rounding + 1e-7
            assert np.isfinite(mine).all()


def test_multiplications():
    from lasagne import layers

    x = layers.InputLayer((None, 2, 8, 8))
    conv = layers.Conv2DLayer(x, 3, (3, 3))  # 6x6 pixels, 3 * 2 * 9 weights
    dense = layers.DenseLayer(conv, 5)  # 108 * 5 weights
    assert multiplications(dense) == 2 * 36 * 54 + 3 * 540
    assert multiplications(dense, of_inputs=True) == 3 * 36 * 54 + 3 * 540
    recurrent = layers.LSTMLayer(layers.InputLayer((None, 7, 3)), 4)
    assert multiplications(recurrent) == 7 * 4 * (2 * 3 * 4 + 3 * 4 * 4)
