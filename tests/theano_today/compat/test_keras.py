"""Keras's reading of h5py's attributes, with a module of its name: Keras need not be installed."""

from __future__ import annotations

import importlib
import sys

import pytest

import theano_today  # noqa: F401

SAVING = '''"""Reads models."""
from __future__ import print_function
import codecs


def version(attributes):
    return attributes["version"].decode("utf-8")


def names(attributes):
    return [name.decode() for name in attributes["names"]]


def plain(code):
    return codecs.decode(code, "rot13")
'''


@pytest.fixture
def saving(tmp_path, monkeypatch):
    package = tmp_path / "keras" / "engine"
    package.mkdir(parents=True)
    (tmp_path / "keras" / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "saving.py").write_text(SAVING)
    ours = [name for name in sys.modules if name.partition(".")[0] == "keras"]
    for name in ours:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("keras.engine.saving")
    for name in ("keras", "keras.engine", "keras.engine.saving"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("version", ["2.3.1", b"2.3.1"])
def test_attributes_are_text_or_bytes(saving, version):
    assert saving.version({"version": version}) == "2.3.1"
    assert saving.names({"names": [version, "ä", "ä".encode()]}) == ["2.3.1", "ä", "ä"]


def test_all_else_is_decoded_as_ever(saving):
    assert saving.__doc__ == "Reads models."
    assert saving.plain("nop") == "abc"
    with pytest.raises(AttributeError, match="decode"):
        saving.version({"version": 3})
