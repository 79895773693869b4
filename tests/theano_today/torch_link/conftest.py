"""The link is compared with Theano's own ops, not with theano_today/engine."""

import pytest


@pytest.fixture(autouse=True)
def stock_engine(monkeypatch):
    import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)
    import theano

    monkeypatch.setattr(theano.config, "engine", "stock")
