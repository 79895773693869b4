"""Nets small enough to be trained in no time, and what two runs of them are compared by."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

from typing import NamedTuple

import numpy as np
from lasagne import layers
from nolearn.lasagne import BatchIterator, NeuralNet
from theano.compile.mode import get_default_mode

from theano_today.training.pickling import update_variables

X = np.random.RandomState(0).uniform(size=(20, 6)).astype(np.float32)
Y = np.random.RandomState(1).uniform(size=(20, 2)).astype(np.float32)


def tiny(dropout=False, seed=7, **changed):
    """A regression net of one hidden layer: 4 batches of 4 rows an epoch, 4 rows to validate."""
    np.random.seed(seed)
    hidden = [("hidden", layers.DenseLayer)] + [("dropout", layers.DropoutLayer)] * dropout
    arguments = {
        "layers": [("input", layers.InputLayer), *hidden, ("output", layers.DenseLayer)],
        "input_shape": (None, 6),
        "hidden_num_units": 5,
        "output_num_units": 2,
        "output_nonlinearity": None,
        "update_learning_rate": 0.05,
        "regression": True,
        "max_epochs": 3,
        "batch_iterator_train": BatchIterator(batch_size=4),
    }
    return NeuralNet(**(arguments | changed))


_compiled: dict = {}


def compiled_once(make):
    """A net as `make()` returns it, initialized; compiled only the first time on a device.

    The net of an earlier call, if there was one, with everything as it was in the beginning.
    """
    net = make()  # which seeds NumPy's random numbers, too
    key = make, id(get_default_mode())
    if key not in _compiled:
        net.initialize()
        variables = [
            *net.get_all_params(), *update_variables(net),
            *(v for v in vars(net).values() if hasattr(v, "set_value")),
        ]  # fmt: skip
        start = [v.get_value() for v in variables]
        _compiled[key] = net, list(zip(variables, start, strict=True)), np.random.get_state()
        return net
    first, start, random_state = _compiled[key]
    for variable, value in start:
        variable.set_value(value)
    names = "batch_iterator_train", "batch_iterator_test", "train_split", "on_batch_finished"
    for name in names:
        setattr(first, name, getattr(net, name))
    first.on_epoch_finished, first.on_training_finished = net.on_epoch_finished, []
    first.train_history_ = list(net.train_history_)
    np.random.set_state(random_state)
    return first


class Outcome(NamedTuple):
    """What two runs are compared by.

    rows: the table's but for Dur, with the types of the numbers, all digits; values: the bytes
    of all weights and velocities.
    """

    rows: list
    values: list


def outcome(net):
    rows = [repr({k: v for k, v in row.items() if k != "dur"}) for row in net.train_history_]
    return Outcome(rows, values(net))


def values(net):
    """The bytes of all weights, then of the update rule's variables."""
    variables = [*net.get_all_params(), *update_variables(net)]
    return [v.get_value().tobytes() for v in variables]
