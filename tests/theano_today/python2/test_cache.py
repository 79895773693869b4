"""Translations that are kept: found again, and made anew when anything changed."""

from __future__ import annotations

import os
import stat
import sys

import pytest

from tests.fissix_needed import needs_fissix
from tests.fresh_python import fresh_python
from theano_today.python2 import cache


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "theano_today" / "python2"


class Makes:
    def __init__(self, *results):
        self.results = list(results)

    def __call__(self):
        return self.results.pop(0)


def files(folder):
    return sorted(path for path in folder.iterdir())


def test_made_once(folder):
    code = compile("x = 3", "f.py", "exec")
    assert cache.kept(lambda: code, "f.py", "x = 3") == code
    again = cache.kept(Makes(), "f.py", "x = 3")
    names: dict = {}
    exec(again, names)
    assert (names["x"], again.co_filename) == (3, "f.py")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_anything_else_is_made_anew(folder, monkeypatch):
    assert cache.kept(Makes(1), "f.py", "x", ["sys"]) == 1
    assert cache.kept(Makes(2), "g.py", "x", ["sys"]) == 2
    assert cache.kept(Makes(3), "f.py", "x ", ["sys"]) == 3
    assert cache.kept(Makes(4), "f.py", "x", []) == 4
    monkeypatch.setattr(cache, "_version", lambda: "another")
    assert cache.kept(Makes(5), "f.py", "x", ["sys"]) == 5
    assert len(files(folder)) == 5


def test_version_knows_the_modules_that_translate():
    assert cache._version() == cache._version()
    assert len(cache._version()) == 64


@pytest.mark.parametrize("damage", [b"", b"x", None])
def test_damage_is_made_anew(folder, damage):
    cache.kept(Makes(("a", 1)), "f")
    (path,) = files(folder)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"\xff" if damage is None else damage)
    assert cache.kept(Makes(7), "f") == 7
    assert cache.kept(Makes(), "f") == 7


def test_errors_are_not_kept(folder):
    def fails():
        raise SyntaxError("no")

    for _ in range(2):
        with pytest.raises(SyntaxError):
            cache.kept(fails, "f")
    assert not files(folder)


def test_a_folder_of_others_is_not_used(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert cache.kept(Makes(1), "f") == 1
    assert cache.kept(Makes(2), "f") == 2
    assert not files(folder)


def test_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    assert cache.kept(Makes(1), "f") == 1
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert cache.kept(Makes(2), "f") == 2
    assert not (tmp_path / "theano_today").exists()


def test_too_many_files(folder, monkeypatch):
    monkeypatch.setattr(cache, "_MOST_FILES", 4)
    for n in range(4):
        cache.kept(Makes(n), n)
        for path in files(folder):
            os.utime(path, (1000, 1000))
    cache.kept(Makes(9), 9)
    assert len(files(folder)) == 3
    assert cache.kept(Makes(), 9) == 9


@needs_fissix
def test_a_program(tmp_path):
    program = tmp_path / "prog.py"
    program.write_text("import sys\nprint 7 / 2, 'fissix' in sys.modules\n1 / 0\n")

    def run():
        done = fresh_python(
            "-m", "theano_today", program,
            XDG_CACHE_HOME=tmp_path / "cache", PYTHONDONTWRITEBYTECODE=None,
        )  # fmt: skip
        return done.stdout, done.stderr

    first, again = run(), run()
    assert first[0] == "3 True\n"
    assert again[0] == "3 False\n"
    assert first[1] == again[1]
    program.write_text("print 9 / 2\n")
    assert run()[0] == "4\n"
