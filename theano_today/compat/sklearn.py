"""What scikit-learn dropped: sklearn.cross_validation grid_search, gone in 0.20, and more.

The folds are here, what is done with them in sklearn_validation.py, all else in sklearn_names.py,
sklearn_modules.py and sklearn_tags.py.

The classes of cross_validation were given the number of samples (or y) and were iterated
themselves; those of model_selection are given X and y later, by split().
"""

from __future__ import annotations

import warnings
from types import ModuleType

import numpy as np

from theano_today import hooks
from theano_today.compat import (
    sklearn_modules,
    sklearn_names,
    sklearn_tags,
    sklearn_validation,
)


def install() -> None:
    hooks.supply("sklearn.cross_validation", _fill_cross_validation)
    hooks.supply("sklearn.grid_search", _fill_grid_search)
    hooks.supply("sklearn.learning_curve", sklearn_validation.fill_learning_curve)
    sklearn_names.install()
    sklearn_modules.install()
    sklearn_tags.install()


class _Folds:
    """Iterates (train indices, test indices) of one fold after the other.

    Decided once, when it is made: every iteration gives the same folds, shuffled ones too.

    Parameters
    ----------
    fold_of : int array
        For each sample the fold in whose test part it is.
    n_folds : int
    """

    def __init__(self, fold_of, n_folds):
        self.fold_of, self.n_folds = fold_of, n_folds

    def __iter__(self):
        for fold in range(self.n_folds):
            tested = self.fold_of == fold
            yield np.flatnonzero(~tested), np.flatnonzero(tested)

    def __len__(self):
        return self.n_folds


def _fold_of_each(n, n_folds, shuffle, random):
    """Return n fold numbers: consecutive runs, the first ones longer by one if need be."""
    lengths = np.full(n_folds, n // n_folds)
    lengths[: n % n_folds] += 1
    order = np.arange(n)
    if shuffle:
        random.shuffle(order)
    folds = np.empty(n, int)
    folds[order] = np.repeat(np.arange(n_folds), lengths)
    return folds


def _checked(n_folds, most, what):
    n_folds = int(n_folds)  # TrainSplit says round(1 / 0.2), a float in Python 2
    if not 2 <= n_folds <= most:
        raise ValueError(f"n_folds must be from 2 to the {what}, {most}; got {n_folds}")
    return n_folds


def _fill_cross_validation(module: ModuleType) -> None:
    from sklearn import model_selection
    from sklearn.utils import check_random_state

    class KFold(_Folds):
        def __init__(self, n, n_folds=3, shuffle=False, random_state=None):
            n_folds = _checked(n_folds, n, "number of samples")
            random = check_random_state(random_state)
            super().__init__(_fold_of_each(n, n_folds, shuffle, random), n_folds)

    class StratifiedKFold(_Folds):
        # Not model_selection's, which since 0.22 gives samples to other folds: here each
        # class is cut like KFold, so that the first folds get its extra samples.
        def __init__(self, y, n_folds=3, shuffle=False, random_state=None):
            _, label_of, counts = np.unique(np.asarray(y), return_inverse=True, return_counts=True)
            n_folds = _checked(n_folds, len(label_of), "number of samples")
            if n_folds > counts.min():
                warnings.warn(
                    f"The least populated class in y has only {counts.min()} members, which is "
                    f"fewer than n_folds={n_folds}.",
                    stacklevel=2,
                )
            random = check_random_state(random_state)
            fold_of = np.empty(len(label_of), int)
            for label, count in enumerate(counts):
                folds = _fold_of_each(max(count, n_folds), n_folds, shuffle, random)
                fold_of[label_of == label] = folds[:count]
            super().__init__(fold_of, n_folds)

    class _Splits:
        def __init__(self, splitter, n, y=None):
            self.splitter, self.n, self.y = splitter, n, y

        def __iter__(self):
            return self.splitter.split(np.zeros(self.n), self.y)

        def __len__(self):
            return self.splitter.get_n_splits(np.zeros(self.n))

    class ShuffleSplit(_Splits):
        def __init__(self, n, n_iter=10, test_size=0.1, train_size=None, random_state=None):
            super().__init__(
                model_selection.ShuffleSplit(
                    n_iter, test_size=test_size, train_size=train_size, random_state=random_state
                ),
                n,
            )

    class StratifiedShuffleSplit(_Splits):
        def __init__(self, y, n_iter=10, test_size=0.1, train_size=None, random_state=None):
            super().__init__(
                model_selection.StratifiedShuffleSplit(
                    n_iter, test_size=test_size, train_size=train_size, random_state=random_state
                ),
                len(y),
                y,
            )

    class LeaveOneOut(_Splits):
        def __init__(self, n):
            super().__init__(model_selection.LeaveOneOut(), n)

    for cls in (KFold, StratifiedKFold, ShuffleSplit, StratifiedShuffleSplit, LeaveOneOut):
        cls.__module__ = module.__name__
        setattr(module, cls.__name__, cls)
    module.train_test_split = model_selection.train_test_split  # type: ignore[attr-defined]
    sklearn_validation.fill_cross_validation(module, KFold, StratifiedKFold)


def _fill_grid_search(module: ModuleType) -> None:
    sklearn_validation.fill_grid_search(module)
