"""An epoch in hand: remembered batch by batch, and done again."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from nolearn.lasagne import BatchIterator

from theano_today.errors import DivergedError
from theano_today.training.checkpoints.batches import Batches


class Run:
    """What Batches needs of a net, without Theano: train_iter_ counts its calls."""

    def __init__(self, outputs=None, history=()):
        self.trained = []
        self.outputs = outputs
        self.train_iter_ = self.train
        self.train_split = lambda X, y, net: (X[2:], X[:2], y[2:], y[:2])
        self.batch_iterator_train = BatchIterator(batch_size=2, shuffle=True)
        self.batch_iterator_test = BatchIterator(batch_size=2)
        self.train_history_ = list(history)

    def train(self, X, y):
        self.trained.append(X.tolist())
        loss = float(X.sum()) if self.outputs is None else self.outputs[len(self.trained) - 1]
        return [np.float32(loss)]


def epoch(run, batches, X, y, stop=None):
    """nolearn's training loop, up to batch `stop`: the outputs."""
    X, _, y, _ = run.train_split(X, y, run)
    batches.started(run, run.train_history_)
    found = []
    for Xb, yb in run.batch_iterator_train(X, y):
        found.append(float(run.train_iter_(Xb, yb)[0]))
        batches.batch_finished(run, run.train_history_)
        if len(found) == stop:
            return found
    return found


@contextmanager
def attached(run):
    batches = Batches(run, print)
    with batches.attached():
        yield batches


X, Y = np.arange(10.0).reshape(10, 1), np.arange(10.0)


def test_an_interrupted_epoch_ends_as_one_that_was_not():
    np.random.seed(1)
    whole = Run()
    with attached(whole) as batches:
        want = epoch(whole, batches, X.copy(), Y.copy())
    np.random.seed(1)
    first = Run()
    with attached(first) as batches:
        done = epoch(first, batches, X.copy(), Y.copy(), stop=2)
        state = batches.state()
    assert done == want[:2]

    np.random.seed(99)  # a process that knows nothing of it
    second, said = Run(), []
    resumed = Batches(second, said.append)
    with resumed.attached():
        resumed.resume(state)
        assert resumed.done == 2
        assert resumed.repeating
        assert epoch(second, resumed, X.copy(), Y.copy()) == want
        assert not resumed.repeating
    assert second.trained == whole.trained[2:]  # the first two are not trained again
    assert said == []
    assert second.train_iter_ == second.train


def test_something_else_that_draws_is_mentioned():
    first = Run()
    with attached(first) as batches:
        epoch(first, batches, X.copy(), Y.copy(), stop=1)
        state = batches.state()
    second, said = Run(history=[{"epoch": 1}]), []
    resumed = Batches(second, said.append)
    resumed.resume(state | {"past": 0})  # an epoch more to repeat than there was
    epoch(second, resumed, X.copy(), Y.copy())
    (line,) = said
    assert "drawn random numbers" in line


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_ends_the_run(loss):
    run = Run(outputs=[0.5, loss])
    with pytest.raises(DivergedError, match=f"became {loss} in epoch 1, batch 2"):
        with attached(run) as batches:
            epoch(run, batches, X.copy(), Y.copy())
    assert run.train_iter_ == run.train


def test_a_validation_loss_that_is_not_finite_ends_the_run_and_an_absent_one_does_not():
    batches = Batches(Run(), print)
    row = {"epoch": 3, "valid_loss": np.nan, "valid_loss_best": np.nan}
    batches.epoch_finished(batches.net, [row])  # no rows to validate with
    with pytest.raises(DivergedError, match="validation loss became nan in epoch 3"):
        batches.epoch_finished(batches.net, [row | {"valid_loss_best": 0.1}])


def test_the_function_behind_it_can_be_reached():
    run = Run()
    run.train_iter_ = SimpleNamespace(maker="the maker")
    assert Batches(run, print).maker == "the maker"
