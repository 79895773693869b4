"""The link is compared with Theano's own ops, not with runtime/engine."""

import pytest


@pytest.fixture(autouse=True)
def stock_engine(monkeypatch):
    import runtime  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)
    import theano

    monkeypatch.setattr(theano.config, "engine", "stock")
