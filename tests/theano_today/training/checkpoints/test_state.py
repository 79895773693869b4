"""A run's state at one moment: taken from a net, put back into another."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy

import lasagne
import numpy as np
import pytest
import theano

from tests.tiny_nets import X, Y, tiny, values
from theano_today.errors import DataError
from theano_today.training.checkpoints.state import capture, restore, stateful


class Counter:
    """A handler with a state."""

    def __init__(self):
        self.calls = 0

    def __call__(self, nn, train_history):
        self.calls += 1

    def state_dict(self):
        return {"calls": self.calls}

    def load_state_dict(self, state):
        self.calls = state["calls"]


def net(**changed):
    made = tiny(
        on_epoch_finished=[Counter()], max_epochs=2, verbose=0,
        update_learning_rate=theano.shared(np.float32(0.05)), **changed,
    )  # fmt: skip
    made.initialize()
    return made


@pytest.fixture(scope="module")
def trained():
    made = net().fit(X, Y)
    made.update_learning_rate.set_value(np.float32(0.02))
    return made


def test_another_net_of_the_same_make_goes_on_as_the_first_one_does(trained):
    first, state = trained, copy.deepcopy(capture(trained))
    second = net(seed=8)
    assert values(second) != values(first)
    restore(second, state)
    assert values(second) == values(first)
    assert second.train_history_ == first.train_history_
    assert float(second.update_learning_rate.get_value()) == pytest.approx(0.02)
    (counter,) = stateful(second)
    assert counter.calls == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"hidden_num_units": 6}, "a different net or update rule"),
        ({"update": lasagne.updates.adam}, "a different net or update rule"),
        ({"on_batch_finished": [Counter()]}, "different handlers"),
    ],
)
def test_a_net_of_another_make_is_refused_and_stays_as_it_was(trained, changed, words):
    changed = dict(changed)
    handlers = changed.pop("on_batch_finished", [])
    other = net(**changed)
    other.on_batch_finished = handlers
    before = values(other)
    with pytest.raises(DataError, match=words):
        restore(other, capture(trained))
    assert values(other) == before
    assert other.train_history_ == []


@pytest.mark.parametrize("history", [[1, 2], [{"train_loss": 1.0}]])
def test_a_malformed_history_is_refused(trained, history):
    other = net(seed=8)
    before = values(other)
    with pytest.raises(DataError, match="malformed rows"):
        restore(other, capture(trained) | {"history": history})
    assert values(other) == before


def test_a_handler_of_several_occasions_counts_once():
    made, handler = tiny(), Counter()
    made.on_epoch_finished, made.on_training_finished = [handler, print], handler
    assert list(stateful(made)) == [handler]
