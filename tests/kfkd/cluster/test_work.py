"""Tasks on worker processes that are killed, and on a scheduler that is: each result once."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from tests.clusters import REASON
from tests.fresh_python import ROOT
from theano_today.errors import DataError, RunningError, SetupError

pytest.importorskip("distributed", reason=REASON)

from kfkd.cluster.work import Cluster

DATA = np.arange(10.0)


def add(number, folder, seconds, data):
    """A task that leaves a trace of each time it ran."""
    (folder / f"{number}-{os.getpid()}-{time.monotonic_ns()}").touch()
    time.sleep(seconds)
    return number + float(data.sum())


def refuse(number, data):
    raise DataError(f"{number} is refused")


def tasks(folder, count=6, seconds=0.3):
    return [(f"task {i}", (i, folder, seconds)) for i in range(count)]


def expected(count=6):
    return {f"task {i}": i + 45.0 for i in range(count)}


def kill_first(folder, how_many=1):
    """Kill the processes that the first traces name, as soon as they are there."""
    killed = set()
    while len(killed) < how_many:
        for path in folder.iterdir():
            process = int(path.name.split("-")[1])
            if process not in killed and len(killed) < how_many:
                os.kill(process, signal.SIGKILL)
                killed.add(process)
        time.sleep(0.02)


def collected(cluster, folder, **options):
    found = list(cluster.results(add, tasks(folder, **options)))
    assert len(found) == len(dict(found))  # each once
    return dict(found)


@pytest.fixture(scope="module")
def cluster():
    with Cluster(workers=2) as cluster:
        yield cluster


def test_results(cluster, tmp_path):
    cluster.share(data=DATA)
    assert collected(cluster, tmp_path, seconds=0) == expected()
    assert len(list(tmp_path.iterdir())) == 6
    assert cluster.described().startswith("2 workers, ")
    assert "dashboard: http://" in cluster.described()


def test_no_more_tasks_are_drawn_than_are_at_work(cluster, tmp_path):
    cluster.share(data=DATA)
    drawn = []

    def source():
        for task in tasks(tmp_path, 20, 0):
            drawn.append(task[0])
            yield task

    results = cluster.results(add, source(), at_once=3)
    next(results)
    assert len(drawn) <= 4
    assert len(list(results)) == 19


def test_an_error_of_a_task(cluster):
    cluster.share(data=DATA)
    with pytest.raises(DataError, match=r"^3 is refused"):
        list(cluster.results(refuse, [("task", (3,))]))


@pytest.mark.long
@pytest.mark.parametrize("how_many", [1, 2])  # two: all that have the data
def test_workers_killed(cluster, tmp_path, how_many):
    cluster.share(data=DATA)
    killer = threading.Thread(target=kill_first, args=(tmp_path, how_many))
    killer.start()
    assert collected(cluster, tmp_path) == expected()
    killer.join()
    assert len(list(tmp_path.iterdir())) > 6  # what was lost ran again


def test_no_scheduler():
    with pytest.raises(SetupError, match=r"no scheduler of Dask at tcp://127.0.0.1:1 \("):
        Cluster("tcp://127.0.0.1:1", connect=2)


@contextmanager
def process(*words, **environment):
    command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    started = subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": path} | environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def commands(folder):
    """The scheduler's address, and the words that start it and a worker."""
    address = f"tcp://127.0.0.1:{(port := free_port())}"
    scheduler = (
        "dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--dashboard-address", ":0"
    )  # fmt: skip
    return address, scheduler, (
        "dask_worker", address, "--nthreads", "1", "--local-directory", str(folder)
    )  # fmt: skip


@pytest.mark.long
def test_the_scheduler_restarted(tmp_path):
    address, scheduler, worker = commands(tmp_path)
    folder = tmp_path / "traces"
    folder.mkdir()
    said = []
    with process(*scheduler) as first, process(*worker):
        with Cluster(address, say=said.append, patience=120) as cluster:
            cluster.share(data=DATA)
            results = cluster.results(add, tasks(folder, 5))
            found = [next(results), next(results)]
            first.kill()
            first.wait()
            with process(*scheduler), process(*worker):
                found += list(results)
    assert len(found) == 5
    assert dict(found) == expected(5)
    assert any("is gone: waiting for it" in line for line in said)
    assert any("is back: 1 worker, 1 thread" in line for line in said)


def test_lost_again_and_again(monkeypatch, cluster):
    from kfkd.cluster import work

    def lost(*arguments):
        raise work._Lost(["net 1"])
        yield

    monkeypatch.setattr(cluster, "_batch", lost)
    monkeypatch.setattr(cluster, "_reconnect", lambda: None)
    with pytest.raises(RunningError, match="net 1 was lost 5 times"):
        list(cluster.results(add, []))
