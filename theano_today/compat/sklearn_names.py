"""Modules and names that scikit-learn dropped: lda, qda, externals, Imputer, data sets."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np

from theano_today import hooks


def install() -> None:
    # Gone in 0.19.
    hooks.supply("sklearn.lda", _fill_lda)
    hooks.supply("sklearn.qda", _fill_qda)
    # Gone in 0.23. joblib comes with scikit-learn, six is among our requirements.
    for name in ("joblib", "joblib.numpy_pickle", "joblib.parallel", "six", "six.moves"):
        hooks.supply(f"sklearn.externals.{name}", _fill_external)
    hooks.after_import("sklearn.preprocessing", _add_imputer)
    hooks.supply("sklearn.preprocessing.imputation", _fill_imputation)
    hooks.after_import("sklearn.datasets", _add_fetch_mldata)


def _fill_lda(module: ModuleType) -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    module.LDA = LinearDiscriminantAnalysis  # type: ignore[attr-defined]


def _fill_qda(module: ModuleType) -> None:
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    module.QDA = QuadraticDiscriminantAnalysis  # type: ignore[attr-defined]


def _fill_external(module: ModuleType) -> None:
    real = importlib.import_module(module.__name__.removeprefix("sklearn.externals."))
    own = {name for name in vars(module) if name[:2] == "__"}
    module.__dict__.update({k: v for k, v in vars(real).items() if k not in own})
    # six.moves finds its names when they are asked for.
    module.__getattr__ = lambda name: getattr(real, name)  # type: ignore[method-assign]


def _fill_imputation(module: ModuleType) -> None:
    import sklearn.preprocessing

    module.Imputer = sklearn.preprocessing.Imputer  # type: ignore[attr-defined]


def _add_imputer(module: ModuleType) -> None:
    if hasattr(module, "Imputer"):
        return
    from sklearn.base import BaseEstimator, TransformerMixin

    class Imputer(TransformerMixin, BaseEstimator):
        """SimpleImputer by its name until 0.22, with an axis: 1 fills along rows."""

        def __init__(self, missing_values="NaN", strategy="mean", axis=0, verbose=0, copy=True):
            self.missing_values, self.strategy, self.axis = missing_values, strategy, axis
            self.verbose, self.copy = verbose, copy

        def _made(self):
            from sklearn.impute import SimpleImputer

            if self.axis not in (0, 1):
                raise ValueError(f"axis must be 0 or 1; got {self.axis!r}")
            missing = np.nan if self.missing_values == "NaN" else self.missing_values
            copy = self.copy and self.axis == 0  # the other one transposes
            return SimpleImputer(missing_values=missing, strategy=self.strategy, copy=copy)

        def fit(self, X, y=None):
            imputer = self._made()
            if self.axis == 0:
                self._imputer = imputer.fit(X)
                self.statistics_ = imputer.statistics_
            return self

        def transform(self, X):
            if self.axis == 0:
                return self._imputer.transform(X)
            rows = np.array(X, dtype=float)
            missing = np.nan if self.missing_values == "NaN" else self.missing_values
            empty = np.isnan(rows) if missing is np.nan else rows == missing
            if empty.all(axis=1).any():
                raise ValueError("Some rows only contain missing values; drop them first")
            return self._made().fit_transform(rows.T).T

    Imputer.__module__, Imputer.__qualname__ = module.__name__, "Imputer"
    module.Imputer = Imputer  # type: ignore[attr-defined]


def _add_fetch_mldata(module: ModuleType) -> None:
    def fetch_mldata(dataname, target_name="label", data_name="data", transpose_data=True, **more):
        """Raise an OSError: mldata.org is gone, and with it fetch_mldata, since 0.22."""
        raise OSError(
            f"fetch_mldata({dataname!r}): the site mldata.org no longer exists. Most of its "
            "data is at openml.org: fetch_openml('mnist_784', version=1, as_frame=False) of "
            "sklearn.datasets has the digits of 'MNIST original', labels as strings, "
            "rows in another order."
        )

    # load_boston, gone in 1.2, needs nothing: scikit-learn's own error says how to get the data.
    if "fetch_mldata" not in vars(module):
        module.fetch_mldata = fetch_mldata  # type: ignore[attr-defined]
