"""net2.py's options, and the file that the net is saved to."""

import errno
import io
import os
import pickle
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime import cli
from runtime.errors import DataError, MissingFileError, UserError, WriteError
from runtime.training.interrupt import Stopped
from runtime.training.session import Plan

NET = SimpleNamespace(max_epochs=1000)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KFKD_DATA", "elsewhere")
    monkeypatch.setattr(sys, "argv", ["net2.py"])


def read(*argv):
    return cli.net2_options(NET, "What it does.", argv)


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


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
    plan = read().plan
    assert plan == Plan(folder=Path("net2.checkpoints"), every=60, settings={"seed": 42})
    assert plan.resume is None
    Path("faces").mkdir()
    options = read(
        "--out=faces/a.b.pickle", "--resume", "--checkpoint=0.5", "--best", "--patience=7",
        "--seed=1",
    )  # fmt: skip
    assert options.plan == Plan(
        folder=Path("faces/a.b.checkpoints"), every=0.5, resume=True, best=True, patience=7,
        settings={"seed": 1},
    )  # fmt: skip
    assert read("--fresh").plan.resume is False


def test_a_device_has_no_checkpoints():
    assert read("--out", os.devnull).plan.folder is None


def test_weights():
    assert read("--weights=a.safetensors").weights == Path("a.safetensors")
    with pytest.raises(MissingFileError, match="--weights nowhere/a: there is no folder"):
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
        (["--data", "file"], MissingFileError, "--data file: is no folder"),
        (["--out", "nowhere/a"], MissingFileError, "there is no folder .*nowhere; create it"),
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
    with pytest.raises(MissingFileError, match=r"there is no folder .*gone"):
        read("--out", "link")


def test_a_device_is_no_mistake():
    assert read("--out", os.devnull).out == Path(os.devnull)


def test_help_fits_80_columns(monkeypatch, capsys):
    import net2

    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stopped:
        cli.net2_options(NET, net2.__doc__, ["--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for option in ("--epochs N", "--seed N", "--data DIR", "--out FILE", "--quiet", "--verbose"):
        assert option in out
    assert "(default: 1000)" in out


def test_quiet(capsys):
    with cli.quiet(True):
        print("not this")
    with cli.quiet(False):
        print("this")
    assert capsys.readouterr().out == "this\n"


class TestOutputFile:
    def test_whole(self, tmp_path):
        path = tmp_path / "net2.pickle"
        path.write_bytes(b"old")
        with cli.output_file(path) as f:
            f.write(b"new")
            assert path.read_bytes() == b"old"
        assert path.read_bytes() == b"new"
        assert list(tmp_path.iterdir()) == [path]

    def test_an_object_that_cannot_be_pickled(self, tmp_path):
        path = tmp_path / "net2.pickle"
        path.write_bytes(b"old")
        with pytest.raises(TypeError), cli.output_file(path) as f:
            pickle.dump([b"half", sys.stdout.__class__.__dict__], f)
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
    def test_rescued_when_it_cannot_be_written(self, number, tmp_path, monkeypatch):
        def fail(path):
            raise OSError(number, os.strerror(number), str(path))

        folder = tmp_path / "temporary"
        folder.mkdir()
        monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(folder))
        monkeypatch.setattr(cli, "atomic_write", fail)
        with pytest.raises(WriteError) as caught, cli.output_file(Path("net2.pickle")) as f:
            f.write(b"weights")
        (rescued,) = folder.iterdir()
        assert rescued.read_bytes() == b"weights"
        assert rescued.suffix == ".pickle"
        assert str(caught.value) == (
            f"cannot write net2.pickle ({os.strerror(number)}); saved {rescued} instead"
        )

    def test_the_folder_has_gone(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(tmp_path))
        with pytest.raises(WriteError), cli.output_file(tmp_path / "gone" / "net2.pickle") as f:
            f.write(b"weights")
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"weights"]

    def test_rescued_to_the_home_folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(tmp_path / "none"))
        monkeypatch.setenv("HOME", str(tmp_path))
        with pytest.raises(WriteError), cli.output_file(tmp_path / "gone" / "net2.pickle") as f:
            f.write(b"weights")
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"weights"]

    def test_nowhere_to_go(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(tmp_path / "none"))
        monkeypatch.setenv("HOME", str(tmp_path / "none"))
        with (
            pytest.raises(WriteError, match="nothing is saved"),
            cli.output_file(tmp_path / "gone" / "net2.pickle") as f,
        ):
            f.write(b"weights")

    def test_ctrl_c_waits(self, tmp_path, capfd):
        before = signal.getsignal(signal.SIGINT)
        path = tmp_path / "net2.pickle"
        with cli.output_file(path) as f:
            ctrl_c()
            f.write(b"weights")
        assert path.read_bytes() == b"weights"
        assert capfd.readouterr().err == f"\nsaving {path} (Ctrl-C again: give up)\n"
        assert signal.getsignal(signal.SIGINT) is before

    def test_a_second_ctrl_c_gives_up(self, tmp_path):
        path = tmp_path / "net2.pickle"
        path.write_bytes(b"old")
        with pytest.raises(KeyboardInterrupt), cli.output_file(path):
            any(ctrl_c() for _ in range(2))
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


class TestRun:
    def test_returns_the_exit_code(self):
        assert cli.run(lambda: 0) == 0

    def test_ctrl_c(self, capsys):
        assert cli.run(ctrl_c) == 130
        assert capsys.readouterr().err == "net2.py: stopped by Ctrl-C; nothing saved\n"

    def test_another_signal(self, capsys):
        def stopped():
            error = Stopped(signal.SIGTERM)
            error.kept = "the rest"
            raise error

        assert cli.run(stopped) == 143
        assert capsys.readouterr().err == "net2.py: stopped by SIGTERM; the rest\n"

    def test_the_terminals_echo_has_a_line_of_its_own(self, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        monkeypatch.setattr(sys, "stderr", Terminal())
        cli.run(ctrl_c)
        assert sys.stderr.getvalue() == "\nnet2.py: stopped by Ctrl-C; nothing saved\n"
