"""The command lines of the scripts that use a cluster."""

from pathlib import Path

import pytest

from kfkd.cluster.options import ensemble_options, predict_many_options, search_options
from theano_today.errors import MissingFileError

NETS = ["net2", "small"]


def test_defaults():
    search = search_options("", NETS, [])
    assert (search.net, search.nets, search.epochs, search.seed) == ("net2", 20, 100, 42)
    assert (search.out, search.results) == (Path("net2.pickle"), Path("search.jsonl"))
    assert (search.scheduler, search.workers, search.checkpoint) == (None, None, 60)
    ensemble = ensemble_options("", NETS, [])
    assert (ensemble.nets, ensemble.epochs, ensemble.folder) == (10, None, Path("ensemble"))
    many = predict_many_options("", ["faces.csv"])
    assert (many.faces, many.net, many.rows) == (Path("faces.csv"), Path("net2.pickle"), 2000)


def test_given(tmp_path):
    words = ["--net", "small", "--workers", "3", "--scheduler", "tcp://host:8786", "--quiet"]
    search = search_options("", NETS, [*words, "--results", str(tmp_path / "rows.jsonl")])
    assert (search.net, search.workers, search.quiet) == ("small", 3, True)
    assert search.scheduler == "tcp://host:8786"


@pytest.mark.parametrize(
    "words", [["--net", "net3"], ["--nets", "0"], ["--workers", "two"], ["--epochs", "-1"]]
)
def test_errors_of_one_line(words, capsys):
    for read in (search_options, ensemble_options):
        with pytest.raises(SystemExit) as caught:
            read("", NETS, words)
        assert caught.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_folders_that_are_not_there(tmp_path):
    for option in ("--out", "--results"):
        with pytest.raises(MissingFileError, match=option):
            search_options("", NETS, [option, str(tmp_path / "no" / "file")])
