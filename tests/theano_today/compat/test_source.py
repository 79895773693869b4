"""Functions changed in a piece of their source: what they were otherwise stays."""

import importlib
import inspect
import pickle
import sys
import traceback
import warnings

import pytest

from theano_today.compat.source import edit

OLD = '''
from __future__ import annotations
import functools

LIMIT = 3

def twice(f):
    @functools.wraps(f)
    def wrapped(*arguments):
        return 2 * f(*arguments)
    return wrapped

class Base:
    def __hidden(self):
        return 10

    @twice
    def value(self, x, more=5):
        r"""A docstring."""
        names = [LIMIT for _ in range(2)]
        return self.__hidden() + x[names] + more

    def fails(self, x):

        return 1 / x[0]

def broken_escapes(x):
    """Says \\d of a number."""
    return (lambda y: y + 1)(x)
'''


@pytest.fixture
def old(tmp_path, monkeypatch):
    (tmp_path / "package_of_2015.py").write_text(OLD)
    monkeypatch.syspath_prepend(tmp_path)
    # A SyntaxWarning since Python 3.12
    with pytest.warns((SyntaxWarning, DeprecationWarning), match="invalid escape sequence"):
        module = importlib.import_module("package_of_2015")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # `edit` itself says nothing
        yield module
    del sys.modules["package_of_2015"]


def test_one_expression_changes_and_nothing_else(old):
    method = old.Base.value.__wrapped__
    edit(method, {"x[names]": "x[tuple(names)]"})
    assert old.Base().value({(3, 3): 100}) == 2 * (10 + 100 + 5)
    assert old.Base.value.__wrapped__ is method
    assert method.__doc__ == "A docstring."
    assert method.__qualname__ == method.__code__.co_qualname == "Base.value"
    old.LIMIT = 4  # still the module's own names
    assert old.Base().value({(4, 4): 1}, 0) == 2 * 11


def test_functions_keep_their_identity(old):
    edit(old.broken_escapes, {"y + 1": "y + 2"})
    assert old.broken_escapes(1) == 3
    assert pickle.loads(pickle.dumps(old.broken_escapes)) is old.broken_escapes


def test_tracebacks_show_the_right_line(old):
    edit(old.Base.fails, {"x[0]": "x[1]"})
    with pytest.raises(ZeroDivisionError) as failure:
        old.Base().fails([1, 0])
    last = traceback.extract_tb(failure.tb)[-1]
    assert last.line == "return 1 / x[0]"
    assert last.name == "fails"
    assert (
        inspect.getsourcelines(old.Base.fails)[1]
        == OLD.splitlines().index("    def fails(self, x):") + 1
    )


def test_another_version_is_named(old):
    with pytest.raises(ValueError, match=r"package_of_2015\.Base\.fails has no 'x\[7\]'"):
        edit(old.Base.fails, {"x[7]": "x[8]"})


def test_a_second_edit_keeps_the_first(old):
    edit(old.broken_escapes, {"y + 1": "y + 2"})
    edit(old.broken_escapes, {")(x)": ")(10 * x)"})
    assert old.broken_escapes(1) == 12
