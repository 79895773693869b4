"""A disk that really is full: a small tmpfs, which only root can mount."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import os
import pickle
import subprocess
import sys
import tempfile

import pytest

from kfkd.output import output_file
from tests.tiny_nets import X, Y, outcome, tiny
from theano_today.errors import WriteError
from theano_today.training.session import Plan, fit


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 400 KiB, where a tiny net's checkpoint takes 50."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs Linux and root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder, leave=0):
    free = os.statvfs(folder)
    (folder / "others").write_bytes(bytes(free.f_bavail * free.f_bsize - leave))


def test_training_goes_on_and_the_net_is_saved_elsewhere(small_disk, tmp_path, monkeypatch, capsys):
    elsewhere = tmp_path / "temporary"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    fill(small_disk)
    net = tiny()
    fit(net, X, Y, Plan(small_disk / "net.checkpoints", every=0))
    assert outcome(net) == outcome(tiny().fit(X, Y))
    (said,) = capsys.readouterr().err.splitlines()  # of 15 attempts
    assert said.startswith(f"no checkpoint in {small_disk / 'net.checkpoints'}: No space left on")

    with pytest.raises(WriteError) as caught, output_file(small_disk / "net.pickle") as f:
        pickle.dump(net, f, -1)
    (rescued,) = elsewhere.iterdir()
    assert str(caught.value) == (
        f"cannot write {small_disk / 'net.pickle'} (No space left on device); "
        f"saved {rescued} instead"
    )
    assert len(pickle.loads(rescued.read_bytes()).train_history_) == 3
    assert {path.name for path in small_disk.iterdir()} <= {"others", "net.checkpoints"}


def test_checkpoints_are_written_again_when_there_is_room(small_disk, capsys):
    fill(small_disk)
    folder = small_disk / "net.checkpoints"
    files = []

    def make_room(nn, train_history):
        files.append(len(list(folder.glob("*.safetensors"))))
        if len(train_history) == 2:
            (small_disk / "others").unlink()

    net = tiny(on_epoch_finished=[make_room])
    fit(net, X, Y, Plan(folder, every=0))
    first, then = capsys.readouterr().err.splitlines()
    assert first.startswith(f"no checkpoint in {folder}: ")
    assert then == "checkpoints are being written again"
    assert files == [0, 0, 2]
    assert [path for path in folder.iterdir() if path.name.endswith(".tmp")] == []


def test_full_in_the_middle_of_a_run(small_disk, capsys):
    """The two generations that are there stay, whole."""
    folder = small_disk / "net.checkpoints"

    class Full(BaseException):
        pass

    def handler(nn, train_history):
        if len(train_history) == 1:
            fill(small_disk, leave=4096)  # less than a checkpoint
        elif len(train_history) == 3:
            raise Full

    with pytest.raises(Full):
        fit(tiny(on_epoch_finished=[handler]), X, Y, Plan(folder, every=0))
    assert len(list(folder.glob("*.safetensors"))) == 2
    net = tiny()
    fit(net, X, Y, Plan(folder, every=0))
    assert outcome(net) == outcome(tiny().fit(X, Y))
    assert "resuming after 4 batches of epoch 1, from" in capsys.readouterr().err
