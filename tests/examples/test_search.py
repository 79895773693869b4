"""examples/search.py as a script: help, errors in one line, a whole search."""

import importlib.util

import pytest

from tests.clusters import REASON
from tests.csv_files import face, training
from tests.fresh_python import ROOT, fresh_python

INSTALLED = importlib.util.find_spec("distributed") is not None
SCRIPTS = ["search.py", "ensemble.py", "predict_many.py"]


def script(name, *arguments, **options):
    options = {"PYTHONPATH": None} | options
    return fresh_python(ROOT / "examples" / name, *arguments, **options)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "training.csv").write_bytes(training(*(face(i) for i in range(10))))
    return tmp_path


@pytest.mark.parametrize("name", SCRIPTS)
def test_help(name):
    done = script(name, "--help", COLUMNS="80")
    assert done.returncode == 0
    assert done.stderr == ""
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


@pytest.mark.skipif(INSTALLED, reason="Dask is installed")
@pytest.mark.parametrize("name", SCRIPTS)
def test_without_dask(name, folder):
    given = ["faces.csv"] if name == "predict_many.py" else []
    done = script(name, *given, cwd=folder, KFKD_DATA=folder)
    assert done.returncode == 2
    assert "is not installed: Dask runs this" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not INSTALLED, reason=REASON)
@pytest.mark.parametrize("name", ["search.py", "ensemble.py"])
def test_no_scheduler(name, folder):
    done = script(
        name, "--net", "small", "--scheduler", "nowhere", cwd=folder, KFKD_DATA=folder,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(f"{name}: error: no scheduler of Dask at nowhere")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not INSTALLED, reason=REASON)
@pytest.mark.long
def test_search(folder):
    words = ["--net", "small", "--nets", "2", "--epochs", "1", "--workers", "1"]
    done = script("search.py", *words, cwd=folder, KFKD_DATA=folder)
    assert done.returncode == 0, done.stderr
    first, header, *rows = done.stdout.splitlines()
    assert first.startswith("1 worker, ")
    assert header.split()[-1] == "s/epoch"
    assert rows[2].startswith("the best of 2: net ")
    assert rows[-1] == "saved net2.pickle"
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert (folder / "net2.pickle").is_file()
    other = script("search.py", *words, "--seed", "1", cwd=folder, KFKD_DATA=folder)
    assert other.returncode == 2
    assert "search.jsonl: belongs to a run that differs in seed (42 there, 1 here)" in other.stderr
    assert other.stderr.count("\n") == 1
