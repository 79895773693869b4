"""The old names beside those of today's packages, whatever is imported first."""

from __future__ import annotations

import theano_today  # noqa: F401
from tests.fresh_python import says


def test_importing_it_changes_no_public_name():
    says(
        """
import collections, configparser, inspect, numpy, scipy.signal, sklearn, sys, types
later = getattr(types, "LazyImportType", ())  # a module of Python 3.15 until it is looked at
modules = [collections, configparser, inspect, numpy, scipy.signal, sklearn]
before = [dict(vars(m)) for m in modules]
import theano_today
import importlib; importlib.reload(theano_today)
def compare():  # in a function: a global name would import what it is looked up for
    for m, old in zip(modules, before):
        for name, value in old.items():
            same = vars(m)[name] is value or isinstance(value, later)
            assert same or name[:1] == '_', (m, name)
compare()
heavy = {'theano', 'lasagne', 'nolearn'} & set(sys.modules)
assert not heavy, heavy
"""
    )


def test_beside_theano_imported_before():
    says(
        "import theano_today, theano, importlib\n"
        "importlib.reload(theano_today)\n"
        "import lasagne, nolearn"
    )
