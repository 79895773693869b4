"""How often the host waits for the device, on the path that net2.py takes: once an epoch."""

from tests.theano_today.torch_link.compare import torch  # isort: skip  # noqa: F401  (skips)

from argparse import Namespace

import numpy as np
import pytest
import theano
from nolearn.lasagne import BatchIterator
from sklearn.base import clone
from theano.compile import mode as theano_mode

from kfkd.run import fit
from net2 import net2
from tests.theano_today.torch_link.fake_cuda import MODE, FakeCuda, assert_replayed
from tests.theano_today.torch_link.test_nolearn_loop import small
from theano_today.torch_link import nolearn_loop
from theano_today.training.handlers.schedules import AdjustVariable
from theano_today.training.session import Plan

RS = np.random.RandomState(0)
EPOCHS = 6


class Flip(BatchIterator):
    """Changes its batches: they are copied to the device one by one."""

    def transform(self, Xb, yb):
        Xb[::2] = Xb[::2, :, :, ::-1]
        return Xb, yb


@pytest.fixture
def cuda(monkeypatch):
    nolearn_loop.install()
    monkeypatch.setattr(theano_mode, "instantiated_default_mode", MODE)
    with FakeCuda() as device:
        yield device


def waits(cuda, net, X, y, **plan):
    """Train as net2.py does; return the waits of each epoch after those that are recorded."""
    counts = []

    def count(nn, train_history):
        counts.append(cuda.waits)

    net.set_params(verbose=0, on_epoch_finished=[*net.on_epoch_finished, count])
    options = Namespace(epochs=EPOCHS, seed=1, plan=Plan(**plan), live=False, tensorboard=None)
    fit(net, X, y, options)
    assert_replayed(net.train_iter_.fn, cuda)
    return list(np.diff(counts)[2:])


def test_net2_with_checkpoints_that_are_not_due(cuda, tmp_path):
    X = RS.uniform(size=(20, 1, 96, 96)).astype(np.float32)
    y = RS.uniform(-1, 1, (20, 30)).astype(np.float32)
    net = clone(net2).set_params(batch_iterator_train=BatchIterator(batch_size=4))
    found = waits(cuda, net, X, y, folder=tmp_path / "net2.checkpoints", every=3600, patience=99)
    assert found == [1] * (EPOCHS - 3)


class TestSmallNets:
    X = RS.uniform(size=(50, 1, 12, 12)).astype(np.float32)
    Y = RS.uniform(-1, 1, size=(50, 4)).astype(np.float32)

    def test_without_checkpoints(self, cuda):
        assert waits(cuda, small(), self.X, self.Y) == [1] * (EPOCHS - 3)

    def test_a_learning_rate_that_changes_and_new_best_weights_each_epoch(self, cuda):
        """What is read back from this device is 1: a key that falls by itself stands for it."""

        def better(nn, train_history):
            train_history[-1]["valid_loss"] = 1 / len(train_history)

        rates = [AdjustVariable("update_learning_rate", 0.05, 0.001), better]
        net = small(update_learning_rate=theano.shared(np.float32(0.05)), on_epoch_finished=rates)
        assert waits(cuda, net, self.X, self.Y, best=True) == [1] * (EPOCHS - 3)

    def test_a_checkpoint_costs_what_it_reads(self, cuda, tmp_path):
        """At each of 3 batches: a transfer for each parameter and velocity, and the losses."""
        found = waits(cuda, small(), self.X, self.Y, folder=tmp_path / "checkpoints", every=0)
        assert min(found) > 3 * 12
        assert max(found) < 5 * 20

    def test_batches_that_are_copied_one_by_one(self, cuda):
        """Two buffers each: the copy before the last must be done. No result is waited for."""
        found = waits(cuda, small(batch_iterator_train=Flip(16)), self.X, self.Y)
        assert max(found) <= 1 + 2 * 3
