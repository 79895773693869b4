"""The lock of a folder, by processes that live, that die, and that are this one."""

import os
import signal
import subprocess
import sys

import pytest

from tests.fresh_python import ROOT
from theano_today.errors import RunningError
from theano_today.training.checkpoints.lock import FolderLock

HOLDER = (
    "import sys\n"
    "from pathlib import Path\n"
    "from theano_today.training.checkpoints.lock import FolderLock\n"
    "lock = FolderLock(Path(sys.argv[1]))\n"
    "print('locked', flush=True)\n"
    "sys.stdin.read()\n"
    "lock.release()\n"
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "c"


@pytest.fixture
def other(folder):
    """Another process that holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == b"locked\n"
        yield process
        process.kill()


def test_another_process(folder, other):
    with pytest.raises(RunningError, match=rf"work here \(process {other.pid} on "):
        FolderLock(folder)
    other.stdin.close()
    other.wait()
    assert list(folder.iterdir()) == []
    FolderLock(folder).release()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_process(number, folder, other):
    other.send_signal(number)
    other.wait()
    assert [path.name for path in folder.iterdir()] == ["lock"]
    FolderLock(folder).release()
    assert list(folder.iterdir()) == []


def test_a_process_that_has_just_begun(folder, other):
    (folder / "lock").write_text("")
    with pytest.raises(RunningError, match=r"\(it has just begun\)"):
        FolderLock(folder)


def test_this_process_takes_over_from_itself(folder):
    first = FolderLock(folder)
    second = FolderLock(folder)
    first.release()
    assert (folder / "lock").exists()
    os.fstat(second.handle)  # still open
    second.release()
    second.release()
    assert list(folder.iterdir()) == []


def test_a_folder_that_was_removed_meanwhile(folder):
    first = FolderLock(folder)
    (folder / "lock").unlink()
    folder.rmdir()
    second = FolderLock(folder)
    assert (folder / "lock").exists()
    first.release()
    second.release()


def test_no_place_for_it(tmp_path):
    with pytest.raises(FileNotFoundError):
        FolderLock(tmp_path / "gone" / "c")
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        FolderLock(tmp_path / "file")
