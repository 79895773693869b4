"""Modules that translated code sees in place of today's."""

import importlib
import io
import os
import pickle
import random as today_random
import sys
from pathlib import Path

import numpy as np
import pytest

from theano_today.python2 import files, modules


def variant(name):
    return modules.get(name)


@pytest.mark.parametrize("name", sorted(modules.VARIANTS))
def test_the_rest_is_the_modules_own(name):
    module = variant(name)
    today = importlib.import_module({"cPickle": "pickle"}.get(name, name))
    public = getattr(today, "__all__", None) or [n for n in dir(today) if not n.startswith("_")]
    for one in public:
        assert hasattr(module, one), one
        assert one in module.__all__
    assert set(dir(module)) >= set(public)
    assert module.__doc__
    with pytest.raises(AttributeError):
        _ = module.no_such_name


def test_what_is_assigned_is_assigned_to_the_module(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    variant("sys").stdout = out
    assert sys.stdout is out
    variant("sys").of_a_test = 1
    assert sys.of_a_test == 1
    del variant("sys").of_a_test
    assert not hasattr(sys, "of_a_test")


def test_star_import():
    space = {}
    exec(f"from {modules.PREFIX}.math import *\nfrom {modules.PREFIX}.os import *", space)
    assert space["floor"](2.5) == 2.0
    assert type(space["ceil"](2.5)) is float
    assert space["getcwdu"]() == str(Path.cwd())


def test_math_of_special_values():
    math = variant("math")
    assert str(math.floor(-0.0)) == "-0.0"
    assert str(math.ceil(-0.5)) == "-0.0"
    assert math.floor(float("inf")) == float("inf")
    assert math.ceil(np.float32(1.5)) == 2.0


def test_random_of_large_ranges_and_errors():
    random = variant("random")
    r = random.Random(1)
    assert 0 <= r.randrange(1 << 200) < 1 << 200
    for arguments in [(0,), (5, 5), (1, 9, 0), (1.5,)]:
        with pytest.raises(ValueError, match=r"randrange|empty"):
            r.randrange(*arguments)
    with pytest.raises(ValueError, match="sample"):
        r.sample([1], 2)
    assert sorted(r.sample({1, 2, 3}, 3)) == [1, 2, 3]
    assert len(set(r.sample(range(10**6), 500))) == 500
    items = list(range(5))
    r.shuffle(items, lambda: 0.0)
    assert items == [1, 2, 3, 4, 0]
    state = random.getstate()
    first = random.random(), random.randint(1, 6)
    random.setstate(state)
    assert (random.random(), random.randint(1, 6)) == first
    assert today_random.choice is not random.choice


def test_pickle_takes_any_file(tmp_path):
    ours = variant("cPickle")
    path = tmp_path / "p"
    value = {"a": np.arange(3), "b": b"\xff"}
    for mode in ("w", "wb"):
        ours.dump(value, files.open(path, mode), 2)
        for mode in ("r", "rb"):
            assert ours.load(files.open(path, mode))["b"] == b"\xff"
            assert ours.Unpickler(files.open(path, mode)).load()["a"].tolist() == [0, 1, 2]
    assert ours.load(io.StringIO("I7\n.")) == 7
    assert ours.loads("I7\n.") == 7
    with files.open(path, "w") as f:
        ours.Pickler(f).dump([1])
    assert pickle.loads(path.read_bytes()) == [1]


def test_exceptions_of_sys():
    module = variant("sys")
    assert module.exc_type is None
    error, seen = KeyError(1), []
    try:
        raise error
    except KeyError:
        seen += [module.exc_type, module.exc_value, module.exc_traceback]
    assert seen == [KeyError, error, error.__traceback__]
    assert module.exc_clear() is None
    module.setdefaultencoding("utf-8")


def test_files_without_buffer(tmp_path):
    f = variant("os").fdopen(os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT), "w", 0)
    f.write("at once")
    assert (tmp_path / "f").read_text() == "at once"


def test_check_output_is_text():
    assert variant("subprocess").check_output(["echo", "é"]) == "é\n"


@pytest.mark.parametrize("size", [0, -1, 512])
def test_pipes_of_subprocess(size):
    # print/stdin.write and stdout's lines, as strings; CPython 2.7.18 gives the same.
    today = importlib.import_module("subprocess")
    subprocess = variant("subprocess")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(["cat"], size, **pipes)
    assert isinstance(process, today.Popen)
    out, err = process.communicate("accuracy: 3\nrest é")
    assert err is None
    assert [line for line in out.split("\n") if "accuracy" in line] == ["accuracy: 3"]
    assert float(out.split("\n")[0].split()[1]) == 3
    assert out.endswith("é")
    process = subprocess.Popen("cat", size, shell=True, **pipes)
    process.stdin.write("a\nbc")
    process.stdin.close()
    assert list(iter(process.stdout.readline, "")) == ["a\n", "bc"]
    assert process.wait() == 0
    process.stdout.close()
    process = subprocess.Popen(["cat"], universal_newlines=True, **pipes)
    assert process.communicate("é\n") == ("é\n", None)


def test_csv_of_files_of_bytes(tmp_path):
    csv = variant("csv")
    with files.open(tmp_path / "c", "wb") as f:
        csv.writer(f).writerows([["é", 1], ["b", None]])
        csv.DictWriter(f, ["x"]).writerow({"x": 3})
    assert list(csv.reader(files.open(tmp_path / "c", "rb"))) == [["é", "1"], ["b", ""], ["3"]]
    reader = csv.DictReader(files.open(tmp_path / "c", "rb"))
    assert reader.next() == {"é": "b", "1": ""}
