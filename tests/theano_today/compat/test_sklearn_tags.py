"""Estimators that do not descend from BaseEstimator in today's scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

import theano_today  # noqa: F401


class Majority:
    """A classifier as users wrote them: four methods and no base class."""

    _estimator_type = "classifier"

    def __init__(self, label=None):
        self.label = label

    def get_params(self, deep=True):
        return {"label": self.label}

    def set_params(self, label):
        self.label = label
        return self

    def fit(self, X, y):
        self.found = np.bincount(y).argmax() if self.label is None else self.label
        return self

    def predict(self, X):
        return np.full(len(X), self.found)

    def score(self, X, y):
        return float(np.mean(self.predict(X) == y))


X, y = np.zeros((9, 2)), np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])


def test_cross_validation_with_a_class_of_the_users_own():
    from sklearn.model_selection import cross_val_score

    # The classes in equal shares in each fold, as for any classifier
    assert cross_val_score(Majority(), X, y, cv=3).tolist() == pytest.approx([2 / 3] * 3)


def test_what_is_no_classifier_gets_plain_folds():
    from sklearn.model_selection import cross_val_score

    class Unknown(Majority):
        _estimator_type = None

    assert cross_val_score(Unknown(), X, y, cv=3).tolist() == [1, 1, 0]


def test_searches_and_pipelines():
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    search = GridSearchCV(Majority(), {"label": [0, 1]}, cv=3).fit(X, y)
    assert search.best_params_ == {"label": 0}
    assert make_pipeline(StandardScaler(), Majority()).fit(X, y).predict(X).tolist() == [0] * 9


def test_a_mixin_says_what_a_class_is():
    from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier, is_regressor

    class Classifier(ClassifierMixin):
        pass

    class Regressor(RegressorMixin):
        pass

    assert is_classifier(Classifier())
    assert not is_regressor(Classifier())
    assert is_regressor(Regressor())


def test_errors_of_tags_are_shown():
    from sklearn.base import BaseEstimator
    from sklearn.utils import get_tags

    class Broken(BaseEstimator):
        def __sklearn_tags__(self):
            raise AttributeError("no colour")

    with pytest.raises(AttributeError, match="no colour"):
        get_tags(Broken())
    with pytest.raises(TypeError, match="instance"):
        get_tags(Majority)
