"""Modules and names that scikit-learn dropped."""

from __future__ import annotations

import pickle

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest


def test_discriminants():
    from sklearn.lda import LDA
    from sklearn.qda import QDA

    X = np.random.RandomState(0).normal(size=(40, 2))
    y = X[:, 0] > 0
    assert LDA().fit(X, y).score(X, y) > 0.8
    assert QDA().fit(X, y).score(X, y) > 0.8


def test_externals(tmp_path):
    import joblib as real
    from sklearn.externals import joblib, six
    from sklearn.externals.joblib import Parallel, delayed
    from sklearn.externals.six.moves import cPickle, zip_longest

    joblib.dump([1, 2], tmp_path / "x.pkl")
    assert joblib.load(tmp_path / "x.pkl") == [1, 2]
    assert (Parallel, delayed) == (real.Parallel, real.delayed)
    assert six.string_types == (str,)
    assert cPickle is pickle
    assert list(zip_longest([1], [])) == [(1, None)]
    with pytest.raises(AttributeError):
        _ = joblib.no_such_name


def test_imputer():
    from sklearn.preprocessing import Imputer

    X = np.array([[1.0, 2.0], [np.nan, 4.0], [3.0, np.nan]])
    imputer = Imputer().fit(X)
    assert imputer.transform(X).tolist() == [[1, 2], [2, 4], [3, 3]]
    assert imputer.statistics_.tolist() == [2, 3]
    assert Imputer(axis=1).fit_transform(X).tolist() == [[1, 2], [4, 4], [3, 3]]
    zeros = Imputer(missing_values=0, strategy="median")
    assert zeros.fit_transform([[0, 1], [2, 1], [4, 0]]).tolist() == [[3, 1], [2, 1], [4, 1]]
    assert pickle.loads(pickle.dumps(imputer)).transform(X).tolist() == [[1, 2], [2, 4], [3, 3]]
    with pytest.raises(ValueError, match="rows"):
        Imputer(axis=1).fit_transform([[np.nan, np.nan]])
    with pytest.raises(ValueError, match="axis"):
        Imputer(axis=2).fit(X)


def test_data_sets_that_are_gone():
    from sklearn.datasets import fetch_mldata

    with pytest.raises(OSError, match="fetch_openml"):
        fetch_mldata("MNIST original")
    with pytest.raises(ImportError, match="load_boston"):
        from sklearn.datasets import load_boston  # noqa: F401
