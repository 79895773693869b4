"""The file of what nets have reached: whole after a power cut, nothing twice."""

import json
import math

import pytest

from kfkd.cluster.results import Results
from theano_today.errors import DataError, WriteError

SETTINGS = {"net": "small", "seed": 42}


def result(loss):
    return {
        "loss": loss, "best": loss, "epoch": 1, "epochs": 1, "seconds": 0.5, "worker": "0",
        "lines": [], "predicted": {}, "pickle": None,
    }  # fmt: skip


@pytest.fixture
def path(tmp_path):
    results = Results(tmp_path / "results.jsonl", SETTINGS)
    results.add("1", {"units": 5}, result(0.25))
    results.add("2", {"units": 6}, result(0.125))
    results.add("3", {"units": 7}, result(math.inf))
    return results.path


def test_read_again(path):
    again = Results(path, SETTINGS)
    assert sorted(again) == ["1", "2", "3"]
    assert again["1"]["loss"] == 0.25
    assert math.isinf(again["3"]["loss"])
    assert again.best() == "2"


def test_nothing_twice(path):
    again = Results(path, SETTINGS)
    size = path.stat().st_size
    again.add("1", {"units": 5}, result(0.5))
    assert again["1"]["loss"] == 0.25
    assert path.stat().st_size == size
    # By hand, or by two who wrote at once: the first counts.
    line = path.read_text().splitlines()[1]
    with path.open("a") as f:
        f.write(line.replace("0.25", "0.01") + "\n")
    assert Results(path, SETTINGS)["1"]["loss"] == 0.25


@pytest.mark.parametrize("cut", [1, 20])
def test_a_torn_line(path, cut):
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    again = Results(path, SETTINGS)
    assert sorted(again) == ["1", "2"]
    again.add("3", {"units": 7}, result(0.5))
    assert Results(path, SETTINGS)["3"]["loss"] == 0.5
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_fresh(path):
    assert not Results(path, SETTINGS, fresh=True)
    assert not Results(path, SETTINGS)


def test_another_run(path):
    with pytest.raises(DataError, match=r"differs in seed \(42 there, 1 here\)"):
        Results(path, SETTINGS | {"seed": 1})


@pytest.mark.parametrize("content", ["", "nonsense\n", "[]\n", '{"format": "other"}\n'])
def test_another_file(path, content):
    path.write_text(content)
    with pytest.raises(DataError, match="holds no results") as caught:
        Results(path, SETTINGS)
    assert path.read_text() == content
    assert "\n" not in str(caught.value)


def test_cannot_be_written(tmp_path, path):
    with pytest.raises(WriteError):
        Results(tmp_path / "results.jsonl" / "under a file", SETTINGS)
    results = Results(path, SETTINGS)
    path.unlink()
    path.mkdir()
    with pytest.raises(WriteError, match="the nets before this one"):
        results.add("4", {}, result(1.0))
