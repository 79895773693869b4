"""What a Dask cluster costs, beside joblib's loky and one process: 16 small fits.

    python benchmarks/search.py              # 3 rounds of each, by turns
    python benchmarks/search.py --rounds 1 --epochs 2

GridSearchCV of a small net (8 learning rates, 2 folds) on noise, three ways: one
process whose kernels have all cores; loky and Dask's LocalCluster with a process
for each core, one thread each. Started and warm: each way has run once before.
Then the bytes that the client and the scheduler send for a task, the memory of
each process, and how many tasks the scheduler can handle in a second, from which
docs/scale.md reckons. Needs requirements-examples.txt; takes some minutes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import theano_today  # noqa: F401, I001  (first: it makes the packages of 2014 importable)

import argparse
import logging
import os
import time
from collections.abc import Callable

import joblib
import numpy as np
import psutil
from dask.distributed import Client, LocalCluster
from lasagne import layers
from nolearn.lasagne import NeuralNet
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from benchmarks.common import Spread, interleave, seconds_of
from theano_today.dask import prepare, use_threads
from theano_today.engine.library import threads

RATES = [0.002, 0.003, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05]


def small(epochs: int) -> NeuralNet:
    """One stage and one hidden layer on faces of 48x48."""
    return NeuralNet(
        layers=[
            ("input", layers.InputLayer), ("conv1", layers.Conv2DLayer),
            ("pool1", layers.MaxPool2DLayer), ("hidden2", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 1, 48, 48), conv1_num_filters=16, conv1_filter_size=(3, 3),
        pool1_pool_size=(2, 2), hidden2_num_units=100, output_num_units=30,
        output_nonlinearity=None, update_learning_rate=0.01, update_momentum=0.9,
        regression=True, max_epochs=epochs, random_state=1,
    )  # fmt: skip


def search(epochs: int) -> GridSearchCV:
    return GridSearchCV(
        small(epochs), {"update_learning_rate": RATES}, cv=2, refit=False,
        scoring="neg_mean_squared_error", error_score="raise",
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--epochs", type=int, default=10, metavar="N")
    parser.add_argument("--rows", type=int, default=2000, metavar="N")
    options = parser.parse_args()

    X = np.random.RandomState(0).uniform(size=(options.rows, 1, 48, 48)).astype(np.float32)
    y = np.random.RandomState(1).uniform(-1, 1, (options.rows, 30)).astype(np.float32)
    cores = threads()
    found: dict[str, list[float]] = {}

    def run(name: str, jobs: int | None, **backend) -> Callable[[], dict[str, float]]:
        def measured() -> dict[str, float]:
            use_threads(cores if jobs is None else 1)
            with joblib.parallel_config(n_jobs=jobs, **backend):
                searching = clone(search(options.epochs))
                before = processor_time()
                seconds = seconds_of(lambda: searching.fit(X, y))
            found[name] = list(searching.cv_results_["mean_test_score"])
            return {"seconds": seconds, "processor": processor_time() - before}

        return measured

    begin = time.perf_counter()
    with (
        LocalCluster(
            n_workers=cores, threads_per_worker=1, dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        prepare(client)
        print(f"{cores} cores; the cluster is ready after {time.perf_counter() - begin:.1f} s")
        dask = run("Dask", -1, backend="dask", scatter=[X, y])
        ways = {
            "one process": run("one process", None),
            "loky": run("loky", cores, backend="loky"),
            "Dask": dask,
        }
        times = interleave(ways, options.rounds)
        assert found["loky"] == found["one process"] == found["Dask"]
        print(f"16 fits of {options.epochs} epochs on {options.rows // 2} rows")
        for figure, words in (("seconds", "seconds"), ("processor", "seconds of all processors")):
            print(f"{words}, the median (least to most); Dask's least beside each's")
            least = {name: figures[figure].low for name, figures in times.items()}
            for name, figures in times.items():
                spread: Spread = figures[figure]
                print(f"  {name:<12} {spread!s:<26} {least['Dask'] / least[name]:.2f}")
        traffic(client, cluster, dask, X.nbytes + y.nbytes)
        memory(client)
        rate(client)
    return 0


def processor_time() -> float:
    """Of this process and all that it has started, in seconds."""
    this = psutil.Process()
    times = [process.cpu_times() for process in [this, *this.children(recursive=True)]]
    return sum(t.user + t.system for t in times)


def traffic(client: Client, cluster: LocalCluster, dask: Callable, data: int) -> None:
    """What goes through the streams; data is scattered by connections of its own."""
    scheduler = cluster.scheduler

    def sent() -> np.ndarray:
        by_scheduler = [stream.byte_count for stream in scheduler.stream_comms.values()]
        return np.array([client.scheduler_comm.byte_count, sum(by_scheduler)])

    before = sent()
    dask()
    time.sleep(0.5)  # streams are written in batches
    by_client, by_scheduler = (sent() - before) / 16
    print(
        f"bytes for a fit: {by_client:,.0f} from the client, {by_scheduler:,.0f} from the "
        f"scheduler to workers; the data ({data:,} bytes) once to each worker"
    )


def memory(client: Client) -> None:
    def resident() -> float:
        return psutil.Process(os.getpid()).memory_info().rss / 2**20

    workers = ", ".join(f"{v:.0f}" for v in client.run(resident).values())
    print(f"resident: client and scheduler {resident():.0f} MB; workers {workers} MB")


def rate(client: Client, count: int = 4000) -> None:
    """Tasks that do nothing: what the scheduler itself takes, in time and in memory."""
    process = psutil.Process()
    client.gather(client.map(lambda i: i, range(100), pure=False))
    memory_before, begin = process.memory_info().rss, time.perf_counter()
    times = process.cpu_times()
    futures = client.map(lambda i: i, range(count), pure=False)
    client.gather(futures)
    seconds = time.perf_counter() - begin
    now = process.cpu_times()
    spent = now.user + now.system - times.user - times.system
    kept = (process.memory_info().rss - memory_before) / count
    print(
        f"empty tasks: {count / seconds:,.0f} a second, {1000 * spent / count:.2f} ms of "
        f"processor time each in the client and scheduler, {kept / 1024:.1f} KB kept for each"
    )


if __name__ == "__main__":
    sys.exit(main())
