"""dask-ml's adaptive searches, on worker processes."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

from importlib.util import find_spec

import pytest

from tests.clusters import REASON, XX, YY, client_of, seeded
from tests.fresh_python import fresh_python

PARAMETERS = {"update_learning_rate": [0.01, 0.02, 0.05, 0.1], "hidden_num_units": [3, 5]}


def incremental():
    from dask_ml.model_selection import IncrementalSearchCV

    return IncrementalSearchCV(
        seeded(), PARAMETERS, n_initial_parameters=2, decay_rate=None, max_iter=2,
        scoring="neg_mean_squared_error", random_state=1,
    )  # fmt: skip


def hyperband():
    from dask_ml.model_selection import HyperbandSearchCV

    return HyperbandSearchCV(
        seeded(), PARAMETERS, max_iter=3, scoring="neg_mean_squared_error", random_state=1
    )


@pytest.mark.long
@pytest.mark.skipif(not find_spec("dask_ml"), reason=REASON)
def test_adaptive_searches():
    """In a process of its own: dask-ml imports numba, with which NumPy is today's alone."""
    done = fresh_python("-c", f"from {__name__} import check; check()")
    assert done.returncode == 0, done.stderr


def check():
    found = []
    for workers in (2, 1):
        with client_of(workers=workers):
            found.append([make().fit(XX, YY) for make in (incremental, hyperband)])
    for two, one in zip(*found, strict=True):
        assert two.best_params_ == one.best_params_
        assert list(two.cv_results_["test_score"]) == list(one.cv_results_["test_score"])
        # Trained by partial_fit, one epoch each time, on numbers that went on where they were.
        calls = two.cv_results_["partial_fit_calls"][two.best_index_]
        assert len(two.best_estimator_.train_history_) == calls > 1
        assert two.best_estimator_.predict(XX).shape == YY.shape
