"""The options of net2.py and plot_results.py."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from kfkd.options import net2_options, plot_options
from theano_today.errors import DataError, MissingFileError, UserError, WriteError
from theano_today.training.checkpoints.handler import Words
from theano_today.training.session import Plan

NET = SimpleNamespace(max_epochs=1000)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KFKD_DATA", "elsewhere")
    monkeypatch.setattr(sys, "argv", ["net2.py"])


def read(*argv):
    return net2_options(NET, "What it does.", argv)


def test_defaults_are_the_tutorials():
    options = read()
    assert (options.epochs, options.seed) == (1000, 42)
    assert options.out == Path("net2.pickle")
    assert not options.quiet
    assert not options.verbose
    assert os.environ["KFKD_DATA"] == "elsewhere"


def test_all_options(tmp_path):
    options = read("--epochs", "3", "--seed", "0", "--data", ".", "--out", "a.pickle", "--quiet")
    assert (options.epochs, options.seed, options.quiet) == (3, 0, True)
    assert options.out == Path("a.pickle")
    assert os.environ["KFKD_DATA"] == "."


def test_the_plan():
    words = Words(fresh="--fresh", resume="--resume", elsewhere="another --out")
    plan = read().plan
    assert plan == Plan(
        folder=Path("net2.checkpoints"), every=60, settings={"seed": 42}, words=words
    )
    assert plan.resume is None
    Path("faces").mkdir()
    options = read(
        "--out=faces/a.b.pickle", "--resume", "--checkpoint=0.5", "--best", "--patience=7",
        "--seed=1",
    )  # fmt: skip
    assert options.plan == Plan(
        folder=Path("faces/a.b.checkpoints"), every=0.5, resume=True, best=True, patience=7,
        settings={"seed": 1}, words=words,
    )  # fmt: skip
    assert read("--fresh").plan.resume is False


def test_a_device_has_no_checkpoints():
    assert read("--out", os.devnull).plan.folder is None


def test_weights():
    assert read("--weights=a.safetensors").weights == Path("a.safetensors")
    with pytest.raises(MissingFileError, match="--weights nowhere/a: there is not a folder"):
        read("--weights", "nowhere/a")


def test_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "faces").mkdir()
    assert read("--data=~/faces", "--out=~/my.pickle").out == tmp_path / "my.pickle"
    assert os.environ["KFKD_DATA"] == str(tmp_path / "faces")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--epochs", "0"], "argument --epochs: expected 1 or more, got 0"),
        (["--epochs", "ten"], "argument --epochs: expected a whole number, got 'ten'"),
        (["--epochs", "1.5"], "argument --epochs: expected a whole number, got '1.5'"),
        (["--seed", "-1"], "argument --seed: expected 0 to 4294967295, got -1"),
        (["--seed", "4294967296"], "argument --seed: expected 0 to 4294967295, got 4294967296"),
        (["--seed"], "argument --seed: expected one argument"),
        (["--resume", "--fresh"], "argument --fresh: not allowed with argument --resume"),
        (["--patience", "0"], "argument --patience: expected 1 or more, got 0"),
        (["--checkpoint", "-1"], "argument --checkpoint: expected a number of seconds, got '-1'"),
        (["--checkpoint=nan"], "argument --checkpoint: expected a number of seconds, got 'nan'"),
        (["--checkpoint=inf"], "argument --checkpoint: expected a number of seconds, got 'inf'"),
        (["--speed", "9"], "unrecognized arguments: --speed 9"),
        (["--quiet", "--verbose"], "argument --verbose: not allowed with argument --quiet"),
    ],
)
def test_one_line_and_code_2(argv, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        read(*argv)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"net2.py: error: {message}\n")


@pytest.mark.parametrize(
    ("argv", "kind", "message"),
    [
        (["--data", "nowhere"], MissingFileError, "--data nowhere: there is no such folder"),
        (["--data", "file"], MissingFileError, "--data file: is not a folder"),
        (["--out", "nowhere/a"], MissingFileError, "there is not a folder .*nowhere; create it"),
        (["--out", "."], DataError, "--out . is a folder; name a file"),
    ],
)
def test_bad_paths(argv, kind, message):
    Path("file").touch()
    with pytest.raises(kind, match=message) as caught:
        read(*argv)
    assert isinstance(caught.value, UserError)
    assert "\n" not in str(caught.value)


def test_no_permission(monkeypatch, tmp_path):
    Path("net2.pickle").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).resolve() != tmp_path)
    with pytest.raises(WriteError, match=r"--out net2.pickle: no permission to write in"):
        read()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) == tmp_path)
    with pytest.raises(WriteError, match=r"--out net2.pickle: no permission to write this file"):
        read()


def test_a_link_is_followed(monkeypatch, tmp_path):
    Path("link").symlink_to(tmp_path / "gone" / "net2.pickle")
    with pytest.raises(MissingFileError, match=r"there is not a folder .*gone"):
        read("--out", "link")


def test_a_device_is_no_mistake():
    assert read("--out", os.devnull).out == Path(os.devnull)


def test_help_fits_80_columns(monkeypatch, capsys):
    import net2

    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stopped:
        net2_options(NET, net2.__doc__, ["--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for option in ("--epochs N", "--seed N", "--data DIR", "--out FILE", "--quiet", "--verbose"):
        assert option in out
    assert "(default: 1000)" in out


class TestPlotOptions:
    def test_defaults(self):
        options = plot_options("", [])
        assert options.pickles == [Path("net2.pickle")]
        assert options.out == Path("plots")
        assert options.show is None

    def test_data_is_passed_on_to_load(self, tmp_path, monkeypatch):
        monkeypatch.setenv("KFKD_DATA", "elsewhere")
        plot_options("", ["--data", str(tmp_path)])
        assert os.environ["KFKD_DATA"] == str(tmp_path)
        with pytest.raises(MissingFileError, match="no such folder"):
            plot_options("", ["--data", str(tmp_path / "nowhere")])
        (tmp_path / "file").touch()
        with pytest.raises(MissingFileError, match="is not a folder"):
            plot_options("", ["--data", str(tmp_path / "file")])

    def test_home_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "faces").mkdir()
        options = plot_options("", ["~/my.pickle", "--out=~/plots", "--data=~/faces"])
        assert (options.pickles, options.out) == ([tmp_path / "my.pickle"], tmp_path / "plots")
        assert os.environ["KFKD_DATA"] == str(tmp_path / "faces")

    def test_an_option_that_does_not_exist(self, monkeypatch, capsys):
        monkeypatch.setattr(sys, "argv", ["plot_results.py"])
        with pytest.raises(SystemExit) as caught:
            plot_options("", ["--shw"])
        assert caught.value.code == 2
        assert capsys.readouterr().err == (
            "plot_results.py: error: unrecognized arguments: --shw\n"
        )
