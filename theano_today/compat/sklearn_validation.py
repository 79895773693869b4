"""The rest of sklearn.cross_validation, grid_search and learning_curve, all gone in 0.20.

They differ from those of sklearn.model_selection in what changes numbers without a word: three
folds where none are named (five since 0.22). Scores may be named by the loss (`mean_squared_error`,
negative even then), and arguments given by position. A search takes `iid` and does not heed it:
means are those of the folds, unweighted, as with iid=False.
"""

from __future__ import annotations

import collections
from types import ModuleType
from typing import Any

import numpy as np

_SCORES = ("mean_squared_error", "mean_absolute_error", "median_absolute_error", "log_loss")
_Score = collections.namedtuple("_Score", "parameters mean_validation_score cv_validation_scores")


def _scoring(name: Any) -> Any:
    return f"neg_{name}" if isinstance(name, str) and name in _SCORES else name


def _folds(cv: Any, X: Any, y: Any, estimator: Any) -> Any:
    from sklearn import cross_validation
    from sklearn.base import is_classifier

    return cross_validation.check_cv(cv, X, y, classifier=is_classifier(estimator))


def _n_rows(X: Any) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)


def fill_cross_validation(module: ModuleType, KFold: type, StratifiedKFold: type) -> None:
    from sklearn import model_selection
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import type_of_target

    class _Grouped:
        """Iterates what a splitter of today makes of n samples and their labels."""

        def __init__(self, splitter, n, labels=None):
            self.splitter, self.n, self.labels = splitter, n, labels

        def __iter__(self):
            return iter(self.splitter.split(np.zeros(self.n), None, self.labels))

        def __len__(self):
            return self.splitter.get_n_splits(np.zeros(self.n), None, self.labels)

    class LeavePOut(_Grouped):
        def __init__(self, n, p):
            super().__init__(model_selection.LeavePOut(p), n)

    class LabelKFold(_Grouped):
        def __init__(self, labels, n_folds=3):
            super().__init__(model_selection.GroupKFold(n_folds), len(labels), labels)

    class LeaveOneLabelOut(_Grouped):
        def __init__(self, labels):
            super().__init__(model_selection.LeaveOneGroupOut(), len(labels), labels)

    class LeavePLabelOut(_Grouped):
        def __init__(self, labels, p):
            super().__init__(model_selection.LeavePGroupsOut(p), len(labels), labels)

    class LabelShuffleSplit(_Grouped):
        def __init__(self, labels, n_iter=5, test_size=0.2, train_size=None, random_state=None):
            splitter = model_selection.GroupShuffleSplit(
                n_iter, test_size=test_size, train_size=train_size, random_state=random_state
            )
            super().__init__(splitter, len(labels), labels)

    class PredefinedSplit(_Grouped):
        def __init__(self, test_fold):
            super().__init__(model_selection.PredefinedSplit(test_fold), len(test_fold))

    class Bootstrap:
        # Gone in 0.17 already. Draws with replacement within each part of a random partition.
        def __init__(self, n, n_iter=3, train_size=0.5, test_size=None, random_state=None):
            self.n, self.n_iter, self.random_state = n, n_iter, random_state
            self.train_size = self._count(train_size)
            self.test_size = n - self.train_size if test_size is None else self._count(test_size)
            if min(self.train_size, self.test_size) < 1 or self.train_size + self.test_size > n:
                raise ValueError(
                    f"train_size={train_size} and test_size={test_size} must each leave a sample, "
                    f"and both must fit in {n} samples"
                )

        def _count(self, size):
            whole = isinstance(size, (int, np.integer))
            return int(size) if whole else int(np.ceil(size * self.n))

        def __iter__(self):
            random = check_random_state(self.random_state)
            for _ in range(self.n_iter):
                order = random.permutation(self.n)
                train = order[: self.train_size]
                test = order[self.train_size : self.train_size + self.test_size]
                train = train[random.randint(0, self.train_size, size=self.train_size)]
                yield train, test[random.randint(0, self.test_size, size=self.test_size)]

        def __len__(self):
            return self.n_iter

    def check_cv(cv, X=None, y=None, classifier=False):
        cv = 3 if cv is None else cv
        if not isinstance(cv, (int, np.integer)):
            return cv
        if classifier and type_of_target(y) in ("binary", "multiclass"):
            return StratifiedKFold(y, cv)
        return KFold(_n_rows(X), cv)

    def cross_val_score(
        estimator,
        X,
        y=None,
        scoring=None,
        cv=None,
        n_jobs=1,
        verbose=0,
        fit_params=None,
        pre_dispatch="2*n_jobs",
    ):
        return model_selection.cross_val_score(
            estimator,
            X,
            y,
            scoring=_scoring(scoring),
            cv=_folds(cv, X, y, estimator),
            n_jobs=n_jobs,
            verbose=verbose,
            params=fit_params,
            pre_dispatch=pre_dispatch,
            error_score="raise",
        )

    def cross_val_predict(
        estimator,
        X,
        y=None,
        cv=None,
        n_jobs=1,
        verbose=0,
        fit_params=None,
        pre_dispatch="2*n_jobs",
    ):
        return model_selection.cross_val_predict(
            estimator,
            X,
            y,
            cv=_folds(cv, X, y, estimator),
            n_jobs=n_jobs,
            verbose=verbose,
            params=fit_params,
            pre_dispatch=pre_dispatch,
        )

    def permutation_test_score(
        estimator,
        X,
        y,
        cv=None,
        n_permutations=100,
        n_jobs=1,
        labels=None,
        random_state=0,
        verbose=0,
        scoring=None,
    ):
        return model_selection.permutation_test_score(
            estimator,
            X,
            y,
            groups=labels,
            cv=_folds(cv, X, y, estimator),
            n_permutations=n_permutations,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
            scoring=_scoring(scoring),
        )

    made: tuple[Any, ...] = (LeavePOut, LabelKFold, LeaveOneLabelOut, LeavePLabelOut)
    made += (LabelShuffleSplit, PredefinedSplit, Bootstrap, check_cv)
    made += (cross_val_score, cross_val_predict, permutation_test_score)
    for value in made:
        value.__module__ = module.__name__
        value.__qualname__ = value.__name__
        setattr(module, value.__name__, value)


def fill_grid_search(module: ModuleType) -> None:
    from sklearn import model_selection

    class _Search:
        """The old arguments, and grid_scores_ of a search of today."""

        estimator: Any
        fit_params: Any
        cv: Any
        scoring: Any
        cv_results_: dict[str, Any]
        n_splits_: int

        def fit(self, X, y=None):
            cv, scoring = self.cv, self.scoring
            self.cv, self.scoring = _folds(cv, X, y, self.estimator), _scoring(scoring)
            try:
                return super().fit(X, y, **(self.fit_params or {}))  # type: ignore[misc]
            finally:
                self.cv, self.scoring = cv, scoring

        @property
        def grid_scores_(self):
            found = self.cv_results_
            folds = [found[f"split{k}_test_score"] for k in range(self.n_splits_)]
            return [
                _Score(parameters, found["mean_test_score"][i], np.array([f[i] for f in folds]))
                for i, parameters in enumerate(found["params"])
            ]

    class GridSearchCV(_Search, model_selection.GridSearchCV):
        def __init__(
            self,
            estimator,
            param_grid,
            scoring=None,
            fit_params=None,
            n_jobs=1,
            iid=True,
            refit=True,
            cv=None,
            verbose=0,
            pre_dispatch="2*n_jobs",
            error_score="raise",
        ):
            super().__init__(
                estimator,
                param_grid,
                scoring=scoring,
                n_jobs=n_jobs,
                refit=refit,
                cv=cv,
                verbose=verbose,
                pre_dispatch=pre_dispatch,
                error_score=error_score,
            )
            self.fit_params, self.iid = fit_params, iid

    class RandomizedSearchCV(_Search, model_selection.RandomizedSearchCV):
        def __init__(
            self,
            estimator,
            param_distributions,
            n_iter=10,
            scoring=None,
            fit_params=None,
            n_jobs=1,
            iid=True,
            refit=True,
            cv=None,
            verbose=0,
            pre_dispatch="2*n_jobs",
            random_state=None,
            error_score="raise",
        ):
            super().__init__(
                estimator,
                param_distributions,
                n_iter=n_iter,
                scoring=scoring,
                n_jobs=n_jobs,
                refit=refit,
                cv=cv,
                verbose=verbose,
                pre_dispatch=pre_dispatch,
                random_state=random_state,
                error_score=error_score,
            )
            self.fit_params, self.iid = fit_params, iid

    for cls in (GridSearchCV, RandomizedSearchCV):
        cls.__module__, cls.__qualname__ = module.__name__, cls.__name__
        setattr(module, cls.__name__, cls)
    for name in ("ParameterGrid", "ParameterSampler"):
        setattr(module, name, getattr(model_selection, name))


def fill_learning_curve(module: ModuleType) -> None:
    from sklearn import model_selection

    def learning_curve(estimator, X, y, train_sizes=None, cv=None, scoring=None, **more):
        sizes = np.linspace(0.1, 1.0, 5) if train_sizes is None else train_sizes
        more |= {"cv": _folds(cv, X, y, estimator), "scoring": _scoring(scoring)}
        return model_selection.learning_curve(estimator, X, y, train_sizes=sizes, **more)

    def validation_curve(
        estimator, X, y, param_name, param_range, cv=None, scoring=None, n_jobs=1, **more
    ):
        more |= {"param_name": param_name, "param_range": param_range, "n_jobs": n_jobs}
        more |= {"cv": _folds(cv, X, y, estimator), "scoring": _scoring(scoring)}
        return model_selection.validation_curve(estimator, X, y, **more)

    module.learning_curve = learning_curve  # type: ignore[attr-defined]
    module.validation_curve = validation_curve  # type: ignore[attr-defined]
