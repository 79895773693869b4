"""Modules of scikit-learn that are private since 0.22 (their old names gone in 0.24).

``from sklearn.metrics.classification import accuracy_score`` is ``sklearn.metrics._classification``
today. The table is that of 0.22's own deprecations.
"""

from __future__ import annotations

import importlib
import unittest
from types import ModuleType
from typing import Any

from theano_today import hooks

# Package: modules that got an underscore before them, and lost the one behind them.
_PRIVATE = {
    "cluster": "affinity_propagation_ bicluster birch dbscan_ feature_agglomeration mean_shift_ "
    "optics_ spectral",
    "covariance": "elliptic_envelope empirical_covariance_ robust_covariance shrunk_covariance_",
    "cross_decomposition": "pls_",
    "datasets": "base california_housing covtype kddcup99 lfw olivetti_faces openml rcv1 "
    "samples_generator species_distributions twenty_newsgroups",
    "decomposition": "dict_learning factor_analysis fastica_ incremental_pca kernel_pca nmf pca "
    "sparse_pca truncated_svd",
    "ensemble": "bagging base forest iforest voting weight_boosting",
    "feature_extraction": "dict_vectorizer",
    "feature_selection": "base from_model mutual_info_ rfe univariate_selection variance_threshold",
    "gaussian_process": "gpc gpr",
    "linear_model": "base coordinate_descent huber least_angle logistic omp passive_aggressive "
    "perceptron ransac ridge sag stochastic_gradient theil_sen",
    "manifold": "isomap locally_linear mds t_sne",
    "metrics": "base classification ranking regression scorer",
    "mixture": "base bayesian_mixture gaussian_mixture",
    "neighbors": "base classification graph kde lof nearest_centroid regression unsupervised",
    "neural_network": "multilayer_perceptron rbm",
    "preprocessing": "data label",
    "semi_supervised": "label_propagation",
    "svm": "base bounds",
    "tree": "export",
}
# Those that got a name of another kind.
_RENAMED = {
    "cluster.hierarchical": "cluster._agglomerative",
    "cluster.k_means_": "cluster._kmeans",
    "covariance.graph_lasso_": "covariance._graph_lasso",
    "cross_decomposition.cca_": "cross_decomposition._pls",
    "datasets.svmlight_format": "datasets._svmlight_format_io",
    "ensemble.gradient_boosting": "ensemble._gb",
    "feature_extraction.hashing": "feature_extraction._hash",
    "linear_model.bayes": "linear_model._bayes",
    "manifold.spectral_embedding_": "manifold._spectral_embedding",
    "svm.classes": "svm._classes",
    "tree.tree": "tree._classes",
}
# What sklearn.utils.testing had of nose.
_ASSERTIONS = {
    "assert_almost_equal": "assertAlmostEqual",
    "assert_dict_equal": "assertDictEqual",
    "assert_equal": "assertEqual",
    "assert_false": "assertFalse",
    "assert_greater": "assertGreater",
    "assert_greater_equal": "assertGreaterEqual",
    "assert_in": "assertIn",
    "assert_less": "assertLess",
    "assert_less_equal": "assertLessEqual",
    "assert_not_equal": "assertNotEqual",
    "assert_not_in": "assertNotIn",
    "assert_raises": "assertRaises",
    "assert_raises_regex": "assertRaisesRegex",
    "assert_raises_regexp": "assertRaisesRegex",
    "assert_true": "assertTrue",
}


def modules() -> dict[str, str]:
    """Return today's names of modules by their former ones."""
    table = {f"sklearn.{old}": f"sklearn.{new}" for old, new in _RENAMED.items()}
    for package, names in _PRIVATE.items():
        for name in names.split():
            table[f"sklearn.{package}.{name}"] = f"sklearn.{package}._{name.rstrip('_')}"
    return table


def install() -> None:
    for name in modules():
        hooks.supply(name, _fill)
    hooks.supply("sklearn.utils.testing", _fill_testing)
    hooks.after_import("sklearn.utils", _add_safe_indexing)
    hooks.after_import("sklearn.decomposition", _add_randomized_pca)


def _fill(module: ModuleType) -> None:
    _copy(importlib.import_module(modules()[module.__name__]), module)


def _copy(private: ModuleType, module: ModuleType) -> None:
    # With its private names, and what it imported: programs took these, too.
    names = {k: v for k, v in vars(private).items() if k[:2] != "__"}
    package = importlib.import_module(module.__name__.rpartition(".")[0])
    for name in getattr(package, "__all__", ()):
        if module.__name__ == "sklearn.datasets.base" and hasattr(package, name):
            names.setdefault(name, getattr(package, name))  # all loaders were in there
    vars(module).update(names)
    if module.__name__ == "sklearn.datasets.base":
        from sklearn.utils import Bunch

        module.Bunch = Bunch  # type: ignore[attr-defined]


def _fill_testing(module: ModuleType) -> None:
    _copy(importlib.import_module("sklearn.utils._testing"), module)
    case = unittest.TestCase()
    for name, method in _ASSERTIONS.items():
        vars(module).setdefault(name, getattr(case, method))


def _add_safe_indexing(utils: ModuleType) -> None:
    # Gone in 0.24.
    if "safe_indexing" not in vars(utils):

        def safe_indexing(X: Any, indices: Any, axis: int = 0) -> Any:
            return utils._safe_indexing(X, indices, axis=axis)

        utils.safe_indexing = safe_indexing  # type: ignore[attr-defined]


def _add_randomized_pca(decomposition: ModuleType) -> None:
    # Gone in 0.20: PCA by its solver.
    if "RandomizedPCA" in vars(decomposition):
        return

    class RandomizedPCA(decomposition.PCA):  # type: ignore[name-defined]
        """PCA with ``svd_solver="randomized"``, by its name until 0.20."""

        def __init__(
            self, n_components=None, copy=True, iterated_power=2, whiten=False, random_state=None
        ):
            super().__init__(
                n_components,
                copy=copy,
                whiten=whiten,
                svd_solver="randomized",
                iterated_power=iterated_power,
                random_state=random_state,
            )

    RandomizedPCA.__module__, RandomizedPCA.__qualname__ = decomposition.__name__, "RandomizedPCA"
    decomposition.RandomizedPCA = RandomizedPCA  # type: ignore[attr-defined]
