"""The best weights, and stopping when nothing gets better."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import io
import pickle

import numpy as np
import pytest

from tests.tiny_nets import X, Y, tiny, values
from theano_today.errors import DataError
from theano_today.training.handlers.stopping import EarlyStopping, RestoreBest


class Scripted:
    """A handler that puts a loss of the test's own into the history, and keeps all weights."""

    def __init__(self, *losses):
        self.losses = losses
        self.weights = []

    def __call__(self, nn, train_history):
        train_history[-1]["valid_loss"] = np.float64(self.losses[len(self.weights)])
        self.weights.append(values(nn)[: len(nn.get_all_params())])


def trained(handler, *losses, epochs=None):
    script = Scripted(*losses)
    net = tiny(max_epochs=epochs or len(losses), on_epoch_finished=[script, handler])
    net.fit(X, Y)
    return net, script.weights


def weights(net):
    return values(net)[: len(net.get_all_params())]


@pytest.mark.usefixtures("device")
class TestRestoreBest:
    def test_when_training_ends_by_itself(self):
        sink = io.StringIO()
        net, kept = trained(RestoreBest(sink=sink), 3, 1, 2)
        assert weights(net) == kept[1]
        assert kept[1] != kept[2]
        assert sink.getvalue() == "restored the weights of epoch 2, valid_loss 1.000000\n"

    def test_another_key(self):
        net, kept = trained(RestoreBest("epoch", io.StringIO()), 3, 1, 2)
        assert weights(net) == kept[0]

    def test_never_a_loss(self):
        nan = float("nan")
        net, kept = trained(RestoreBest(sink=io.StringIO()), nan, nan)
        assert weights(net) == kept[1]

    def test_one_handler_however_often_it_is_fitted(self):
        net, kept = trained(RestoreBest(sink=io.StringIO()), 3, 1, 2, 5, epochs=2)
        net.fit(X, Y)
        assert len(net.on_training_finished) == 1
        assert weights(net) == kept[3 - 1] or weights(net) == kept[3]

    def test_pickled_without_the_weights(self):
        handler = RestoreBest(sink=io.StringIO())
        net, _ = trained(handler, 3, 1)
        (again,) = pickle.loads(pickle.dumps([handler]))
        assert (again.best_epoch, again.best_weights, again.sink) == (2, None, None)
        assert pickle.loads(pickle.dumps([net.on_training_finished]))

    def test_handlers_that_are_no_list(self):
        net = tiny(on_epoch_finished=[RestoreBest()], on_training_finished=(print,))
        with pytest.raises(DataError, match="on_training_finished is a tuple; RestoreBest adds a"):
            net.fit(X, Y)


@pytest.mark.usefixtures("device")
class TestEarlyStopping:
    def test_stops_and_restores(self):
        sink = io.StringIO()
        net, kept = trained(EarlyStopping(2, sink=sink), 3, 1, 2, 1, 0, 0)
        assert len(net.train_history_) == 4
        assert weights(net) == kept[1]
        assert sink.getvalue().splitlines() == [
            "no better epoch for 2: stopping early",
            "restored the weights of epoch 2, valid_loss 1.000000",
        ]

    def test_restores_without_stopping(self):
        net, kept = trained(EarlyStopping(10, sink=io.StringIO()), 3, 1, 2)
        assert len(net.train_history_) == 3
        assert weights(net) == kept[1]

    def test_never_a_loss(self):
        net, _ = trained(EarlyStopping(3, sink=io.StringIO()), *[float("nan")] * 9)
        assert len(net.train_history_) == 4
