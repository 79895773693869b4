"""NeuralNet as an estimator of today's scikit-learn."""

from __future__ import annotations

import numpy as np

import theano_today  # noqa: F401


def tiny_net(**settings):
    from lasagne.layers import DenseLayer, InputLayer
    from nolearn.lasagne import NeuralNet

    arguments = {
        "layers": [("input", InputLayer), ("hidden", DenseLayer), ("output", DenseLayer)],
        "input_shape": (None, 4),
        "hidden_num_units": 3,
        "output_num_units": 2,
        "output_nonlinearity": None,
        "update_learning_rate": 0.01,
        "regression": True,
        "max_epochs": 2,
        "verbose": 1,
    }
    return NeuralNet(**(arguments | settings))


def tiny_data(rows=20):
    random = np.random.RandomState(0)
    X = random.normal(size=(rows, 4)).astype(np.float32)
    return X, X[:, :2].copy()


def test_clones_train_and_print_once(capsys):
    from sklearn.base import clone

    copy = clone(clone(tiny_net()))
    copy.fit(*tiny_data())
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("     1  |")]
    assert len(rows) == 1
    assert copy.hidden_num_units == 3


def test_load_params_from_another_net():
    first, second = tiny_net(verbose=0), tiny_net(verbose=0)
    X, y = tiny_data()
    first.partial_fit(X, y)
    second.load_params_from(first)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
