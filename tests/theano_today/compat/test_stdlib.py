"""Names that Python's standard library dropped."""

from __future__ import annotations

import pickle

import pytest

import theano_today  # noqa: F401


def test_names_that_moved():
    import collections
    import configparser
    import inspect

    assert issubclass(list, collections.Iterable)
    assert issubclass(configparser.SafeConfigParser, configparser.ConfigParser)
    assert inspect.getargspec(lambda a, b=1, *c: 0)[:4] == (["a", "b"], "c", None, (1,))


def test_imp_loads_and_reloads():
    import imp

    assert imp.reload(pickle) is pickle
    assert imp.find_module("json")[2][2] == 5
    with pytest.raises(ImportError):
        imp.find_module("no_such_module_anywhere")
