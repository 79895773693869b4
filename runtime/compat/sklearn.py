"""What scikit-learn dropped: sklearn.cross_validation and sklearn.grid_search, gone in 0.20.

The classes of cross_validation were given the number of samples (or y) and were iterated
themselves; those of model_selection are given X and y later, by split().
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from runtime.compat import hooks


def install() -> None:
    hooks.supply("sklearn.cross_validation", _fill_cross_validation)
    hooks.supply("sklearn.grid_search", _fill_grid_search)


class _Folds:
    """Iterates (train_indices, test_indices), int64 vectors, as cross_validation's classes did."""

    def __init__(self, splitter, n, y=None):
        self.splitter, self.n, self.y = splitter, n, y

    def __iter__(self):
        return self.splitter.split(np.zeros(self.n), self.y)

    def __len__(self):
        return self.splitter.get_n_splits()


def _fill_cross_validation(module: ModuleType) -> None:
    from sklearn import model_selection

    def seed(shuffle, random_state):
        # model_selection refuses a random_state that would have no effect.
        return random_state if shuffle else None

    class KFold(_Folds):
        def __init__(self, n, n_folds=3, shuffle=False, random_state=None):
            super().__init__(
                model_selection.KFold(
                    n_folds, shuffle=shuffle, random_state=seed(shuffle, random_state)
                ),
                n,
            )

    class StratifiedKFold(_Folds):
        def __init__(self, y, n_folds=3, shuffle=False, random_state=None):
            super().__init__(
                model_selection.StratifiedKFold(
                    n_folds, shuffle=shuffle, random_state=seed(shuffle, random_state)
                ),
                len(y),
                y,
            )

    class ShuffleSplit(_Folds):
        def __init__(self, n, n_iter=10, test_size=0.1, train_size=None, random_state=None):
            super().__init__(
                model_selection.ShuffleSplit(
                    n_iter, test_size=test_size, train_size=train_size, random_state=random_state
                ),
                n,
            )

    class StratifiedShuffleSplit(_Folds):
        def __init__(self, y, n_iter=10, test_size=0.1, train_size=None, random_state=None):
            super().__init__(
                model_selection.StratifiedShuffleSplit(
                    n_iter, test_size=test_size, train_size=train_size, random_state=random_state
                ),
                len(y),
                y,
            )

    class LeaveOneOut(_Folds):
        def __init__(self, n):
            super().__init__(model_selection.LeaveOneOut(), n)

        def __len__(self):
            return self.n

    for folds in (KFold, StratifiedKFold, ShuffleSplit, StratifiedShuffleSplit, LeaveOneOut):
        folds.__module__ = module.__name__
        setattr(module, folds.__name__, folds)
    for name in ("cross_val_score", "train_test_split", "permutation_test_score"):
        setattr(module, name, getattr(model_selection, name))


def _fill_grid_search(module: ModuleType) -> None:
    from sklearn import model_selection

    for name in ("GridSearchCV", "RandomizedSearchCV", "ParameterGrid", "ParameterSampler"):
        setattr(module, name, getattr(model_selection, name))
