"""Nets on the workers of a Dask cluster: processes, killed, without a compiler, of few threads."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import functools
import os
import signal
import subprocess
import sys
import time
from typing import ClassVar

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, RandomizedSearchCV

from tests.clusters import REASON, XX, YY, client_of, seeded
from tests.fresh_python import ROOT
from theano_today.errors import SetupError

pytest.importorskip("distributed", reason=REASON)

GRID = {"update_learning_rate": [0.01, 0.1], "hidden_num_units": [3, 5]}
COMMON = {"cv": 2, "scoring": "neg_mean_squared_error", "error_score": "raise"}


@pytest.fixture(scope="module")
def client():
    with client_of(workers=2) as client:
        yield client


def scores(search):
    """What a search found, but for times."""
    return {k: v for k, v in search.cv_results_.items() if "time" not in k and "rank" not in k}


def same(one, other):
    one, other = scores(one), scores(other)
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def on_cluster(search, **options):
    with joblib.parallel_config(backend="dask", scatter=[XX, YY], **options):
        return clone(search).fit(XX, YY)


def threads_of_the_kernels():
    from theano_today.engine import library

    return library.threads(), os.environ["OMP_NUM_THREADS"]


def test_grid(client):
    search = GridSearchCV(seeded(), {"update_learning_rate": [0.01, 0.1]}, **COMMON)
    found = on_cluster(search)
    same(found, clone(search).fit(XX, YY))
    assert set(client.run(threads_of_the_kernels).values()) == {(1, "1")}
    # The best net came back trained, and goes on here.
    assert len(found.best_estimator_.train_history_) == 2
    assert np.isfinite(found.predict(XX)).all()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["randomized", "halving"])
def test_other_searches(client, kind):
    search = {
        "randomized": RandomizedSearchCV(seeded(), GRID, n_iter=3, random_state=1, **COMMON),
        "halving": HalvingRandomSearchCV(
            seeded(), GRID, n_candidates=4, min_resources=20, random_state=1, **COMMON
        ),
    }[kind]
    same(on_cluster(search), clone(search).fit(XX, YY))


@pytest.mark.long
def test_the_number_of_workers_changes_nothing(client):
    search = GridSearchCV(seeded(), GRID, **COMMON)
    two = on_cluster(search)
    with client_of(workers=1, threads=3) as another:
        assert set(another.run(threads_of_the_kernels).values()) == {(3, "3")}
        same(two, on_cluster(search, client=another))


class Slow:
    """A handler that takes as long as a test needs to kill its worker."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, net, history):
        (self.folder / str(os.getpid())).touch()
        time.sleep(0.3)


@pytest.mark.long
def test_a_worker_killed_in_the_middle_of_a_search(tmp_path):
    import threading

    search = GridSearchCV(seeded(), GRID, refit=False, **COMMON)
    expected = clone(search).fit(XX, YY)
    search.estimator = seeded(on_epoch_finished=[Slow(tmp_path)])
    killed = []

    def kill():
        while not killed:
            for path in tmp_path.iterdir():
                os.kill(int(path.name), signal.SIGKILL)
                killed.append(path.name)
                return
            time.sleep(0.05)

    with client_of(workers=2) as client:
        killer = threading.Thread(target=kill)
        killer.start()
        with joblib.parallel_config(backend="dask", scatter=[XX, YY], client=client):
            found = search.fit(XX, YY)
        killer.join()
    assert killed
    np.testing.assert_array_equal(
        found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


def test_a_worker_without_a_compiler(tmp_path):
    flags = f"cxx=/nowhere/g++,base_compiledir={tmp_path}"
    with client_of(workers=1, ready=False, env={"THEANO_FLAGS": flags}) as client:
        from theano_today.dask import prepare

        (address,) = client.scheduler_info()["workers"]
        with pytest.raises(SetupError, match="does not run") as caught:
            prepare(client)
        assert address in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.long
def test_a_worker_that_joins_later_without_a_compiler(tmp_path):
    """A task that it can load says so; with one that it cannot, Dask lets the worker go."""
    environment = os.environ | {
        "THEANO_FLAGS": f"cxx=/nowhere/g++,base_compiledir={tmp_path}",
        "PYTHONPATH": str(ROOT),
    }
    with client_of(workers=1) as client:
        command = [sys.executable, "-m", "distributed.cli.dask_worker"]
        command += [client.scheduler.address, "--nthreads", "1", "--name", "late"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as late:
            try:
                client.wait_for_workers(2, timeout=120)
                workers = client.scheduler_info()["workers"]
                (address,) = (a for a, known in workers.items() if known["name"] == "late")
                with pytest.raises(SetupError, match=r"worker late \(.*does not run"):
                    task = client.submit(lambda: __import__("theano").config.cxx, workers=address)
                    task.result(timeout=120)
            finally:
                late.terminate()


def test_threads_of_kernels_that_are_loaded_already(monkeypatch):
    from theano_today.dask import use_threads
    from theano_today.engine import library

    class Kernels:
        counts: ClassVar[list] = []

        def today_set_threads(self, count):
            self.counts.append(count)

    @functools.cache
    def kernels():
        return Kernels()

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(library, "kernels", kernels)
    use_threads(3)  # not loaded: nobody waits for them
    assert (library.threads(), Kernels.counts) == (3, [])
    kernels()
    use_threads(2)
    assert (library.threads(), Kernels.counts) == (2, [2])
