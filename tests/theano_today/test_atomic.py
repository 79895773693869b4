"""atomic_write: the whole file or the old one, whatever happens."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from tests.fresh_python import fresh_python
from theano_today.atomic import atomic_write, leftovers, remove_leftovers
from theano_today.errors import UserError, WriteError


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "net2.pickle"
    path.write_bytes(b"old")
    return path


def untouched(path):
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == [path.name], "something was left behind"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def full_disk(*args):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_new_file(tmp_path):
    with atomic_write(tmp_path / "new") as f:
        f.write(b"x" * 100_000)
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new").read_bytes() == b"x" * 100_000
    assert len(list(tmp_path.iterdir())) == 1


def test_old_file_is_there_until_the_end(old):
    with atomic_write(old) as f:
        f.write(b"new")
        f.flush()
        assert old.read_bytes() == b"old"
    assert old.read_bytes() == b"new"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_exception_in_the_block(old, kind):
    with pytest.raises(kind), atomic_write(old) as f:
        f.write(b"half")
        raise kind
    untouched(old)


@pytest.mark.parametrize("step", ["fsync", "write", "replace"])
def test_disk_error(old, monkeypatch, step):
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", full_disk)
    if step == "replace":
        monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(WriteError) as error, atomic_write(old) as f:
        f.write(b"half")
        if step == "write":
            full_disk()
    assert str(error.value) == f"{old}: cannot be written: No space left on device"
    assert error.value.errno == errno.ENOSPC
    untouched(old)


def test_really_full_disk():
    # Every write to this device fails like a write to a full disk.
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with pytest.raises(WriteError, match="/dev/full: cannot be written: No space"):
        with atomic_write("/dev/full") as f:
            f.write(b"x")


def test_error_about_another_file_stays_what_it_is(old, tmp_path):
    with pytest.raises(FileNotFoundError) as error, atomic_write(old):
        (tmp_path / "input.csv").open()
    assert not isinstance(error.value, UserError)
    untouched(old)


def test_user_error_of_the_block_stays_what_it_is(old):
    mine = WriteError(errno.EIO, "other", "another file")
    with pytest.raises(WriteError) as error, atomic_write(old):
        raise mine
    assert error.value is mine


def test_missing_folder(tmp_path):
    with pytest.raises(WriteError, match="No such file or directory"):
        with atomic_write(tmp_path / "no" / "file"):
            pass


def test_folder_in_the_way(tmp_path):
    with pytest.raises(WriteError, match="Is a directory"), atomic_write(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_uncaught_it_is_one_line(tmp_path):
    code = "from theano_today.atomic import atomic_write\nwith atomic_write('no/file') as f: pass"
    done = fresh_python("-c", code, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: no/file: cannot be written: No such file or directory\n"


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_new_file_has_the_mode_of_open(tmp_path, umask):
    before = os.umask(umask)
    try:
        (tmp_path / "open").open("wb").close()
        with atomic_write(tmp_path / "atomic"):
            pass
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert mode(tmp_path / "atomic") == mode(tmp_path / "open") == 0o666 & ~umask


def test_umask_is_never_changed(tmp_path, monkeypatch):
    # It belongs to the whole process: another thread could create a file meanwhile.
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("umask was set"))
    with atomic_write(tmp_path / "file"):
        pass


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o755, 0o666])
def test_old_file_keeps_its_mode(old, bits):
    old.chmod(bits)
    with atomic_write(old) as f:
        f.write(b"new")
        temporary = next(p for p in old.parent.iterdir() if p != old)
        assert mode(temporary) == bits, "others can read it while it is written"
    assert mode(old) == bits


def test_write_protected_file_is_refused(old, monkeypatch):
    old.chmod(0o444)
    # The administrator, as whom containers run tests, may write everything.
    monkeypatch.setattr(os, "access", lambda path, how: not how & os.W_OK)
    with pytest.raises(WriteError, match="Permission denied"), atomic_write(old):
        pass
    untouched(old)


def test_symbolic_link_is_followed(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target = folder / "target"
    target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(target)
    with atomic_write(link) as f:
        f.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_dangling_link_gets_its_target(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    with atomic_write(link) as f:
        f.write(b"new")
    assert link.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_pipe_is_written_to_and_not_replaced(tmp_path):
    # As /dev/null and /dev/stdout must be; these belong to the whole machine.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with atomic_write(pipe) as f:
        f.write(b"through")
    reader.join(10)
    assert read == [b"through"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["a" * 255, "ü" * 120, "with space", "-dash"])
def test_names(tmp_path, name):
    with atomic_write(tmp_path / name) as f:
        f.write(b"x")
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_relative_path_and_str(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with atomic_write("file") as f:
        f.write(b"x")
    assert (tmp_path / "file").read_bytes() == b"x"


def test_concurrent_writers_leave_one_whole_file(old):
    def write(number):
        for _ in range(20):
            with atomic_write(old) as f:
                for _ in range(4):
                    f.write(bytes([number]) * 5000)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        data = old.read_bytes()
        assert data == b"old" or (len(data) == 20_000 and len(set(data)) == 1)
    assert len(set(old.read_bytes())) == 1
    assert len(list(old.parent.iterdir())) == 1


class TestLeftovers:
    """What a process leaves behind that is killed while it writes."""

    @pytest.fixture
    def killed(self, tmp_path):
        names = ["net2.pickle", "other.pickle", "n" * 60]
        for name in names:
            code = (
                "import os, signal, sys\n"
                "from theano_today.atomic import atomic_write\n"
                "with atomic_write(sys.argv[1]) as f:\n"
                "    f.write(b'half')\n"
                "    f.flush()\n"
                "    os.kill(os.getpid(), signal.SIGKILL)\n"
            )
            assert fresh_python("-c", code, tmp_path / name).returncode == -9
        for name in (".net2.pickle.tmp", ".net2.pickle.0123.tmp", "net2.pickle"):
            (tmp_path / name).touch()
        return tmp_path

    def test_are_found(self, killed):
        found = dict(leftovers(killed))
        assert sorted(found) == ["net2.pickle", "n" * 40, "other.pickle"]
        assert all(path.read_bytes() == b"half" for path in found.values())

    @pytest.mark.parametrize("name", ["net2.pickle", "n" * 60])
    def test_of_one_file_are_removed(self, name, killed):
        count = len(list(killed.iterdir()))
        remove_leftovers(killed / name)
        assert name[:40] not in dict(leftovers(killed))
        assert len(list(killed.iterdir())) == count - 1

    def test_no_folder(self, tmp_path):
        remove_leftovers(tmp_path / "gone" / "a")
        assert list(leftovers(tmp_path / "gone")) == []
