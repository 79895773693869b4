"""h5py as before 3.0; by a stand-in where it is not installed, which it need not be."""

from __future__ import annotations

from types import ModuleType

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest

from theano_today.compat import h5py as compat


def stand_in(there=(), read_only=()):
    """Return a module whose files are `there`, some of them `read_only`."""

    class File:
        def __init__(self, name, mode="r", driver=None):
            exists = name in there
            if exists == (mode == "w-") or (mode == "r+" and name in read_only):
                raise OSError(name)
            self.opened = name, mode, driver

    class Dataset:
        def __getitem__(self, key):
            assert key == ()
            return "all"

    module = ModuleType("h5py")
    module.File, module.Dataset = File, Dataset
    return module


def test_value():
    h5py = stand_in()
    compat._add_value(h5py)
    assert h5py.Dataset().value == "all"


def test_files_without_a_mode():
    h5py = stand_in(there=["old", "fixed"], read_only=["fixed"])
    compat.wrap(h5py)
    compat.wrap(h5py)
    assert h5py.File("old").opened == ("old", "r+", None)
    assert h5py.File("fixed").opened == ("fixed", "r", None)
    assert h5py.File(name="new", driver="core").opened == ("new", "w-", "core")
    assert h5py.File("old", "r").opened == ("old", "r", None)
    with pytest.raises(OSError, match="new"):
        h5py.File("new", mode="r")


def test_h5py_itself(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.arange(3)
        assert file["x"].value.tolist() == [0, 1, 2]
