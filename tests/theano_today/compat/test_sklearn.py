"""sklearn.cross_validation and grid_search, as they were."""

from __future__ import annotations

import theano_today  # noqa: F401
from tests.theano_today.compat.nolearn.test_estimator import tiny_data, tiny_net


def test_folds_of_cross_validation():
    from sklearn.cross_validation import KFold, StratifiedKFold

    folds = KFold(7, 3)
    assert [test.tolist() for _, test in folds] == [[0, 1, 2], [3, 4], [5, 6]]
    assert len(folds) == 3
    for train, test in folds:  # a second time
        assert sorted([*train, *test]) == list(range(7))
    y = [0, 0, 0, 0, 1, 1]
    assert [test.tolist() for _, test in StratifiedKFold(y, 2)] == [[0, 1, 4], [2, 3, 5]]


def test_grid_search_over_a_net():
    from sklearn.grid_search import GridSearchCV

    search = GridSearchCV(tiny_net(verbose=0), {"hidden_num_units": [2, 5]}, cv=2)
    search.fit(*tiny_data())
    assert search.best_params_["hidden_num_units"] in (2, 5)
