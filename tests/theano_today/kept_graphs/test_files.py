import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import marshal
import os
import time

import pytest

from theano_today.kept_graphs import files


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(files, "folder", lambda: tmp_path)
    return tmp_path


def key(n):
    return bytes([n]) * 32


def test_what_is_written_is_read():
    assert files.read(key(1)) is None
    assert files.write(key(1), marshal.dumps((1, "a"), 2))
    assert files.read(key(1)) == (1, "a")
    assert files.read(key(2)) is None


def test_file_of_another_key_is_removed():
    files.write(key(1), marshal.dumps(1, 2))
    files.path(key(1)).rename(files.path(key(2)))
    assert files.read(key(2)) is None
    assert not files.path(key(2)).exists()


def test_oldest_go_first(monkeypatch):
    monkeypatch.setattr(files, "MOST_FILES", 3)
    now = time.time()
    for n in range(3):
        files.write(key(n), marshal.dumps(n, 2))
        os.utime(files.path(key(n)), (now - 100 + n, now - 100 + n))
    assert files.read(key(0)) == 0  # and is the latest
    files.write(key(3), marshal.dumps(3, 2))
    assert [files.read(key(n)) for n in range(4)] == [0, None, 2, 3]


def test_bytes_are_limited(monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 4000)
    for n in range(6):
        assert files.write(key(n), marshal.dumps(bytes(900), 2))
        os.utime(files.path(key(n)), (n, n))
    assert [files.path(key(n)).exists() for n in range(6)] == [False] * 2 + [True] * 4
    assert not files.write(key(7), bytes(1001))


def test_what_a_killed_process_left_is_removed(folder):
    files.write(key(1), marshal.dumps(1, 2))
    left, new = folder / ".a.0123456789abcdef.tmp", folder / ".b.0123456789abcdef.tmp"
    for file in (left, new):
        file.write_bytes(b"")
    os.utime(left, (1, 1))
    files.write(key(2), marshal.dumps(2, 2))
    assert not left.exists()
    assert new.exists()


def test_folder_that_cannot_be_made(monkeypatch, folder):
    (folder / "file").write_text("")
    monkeypatch.setattr(files, "folder", lambda: folder / "file" / "kept")
    assert not files.write(key(1), b"")
    assert files.read(key(1)) is None
