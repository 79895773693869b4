"""A cluster of Dask's, and tasks on it: a result for each, once, whatever is killed meanwhile.

A worker that is lost takes its tasks with it: Dask's scheduler gives them to others. A scheduler
that is lost takes all tasks with it: here they are known by name, and those without a result are
submitted again as soon as it is back.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from theano_today.engine.library import threads as cores
from theano_today.errors import MissingPackageError, RunningError, SetupError, UserError

try:
    import distributed
    from distributed import Client, LocalCluster, as_completed
except ImportError as error:
    raise MissingPackageError(
        f"{error.name} is not installed: Dask runs this on many processes or machines; "
        "pip install -r requirements-examples.txt (or: make examples)"
    ) from None

_PATIENCE = 600  # seconds for a scheduler to come back, and for a first worker to come
_TIMES = 5  # how often a task is submitted again when it was lost with all of its data


class Cluster:
    """Workers for tasks: processes of this machine, or those of a scheduler somewhere.

    A context manager.

    Parameters
    ----------
    address : str or None
        Of the scheduler; None for workers on this machine.
    workers : int or None
        How many: on this machine as many processes (default: one for each core), else wait until
        so many are there (default: 1).
    say : callable
        Called with a line for whatever goes wrong and is mended.
    patience : float
        Seconds to wait for workers, and for a scheduler that was there and is gone.
    connect : float
        Seconds to wait for a scheduler at first.

    Raises
    ------
    SetupError
        No scheduler or no worker is there, or a worker has no compiler; names it.
    """

    def __init__(
        self, address: str | None = None, workers: int | None = None,
        say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
        patience: float = _PATIENCE, connect: float = 30,
    ) -> None:  # fmt: skip
        self.say = say
        self.patience = patience
        self._own: LocalCluster | None = None
        self._client: Client | None = None
        self._shared: Mapping[str, Any] | None = None
        self._sent: Any = None
        # Its own lines are about its inner life, and many.
        for name in ("distributed", "distributed.scheduler", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._threads: int | None = None
        if address is None:
            workers = workers or cores()
            self._threads = max(1, cores() // workers)
            with _ctrl_c_for_us_alone(), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Port .* is already in use", UserWarning)
                self._own = LocalCluster(
                    n_workers=workers, threads_per_worker=1, silence_logs=logging.CRITICAL,
                    dashboard_address="127.0.0.1:8787",
                )  # fmt: skip
            address = self._own.scheduler_address
        self.address = address
        self.workers = workers or 1
        try:
            self._connect(connect)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()

    @property
    def client(self) -> Client:
        assert self._client is not None
        return self._client

    def close(self) -> None:
        """Leave the cluster; end it, if its workers are this machine's."""
        with _quiet_end():
            if self._client is not None:
                self._client.close(timeout=5)
            if self._own is not None:
                self._own.close(timeout=5)
        self._client = self._own = None

    def described(self) -> str:
        """Say what there is: workers, threads, the address of the dashboard."""
        each = list(self.client.nthreads().values())
        count = sum(each) if self._threads is None else self._threads * len(each)
        return (
            f"{len(each)} worker{'s' * (len(each) != 1)}, {count} thread{'s' * (count != 1)}; "
            f"dashboard: {self.client.dashboard_link}"
        )

    def share(self, **data: Any) -> None:
        """Send data to all workers, once; tasks get them as keyword arguments."""
        self._shared, self._sent = data, None

    def results(
        self, function: Callable[..., Any], tasks: Iterable[tuple[str, tuple]],
        at_once: int | None = None,
    ) -> Iterator[tuple[str, Any]]:  # fmt: skip
        """Run ``function(*arguments, **shared)`` for each task; yield names and results.

        Each comes once, as soon as it is there, in whatever order.

        Parameters
        ----------
        function : callable
            Of a module that the workers can import. A task may run twice, or twice at a time,
            where a worker was lost or was thought to be: what it writes must be the same, whole or
            not there.
        tasks : iterable of (str, tuple)
            Names, all different, and arguments. No more of them are drawn than are at work.
        at_once : int, optional
            How many tasks are with the scheduler at a time; default: two for each thread.

        Raises
        ------
        UserError
            A task's own; or tasks were lost again and again.
        """
        source = iter(tasks)
        waiting: dict[str, tuple] = {}  # without a result
        lost: dict[str, int] = {}
        finished: set[str] = set()
        while True:
            try:
                for name, result in self._batch(function, source, waiting, at_once):
                    if name not in finished:
                        finished.add(name)
                        yield name, result
                return
            except _Lost as error:
                for name in error.names:
                    lost[name] = lost.get(name, 0) + 1
                    if lost[name] >= _TIMES:
                        raise RunningError(
                            f"{name} was lost {_TIMES} times, with its data: the workers end "
                            "before it does (memory? time limits?); their logs tell more"
                        ) from None
                self._reconnect()

    def _batch(self, function, source, waiting, at_once) -> Iterator[tuple[str, Any]]:
        client = self.client
        futures: dict[Any, str] = {}
        shared = self._send()
        at_once = at_once or 2 * max(1, sum(client.nthreads().values()))

        def submit(name: str, arguments: tuple) -> Any:
            future = client.submit(
                function, *arguments, **shared, key=f"{name}-{time.monotonic_ns()}", pure=False
            )
            futures[future] = name
            return future

        def more() -> Iterator[Any]:
            while len(futures) < at_once:
                task = next(source, None)
                if task is None:
                    return
                waiting[task[0]] = task[1]
                yield submit(*task)

        try:
            running = as_completed([submit(*task) for task in waiting.items()], loop=client.loop)
            running.update(list(more()))
            for future in running:
                name = futures.pop(future)
                if future.status == "error":
                    self._explain(name, future)
                if future.status != "finished":
                    raise _Lost([name, *futures.values()])
                try:
                    result = future.result()
                except _GONE:
                    # It is there, and its worker is gone since: Dask computes it again.
                    raise _Lost([name, *futures.values()]) from None
                del waiting[name]
                future.release()
                yield name, result
                running.update(list(more()))
        finally:
            with contextlib.suppress(Exception):
                client.cancel(list(futures), force=True)

    def _explain(self, name: str, future) -> None:
        error = future.exception()
        if isinstance(error, distributed.scheduler.KilledWorker):
            raise RunningError(
                f"{name}: the workers that ran it died, several times (memory?); see the "
                f"dashboard, {self.client.dashboard_link}, and their logs"
            ) from None
        cause: BaseException | None = error
        while cause is not None:  # what a net was unpickled with may lack a compiler
            if isinstance(cause, UserError):
                raise cause from None
            cause = cause.__cause__
        if isinstance(error, _CANCELLED):
            raise _Lost([name])
        future.result()  # which raises it, with the worker's traceback

    def _send(self) -> Mapping[str, Any]:
        """The shared data on the workers, there already or sent now."""
        if self._shared is None:
            return {}
        names = list(self._shared)
        if self._sent is None:
            self._sent = self.client.scatter(
                list(self._shared.values()), broadcast=True, hash=False
            )
        return dict(zip(names, self._sent, strict=True))

    def _connect(self, timeout: float) -> None:
        from theano_today.dask import prepare

        try:
            self._client = Client(self.address, timeout=timeout, set_as_default=False)
        except (OSError, ValueError) as error:
            raise SetupError(
                f"no scheduler of Dask at {self.address} ({_line(error)}); start one with "
                "`dask scheduler`, or leave --scheduler out to use this machine"
            ) from None
        try:
            self._client.wait_for_workers(self.workers, timeout=self.patience)
        except (TimeoutError, distributed.TimeoutError):
            raise SetupError(
                f"the scheduler at {self.address} has {len(self._client.nthreads())} of "
                f"{self.workers} workers after {self.patience:.0f} s; start them with "
                f"`dask worker {self.address}`"
            ) from None
        try:
            prepare(self._client, self._threads)
        except ModuleNotFoundError as error:
            raise SetupError(
                f"the workers of {self.address} cannot import {error.name}: they need this "
                "repository in PYTHONPATH and its requirements; see docs/scale.md"
            ) from None

    def _reconnect(self) -> None:
        """After tasks were lost: to the scheduler that is there, or to the next one."""
        with contextlib.suppress(Exception):
            if self._client is not None and self._client.status == "running":
                self._client.scheduler_info()
                self._client.nthreads()
                self._sent = None  # may be what was lost
                self._client.wait_for_workers(1, timeout=self.patience)
                self.say("workers were lost, with data: sent again")
                return
        if self._own is not None:
            raise RunningError("the cluster of this machine has ended: start the command again")
        self.say(f"the scheduler at {self.address} is gone: waiting for it")
        with _quiet_end():
            if self._client is not None:
                self._client.close(timeout=2)
        self._client = self._sent = None
        end = time.monotonic() + self.patience
        while True:
            try:
                self._connect(10)
                break
            except SetupError as error:
                if time.monotonic() > end or "no scheduler" not in str(error):
                    raise
                time.sleep(2)
        self.say(f"the scheduler is back: {self.described()}")


class _Lost(Exception):
    """Tasks whose results nobody will bring."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.names = list(names)


_CANCELLED: tuple[type[BaseException], ...] = (
    distributed.CancelledError,
    getattr(distributed.client, "FutureCancelledError", distributed.CancelledError),
    getattr(distributed.client, "FuturesCancelledError", distributed.CancelledError),
)

_GONE: tuple[type[BaseException], ...] = (OSError, *_CANCELLED)


@contextlib.contextmanager
def _ctrl_c_for_us_alone() -> Iterator[None]:
    """Processes started from here, and from threads that are, do not get the terminal's Ctrl-C.

    It waits meanwhile. The cluster ends its workers itself.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _quiet_end() -> Iterator[None]:
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
