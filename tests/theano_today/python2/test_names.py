"""Python 2's built-in functions."""

import builtins
import types

import numpy as np
import pytest

from tests.fissix_needed import needs_fissix
from theano_today.python2 import names


@pytest.mark.parametrize(
    ("x", "digits", "expected"),
    [
        (0.5, 0, 1.0), (1.5, 0, 2.0), (2.5, 0, 3.0), (-2.5, 0, -3.0), (0.49999999999999994, 0, 0.0),
        (2.675, 2, 2.67), (1250, -2, 1300.0), (1e300, 2, 1e300), (5e-324, 3, 0.0),
        (0.125, 2, 0.13), (4503599627370495.5, 0, 4503599627370496.0),
    ],
)  # fmt: skip
def test_round(x, digits, expected):
    result = names.round(x, digits)
    assert (result, type(result)) == (expected, float)
    assert names.round(float("inf")) == float("inf")


def test_map_filter_zip():
    assert names.map(None, [1], [2, 3]) == [(1, 2), (None, 3)]
    assert names.map(None, (1, 2)) == [1, 2]
    with pytest.raises(TypeError):
        names.map(len)
    assert names.filter(None, ("a", "")) == ("a",)
    assert names.filter(str.isalpha, "a1b") == "ab"
    assert names.zip([1, 2], "a") == [(1, "a")]


def test_types():
    assert isinstance("a", names.basestring)
    assert isinstance(b"a", names.basestring)
    assert not isinstance(3, names.basestring)
    assert issubclass(str, names.basestring)
    assert names.isinstance(np.int64(3), int)
    assert names.isinstance(np.int64(3), (str, (int, float)))
    assert not names.isinstance(np.int32(3), int)
    assert not names.isinstance(np.int64(3), str)
    assert names.unicode is str
    assert names.coerce(1, 2.0) == (1.0, 2.0)
    assert (names.oct(0), names.oct(8), names.oct(-8)) == ("0", "010", "-010")


def test_files(tmp_path):
    f = names.file(str(tmp_path / "f"), "w")
    assert isinstance(f, names.file)
    f.close()


@needs_fissix
def test_input(monkeypatch):
    monkeypatch.setattr(builtins, "input", lambda prompt="": " n + 1 ")
    n = 4
    assert eval("names.input()", {"names": names, "n": n}) == 5


def test_reload():
    import json
    import sys

    from theano_today.python2 import modules

    assert names.reload(json) is json
    assert names.reload(sys) is sys
    assert names.reload(modules.get("sys")) is modules.get("sys")
    with pytest.raises(TypeError):
        names.reload("json")


def test_names_of_a_namespace():
    module = types.ModuleType("m")
    names.prepare(vars(module))
    exec("x = range(3), sorted([None, 1])", vars(module))
    assert module.x == ([0, 1, 2], [None, 1])
    assert vars(builtins)["range"] is range
