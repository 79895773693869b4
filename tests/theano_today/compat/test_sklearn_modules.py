"""Modules of scikit-learn by the names that they had until 0.22."""

from __future__ import annotations

import importlib

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import sklearn

from theano_today.compat import sklearn_modules


def test_each_module_has_what_it_had():
    table = sklearn_modules.modules()
    assert len(table) > 90
    for former, today in table.items():
        module, private = importlib.import_module(former), importlib.import_module(today)
        assert module is not private
        public = [n for n in vars(private) if not n.startswith("_")]
        assert public
        assert all(getattr(module, n) is getattr(private, n) for n in public), former


def test_what_programs_took_from_there():
    from sklearn.datasets.base import Bunch, load_iris
    from sklearn.decomposition.pca import PCA
    from sklearn.ensemble.forest import RandomForestClassifier
    from sklearn.metrics.classification import accuracy_score
    from sklearn.preprocessing.label import LabelBinarizer

    assert sklearn.datasets.load_iris is load_iris
    assert Bunch(a=1).a == 1
    assert PCA is sklearn.decomposition.PCA
    assert RandomForestClassifier is sklearn.ensemble.RandomForestClassifier
    assert accuracy_score([1, 0], [1, 1]) == 0.5
    assert LabelBinarizer().fit_transform([1, 2, 1]).ravel().tolist() == [0, 1, 0]


def test_testing():
    from sklearn.utils.testing import assert_array_equal, assert_equal, assert_raises

    assert_equal(1, 1)
    assert_array_equal([1], np.array([1]))
    assert_raises(ValueError, int, "a")
    with pytest.raises(AssertionError):
        assert_equal(1, 2)


def test_safe_indexing():
    from sklearn.utils import safe_indexing

    assert safe_indexing([1, 2, 3], [2, 0]) == [3, 1]
    assert safe_indexing(np.arange(6).reshape(3, 2), [1]).tolist() == [[2, 3]]


def test_randomized_pca():
    from sklearn.base import clone
    from sklearn.decomposition import PCA, RandomizedPCA

    X = np.random.RandomState(0).rand(30, 8)
    pca = clone(RandomizedPCA(3, random_state=1)).fit(X)
    same = PCA(3, svd_solver="randomized", iterated_power=2, random_state=1).fit(X)
    np.testing.assert_array_equal(pca.components_, same.components_)
    assert pca.get_params()["whiten"] is False
