"""The old names on today's packages, against plain NumPy and the semantics of 2015."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import theano_today  # noqa: F401
from tests.fresh_python import says


def test_importing_it_changes_no_public_name():
    says(
        """
import collections, configparser, inspect, numpy, scipy.signal, sklearn, sys
modules = [collections, configparser, inspect, numpy, scipy.signal, sklearn]
before = [dict(vars(m)) for m in modules]
import theano_today
import importlib; importlib.reload(theano_today)
for m, old in zip(modules, before):
    for name, value in old.items():
        assert vars(m)[name] is value or name[:1] == '_', (m, name)
heavy = {'theano', 'lasagne', 'nolearn'} & set(sys.modules)
assert not heavy, heavy
"""
    )


def test_beside_theano_imported_before():
    says(
        "import theano_today, theano, importlib\n"
        "importlib.reload(theano_today)\n"
        "import lasagne, nolearn"
    )


def test_names_of_2014():
    import collections
    import configparser

    assert issubclass(list, collections.Iterable)
    assert issubclass(configparser.SafeConfigParser, configparser.ConfigParser)
    names = vars(np)  # not np.int: ruff would mend it
    assert names["int"] is int
    assert names["cast"]["float32"]([1, 2]).dtype == np.float32
    assert np.bool is np.bool_  # NumPy's own since 2.0, not Python's


def test_imp_loads_and_reloads():
    import imp

    assert imp.reload(pickle) is pickle
    assert imp.find_module("json")[2][2] == 5
    with pytest.raises(ImportError):
        imp.find_module("no_such_module_anywhere")


def test_folds_of_cross_validation():
    from sklearn.cross_validation import KFold, StratifiedKFold

    folds = KFold(7, 3)
    assert [test.tolist() for _, test in folds] == [[0, 1, 2], [3, 4], [5, 6]]
    assert len(folds) == 3
    for train, test in folds:  # a second time
        assert sorted([*train, *test]) == list(range(7))
    y = [0, 0, 0, 0, 1, 1]
    assert [test.tolist() for _, test in StratifiedKFold(y, 2)] == [[0, 1, 4], [2, 3, 5]]


def pooled(x, size, ignore_border):
    rows, columns = (
        [n // size if ignore_border else -(-n // size) for n in x.shape[2:]]
    )  # fmt: skip
    return np.array(
        [
            [
                [
                    [
                        plane[i * size : (i + 1) * size, j * size : (j + 1) * size].max()
                        for j in range(columns)
                    ]
                    for i in range(rows)
                ]
                for plane in image
            ]
            for image in x
        ]
    )


@pytest.mark.parametrize("ignore_border", [True, False])
def test_max_pool_2d_on_odd_sizes(ignore_border):
    import theano
    import theano.tensor as T
    from theano.tensor.signal import downsample

    x = np.random.RandomState(0).normal(size=(2, 3, 7, 5)).astype(np.float32)
    symbol = T.tensor4()
    pool = theano.function(
        [symbol], downsample.max_pool_2d(symbol, (2, 2), ignore_border=ignore_border)
    )
    np.testing.assert_array_equal(pool(x), pooled(x, 2, ignore_border))


def test_scan_and_its_gradient():
    import theano
    import theano.tensor as T

    x = T.vector()
    sums, updates = theano.scan(
        lambda value, total: total + value**2, x, T.constant(0.0, dtype="float32")
    )
    both = theano.function([x], [sums, theano.grad(sums[-1], x)], updates=updates)
    values, gradient = both(np.array([1, 2, 3], np.float32))
    assert values.tolist() == [1, 5, 14]
    assert gradient.tolist() == [2, 4, 6]


def test_increments_at_repeated_indices():
    import theano
    import theano.tensor as T

    x, y = T.matrix(), T.matrix()
    add = theano.function([x, y], T.inc_subtensor(x[[0, 2, 0]], y))
    got = add(np.zeros((3, 2), np.float32), np.ones((3, 2), np.float32))
    assert got.tolist() == [[2, 2], [0, 0], [1, 1]]


def test_cumulative_sums_of_all_axes():
    import theano
    import theano.tensor as T

    x = T.matrix()
    value = np.arange(6, dtype=np.float32).reshape(2, 3)
    for axis in (None, 0, 1):
        got = theano.function([x], T.cumsum(x, axis=axis))(value)
        np.testing.assert_array_equal(got, np.cumsum(value, axis=axis))


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


def test_grid_search_over_a_net():
    from sklearn.grid_search import GridSearchCV

    search = GridSearchCV(tiny_net(verbose=0), {"hidden_num_units": [2, 5]}, cv=2)
    search.fit(*tiny_data())
    assert search.best_params_["hidden_num_units"] in (2, 5)


def test_load_params_from_another_net():
    first, second = tiny_net(verbose=0), tiny_net(verbose=0)
    X, y = tiny_data()
    first.partial_fit(X, y)
    second.load_params_from(first)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
