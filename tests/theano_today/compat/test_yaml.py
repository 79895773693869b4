"""yaml.load as until PyYAML 6."""

from __future__ import annotations

from types import ModuleType

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest

from theano_today.compat import yaml as compat


def stand_in():
    """Return a module with PyYAML 6's signatures; it itself is not among the requirements."""
    module = ModuleType("yaml")
    module.FullLoader = "full"
    module.load = lambda stream, Loader: (stream, Loader)
    module.load_all = lambda stream, Loader: [(stream, Loader)]
    return module


def test_a_loader_by_default():
    yaml = stand_in()
    compat._default_loader(yaml)
    assert yaml.load("a") == ("a", "full")
    assert yaml.load("a", "other") == yaml.load("a", Loader="other") == ("a", "other")
    assert yaml.load_all("a") == [("a", "full")]


def test_a_default_of_its_own_stays():
    yaml = stand_in()
    yaml.load = load = lambda stream, Loader=None: Loader
    compat._default_loader(yaml)
    assert yaml.load is load


def test_pyyaml():
    yaml = pytest.importorskip("yaml")
    assert yaml.load("a: [1, 2]") == {"a": [1, 2]}
    yaml.add_multi_constructor("!obj:", lambda loader, suffix, node: suffix)
    assert yaml.load("a: !obj:list {}") == {"a": "list"}
