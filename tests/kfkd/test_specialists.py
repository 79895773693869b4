"""Specialists' runs that belong to others; a whole run is in tests/examples/test_kfkd.py."""

import json
from argparse import Namespace
from pathlib import Path

import pytest

from kfkd import specialists
from kfkd.specialists import Specialists
from theano_today.errors import DataError
from theano_today.training.session import Plan


@pytest.fixture(autouse=True)
def generated(monkeypatch):
    monkeypatch.setattr(specialists, "source", lambda: "generated")


def options(tmp_path, resume=None, **changed):
    plan = Plan(folder=tmp_path / "net-specialists.checkpoints", resume=resume)
    defaults = {"seed": 1, "epochs": 2, "pretrain": None, "patience": None, "quiet": True}
    defaults["tensorboard"] = None
    return Namespace(
        **defaults | changed | {"plan": plan, "out": tmp_path / "net-specialists.pickle"}
    )


def unfinished(tmp_path, content):
    folder = tmp_path / "net-specialists.checkpoints"
    folder.mkdir()
    (folder / "specialists.json").write_text(content)


SETTINGS = {"seed": 1, "epochs": 2, "pretrain": None, "patience": None, "faces": "generated"}


def test_other_settings(tmp_path):
    unfinished(tmp_path, json.dumps({"settings": SETTINGS | {"seed": 3}, "finished": []}))
    with pytest.raises(DataError, match=r"differs in seed \(3 there, 1 here\); --fresh"):
        Specialists(options(tmp_path))
    Specialists(options(tmp_path, seed=3))
    Specialists(options(tmp_path, resume=True))
    Specialists(options(tmp_path, resume=False))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings": 3, "finished": 4}'])
def test_a_damaged_file(tmp_path, content):
    unfinished(tmp_path, content)
    with pytest.raises(DataError, match=r"specialists\.json: cannot be used"):
        Specialists(options(tmp_path))


def test_each_has_checkpoints_of_its_own(tmp_path):
    given = options(tmp_path, pretrain=Path("net7.pickle"), tensorboard=tmp_path / "tb")
    own = Specialists(given).options(("a_x", "b_x"), 12)
    assert own.epochs == 12
    assert own.plan.folder == tmp_path / "net-specialists.checkpoints/a_x"
    assert own.plan.settings == {"pretrain": "net7.pickle"}
    assert own.plan.resume is None
    assert own.out == tmp_path / "net-specialists-a.pickle"  # for the page of --live
    assert own.tensorboard == tmp_path / "tb/a"
    assert given.out == tmp_path / "net-specialists.pickle"


def test_nothing_beside_a_device(tmp_path):
    given = options(tmp_path)
    given.plan = Plan(folder=None)
    assert Specialists(given).options(("a", "b"), 12).plan.folder is None
