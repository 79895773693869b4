"""Workers of a Dask cluster that train nets: for each client, once, before the first task.

    from dask.distributed import Client
    from theano_today.dask import prepare

    client = Client("tcp://scheduler:8786")
    prepare(client)
    with joblib.parallel_config(backend="dask", scatter=[X, y]):
        search.fit(X, y)

Each worker, those that come later too, then has Theano's packages importable, and its kernels on as
many threads as the worker has (nthreads): Dask itself allows one for OMP, however many a worker
has. Errors of the worker's machine begin with the worker's name. Where no Python program can be
asked for that, the command line does the same: ``dask worker --preload theano_today.dask``.

theano_today itself must be importable in the workers, and of the same version.
"""

from __future__ import annotations

import os
import socket
import sys

from distributed import Client, Worker, WorkerPlugin

from theano_today import errors


class Prepared(WorkerPlugin):
    """What `prepare` has each worker do."""

    name = "theano_today"

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads

    def setup(self, worker: Worker) -> None:
        errors.place = f"worker {worker.name} ({worker.address}) on {socket.gethostname()}"
        use_threads(self.threads or worker.state.nthreads)
        import theano  # noqa: F401  (SetupError without a compiler)


def prepare(client: Client, threads: int | None = None) -> None:
    """Prepare the workers that a client has now, and those that come later.

    Parameters
    ----------
    threads : int, optional
        Of the kernels, in each worker; default: its nthreads, which is also how many tasks Dask
        gives it at a time.

    Raises
    ------
    SetupError
        Names a worker that has no compiler, no headers of Python or no compile directory that can
        be written to. One that comes later says so in its log.
    """
    client.register_plugin(Prepared(threads))


def use_threads(count: int) -> None:
    """Run the kernels on `count` threads, whether they are in use already or not."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    # Those that are still being compiled read it when they are loaded, by the first task: this runs
    # in the worker's event loop, which nothing must hold up for long.
    library = sys.modules.get("theano_today.engine.library")
    if library is not None and library.kernels.cache_info().currsize:
        kernels = library.kernels()
        if kernels is not None:
            kernels.today_set_threads(count)


def dask_setup(worker: Worker) -> None:
    """Of ``--preload theano_today.dask``."""
    Prepared().setup(worker)
