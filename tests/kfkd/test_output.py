"""The files that net2.py writes, whole or rescued, and its last line."""

import errno
import io
import math
import os
import pickle
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kfkd import output
from theano_today.errors import WriteError


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_quiet(capsys):
    with output.quiet(True):
        print("not this")
    with output.quiet(False):
        print("this")
    assert capsys.readouterr().out == "this\n"


class TestOutputFile:
    def test_whole(self, tmp_path):
        path = tmp_path / "net2.pickle"
        path.write_bytes(b"old")
        with output.output_file(path) as f:
            f.write(b"new")
            assert path.read_bytes() == b"old"
        assert path.read_bytes() == b"new"
        assert list(tmp_path.iterdir()) == [path]

    def test_an_object_that_cannot_be_pickled(self, tmp_path):
        path = tmp_path / "net2.pickle"
        path.write_bytes(b"old")
        with pytest.raises(TypeError), output.output_file(path) as f:
            pickle.dump([b"half", sys.stdout.__class__.__dict__], f)
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
    def test_rescued_when_it_cannot_be_written(self, number, tmp_path, monkeypatch):
        def fail(path):
            raise OSError(number, os.strerror(number), str(path))

        folder = tmp_path / "temporary"
        folder.mkdir()
        monkeypatch.setattr(output.tempfile, "gettempdir", lambda: str(folder))
        monkeypatch.setattr(output, "atomic_write", fail)
        with pytest.raises(WriteError) as caught, output.output_file(Path("net2.pickle")) as f:
            f.write(b"weights")
        (rescued,) = folder.iterdir()
        assert rescued.read_bytes() == b"weights"
        assert rescued.suffix == ".pickle"
        assert str(caught.value) == (
            f"cannot write net2.pickle ({os.strerror(number)}); saved {rescued} instead"
        )

    def test_the_folder_has_gone(self, tmp_path, monkeypatch):
        monkeypatch.setattr(output.tempfile, "gettempdir", lambda: str(tmp_path))
        with pytest.raises(WriteError), output.output_file(tmp_path / "gone" / "net2.pickle") as f:
            f.write(b"weights")
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"weights"]

    def test_rescued_to_the_home_folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(output.tempfile, "gettempdir", lambda: str(tmp_path / "none"))
        monkeypatch.setenv("HOME", str(tmp_path))
        with pytest.raises(WriteError), output.output_file(tmp_path / "gone" / "net2.pickle") as f:
            f.write(b"weights")
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"weights"]

    def test_nowhere_to_go(self, tmp_path, monkeypatch):
        monkeypatch.setattr(output.tempfile, "gettempdir", lambda: str(tmp_path / "none"))
        monkeypatch.setenv("HOME", str(tmp_path / "none"))
        with (
            pytest.raises(WriteError, match="nothing is saved"),
            output.output_file(tmp_path / "gone" / "net2.pickle") as f,
        ):
            f.write(b"weights")

    def test_ctrl_c_waits(self, tmp_path, capfd):
        before = signal.getsignal(signal.SIGINT)
        path = tmp_path / "net2.pickle"
        with output.output_file(path) as f:
            ctrl_c()
            f.write(b"weights")
        assert path.read_bytes() == b"weights"
        assert capfd.readouterr().err == f"\nsaving {path} (Ctrl-C again: give up)\n"
        assert signal.getsignal(signal.SIGINT) is before

    def test_a_second_ctrl_c_gives_up(self, tmp_path):
        path = tmp_path / "net2.pickle"
        path.write_bytes(b"old")
        with pytest.raises(KeyboardInterrupt), output.output_file(path):
            any(ctrl_c() for _ in range(2))
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_rmse_of_a_diverged_net(loss):
    net, sink = SimpleNamespace(), io.StringIO()
    net.train_history_ = [{"epoch": 7, "valid_loss": loss, "valid_loss_best": np.bool_(False)}]
    output.print_rmse(net, sink)
    assert sink.getvalue() == "no RMSE of epoch 7: the training has diverged\n"


def test_no_rmse_without_faces_for_validation():
    net, sink = SimpleNamespace(), io.StringIO()
    net.train_history_ = [{"epoch": 1, "valid_loss": math.nan, "valid_loss_best": math.nan}]
    output.print_rmse(net, sink)
    assert sink.getvalue() == "no RMSE of epoch 1: the net keeps no faces for validation\n"


def test_rmse_in_pixels():
    net, sink = SimpleNamespace(), io.StringIO()
    net.train_history_ = [{"epoch": 9, "valid_loss": 0.000625, "valid_loss_best": True}]
    output.print_rmse(net, sink)
    assert sink.getvalue() == "RMSE of epoch 9: 1.2000 pixels\n"
    net.train_history_, sink = [], io.StringIO()
    output.print_rmse(net, sink)
    assert sink.getvalue() == "no RMSE: no epoch has ended\n"
