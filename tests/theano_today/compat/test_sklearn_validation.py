"""sklearn.cross_validation, grid_search and learning_curve beside model_selection."""

from __future__ import annotations

import pickle

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
from sklearn import model_selection
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge


def data(rows=31):
    random = np.random.RandomState(0)
    X = random.normal(size=(rows, 3))
    return X, X @ [1.0, -2.0, 0.5] + random.normal(size=rows), (X[:, 0] > 0).astype(int)


def parts(folds):
    return [test.tolist() for _, test in folds]


def test_splits_by_label():
    from sklearn import cross_validation as cv

    labels = [1, 1, 2, 2, 3, 3, 3]
    assert parts(cv.LeaveOneLabelOut(labels)) == [[0, 1], [2, 3], [4, 5, 6]]
    assert parts(cv.LeavePLabelOut(labels, p=2)) == [
        [0, 1, 2, 3],
        [0, 1, 4, 5, 6],
        [2, 3, 4, 5, 6],
    ]
    assert sorted(map(tuple, parts(cv.LabelKFold(labels, 3)))) == [(0, 1), (2, 3), (4, 5, 6)]
    assert parts(cv.LeavePOut(3, 2)) == [[0, 1], [0, 2], [1, 2]]
    assert parts(cv.PredefinedSplit([0, 1, -1, 0])) == [[0, 3], [1]]
    for folds, length in [
        (cv.LeaveOneLabelOut(labels), 3),
        (cv.LeavePOut(3, 2), 3),
        (cv.LabelShuffleSplit(labels, 4, random_state=0), 4),
    ]:
        assert len(folds) == length == len(list(folds))
        assert parts(folds) == parts(folds)


def test_bootstrap():
    from sklearn.cross_validation import Bootstrap

    for train, test in Bootstrap(9, random_state=0):
        assert (len(train), len(test)) == (5, 4)
        assert not set(train) & set(test)
    assert parts(Bootstrap(9, random_state=0)) == parts(Bootstrap(9, random_state=0))
    with pytest.raises(ValueError, match="9 samples"):
        Bootstrap(9, train_size=8, test_size=3)


def test_scores_have_three_folds_and_old_names():
    from sklearn import cross_validation as cv

    X, y, labels = data()
    got = cv.cross_val_score(Ridge(), X, y, "mean_squared_error")
    want = model_selection.cross_val_score(
        Ridge(), X, y, cv=model_selection.KFold(3), scoring="neg_mean_squared_error"
    )
    np.testing.assert_array_equal(got, want)
    assert len(cv.cross_val_score(LogisticRegression(), X, labels, cv=4)) == 4
    predicted = cv.cross_val_predict(Ridge(), X, y, cv=cv.LeaveOneOut(31))
    want = model_selection.cross_val_predict(Ridge(), X, y, cv=model_selection.LeaveOneOut())
    np.testing.assert_array_equal(predicted, want)
    assert isinstance(cv.check_cv(None, X, labels, classifier=True), cv.StratifiedKFold)
    assert isinstance(cv.check_cv(5, X, y, classifier=True), cv.KFold)  # y of a regression
    own = [(np.arange(20), np.arange(20, 31))]
    assert cv.check_cv(own, X, y) is own
    score, permuted, p = cv.permutation_test_score(LogisticRegression(), X, labels, None, 5)
    assert permuted.shape == (5,)
    assert 0 < p <= 1
    assert score > 0.5


def test_grid_scores():
    from sklearn.grid_search import GridSearchCV, RandomizedSearchCV

    X, y, _ = data()
    grid = {"alpha": [0.1, 10.0]}
    search = GridSearchCV(Ridge(), grid, "mean_squared_error", iid=False).fit(X, y)
    assert [s.parameters for s in search.grid_scores_] == [{"alpha": 0.1}, {"alpha": 10.0}]
    best = max(search.grid_scores_, key=lambda score: score.mean_validation_score)
    assert best.parameters == search.best_params_
    assert best.mean_validation_score == search.best_score_
    _, mean, each = best
    np.testing.assert_allclose(mean, np.mean(each))
    assert len(each) == 3
    assert (search.cv, search.scoring) == (None, "mean_squared_error")  # as given
    assert clone(search).get_params()["iid"] is False
    assert pickle.loads(pickle.dumps(search)).best_params_ == search.best_params_
    random = RandomizedSearchCV(Ridge(), grid, n_iter=2, cv=2, random_state=0).fit(X, y)
    assert len(random.grid_scores_) == 2


def test_curves():
    from sklearn.learning_curve import learning_curve, validation_curve

    X, y, _ = data()
    sizes, train, test = learning_curve(Ridge(), X, y)
    assert (len(sizes), train.shape, test.shape) == (5, (5, 3), (5, 3))
    train, _ = validation_curve(Ridge(), X, y, "alpha", [1, 2], 4)
    assert train.shape == (2, 4)
