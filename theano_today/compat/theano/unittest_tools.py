"""theano.tests.unittest_tools without nose and parameterized.

DebugMode's errors print themselves by it, and tests of people's own Ops import it (`utt`:
verify_grad, assert_allclose, seed_rng). It imports four names of nose, which no longer installs
since Python 3.12 and is dead, and of parameterized, which only Theano's own tests need. They are
there while the module is imported, and then gone: other packages ask whether nose is installed.
"""

from __future__ import annotations

import re
import sys
import unittest
from importlib.util import find_spec
from types import ModuleType

from theano_today import hooks

_supplied: list[str] = []  # for the import that is under way


def install() -> None:
    hooks.before_import("theano.tests.unittest_tools", _supply)
    hooks.after_import("theano.tests.unittest_tools", _withdraw)


def _attr(*names, **values):
    """Leave a test as it is: nose's labels choose which tests to run."""
    return lambda test: test


class _Parameterized:
    """The part of parameterized.parameterized that unittest_tools uses itself."""

    @staticmethod
    def to_safe_name(text):
        return str(re.sub("[^a-zA-Z0-9_]+", "_", text))

    def __getattr__(self, name):
        raise ImportError(f"parameterized.{name} needs the package: pip install parameterized")


def _supply() -> None:
    names: dict[str, dict] = {
        "nose": {"SkipTest": unittest.SkipTest},
        "nose.tools": {"assert_raises": unittest.TestCase().assertRaises},
        "nose.plugins": {},
        "nose.plugins.attrib": {"attr": _attr},
        "nose.plugins.skip": {"SkipTest": unittest.SkipTest},
        "parameterized": {"parameterized": _Parameterized()},
    }
    absent = [name for name in ("nose", "parameterized") if find_spec(name) is None]
    for name, contents in names.items():
        if name.partition(".")[0] in absent:
            module = ModuleType(name)
            module.__dict__.update(contents, __path__=[])
            sys.modules[name] = module
            _supplied.append(name)


def _withdraw(module: ModuleType) -> None:
    while _supplied:
        sys.modules.pop(_supplied.pop(), None)
