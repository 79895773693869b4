"""What dask-ml 2025.1.0 needs of today's dask: its adaptive searches.

IncrementalSearchCV, HyperbandSearchCV and their kin run within the client's event loop and call
``dask.persist`` there, which asks for the scheduler first. Since dask 2025.3 it refuses a client
that is asynchronous ("Attempting to use an asynchronous Client in a synchronous context"), before
it comes to the client's own `persist`, which only submits, and may be called from anywhere. Named
by its method, the client is not asked.
"""

from __future__ import annotations

from types import ModuleType

from theano_today import hooks
from theano_today.compat.source import edit


def install() -> None:
    hooks.after_import("dask_ml.model_selection._incremental", _name_the_scheduler)


def _name_the_scheduler(incremental: ModuleType) -> None:
    def persist(client, *collections, **options):
        return incremental.dask.persist(*collections, scheduler=client.get, **options)

    incremental._persist = persist  # type: ignore[attr-defined]
    edit(incremental._fit, {"dask.persist(": "_persist(client, "})
