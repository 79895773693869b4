"""Clusters of Dask whose workers are processes of their own, and nets for them."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import logging
from contextlib import contextmanager

import numpy as np
import pytest

from tests.tiny_nets import X, Y, tiny

REASON = "Dask is not installed (requirements-examples.txt)"

# Rows enough for folds of folds.
XX, YY = np.tile(X, (3, 1)), np.tile(Y, (3, 1))


@contextmanager
def client_of(workers=2, threads=1, ready=True, **options):
    """A client of a cluster on this machine, its workers prepared for nets."""
    pytest.importorskip("distributed", reason=REASON)
    from dask.distributed import Client, LocalCluster

    from theano_today.dask import prepare

    options = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL} | options
    with (
        LocalCluster(n_workers=workers, threads_per_worker=threads, **options) as cluster,
        Client(cluster) as client,
    ):
        if ready:
            prepare(client)
        yield client


def seeded(**changed):
    """A net whose random numbers are its own."""
    return tiny(random_state=3, max_epochs=2, **changed)
