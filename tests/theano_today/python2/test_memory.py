"""StringIO: text or bytes, as the first data are."""

import pickle

import pytest

from theano_today.python2.memory import StringIO


def test_empty():
    memory = StringIO()
    assert (memory.getvalue(), memory.read()) == ("", "")


def test_bytes_come_later():
    memory = StringIO()
    memory.write("ab")
    memory.write(b"\xff")
    memory.write("c")
    assert memory.getvalue() == b"ab\xffc"
    memory.seek(0)
    assert memory.read(2) == b"ab"


def test_lines():
    lines = StringIO("a\nb\r\nc\n")
    assert lines.next() == "a\n"
    assert list(lines) == ["b\r\n", "c\n"]
    memory = StringIO()
    memory.writelines(["a", "b"])
    assert memory.getvalue() == "ab"


def test_pickles():
    memory = StringIO()
    pickle.dump([1], memory)
    assert pickle.load(StringIO(memory.getvalue())) == [1]


def test_closed():
    with StringIO(b"\x00") as f:
        assert f.read() == b"\x00"
    with pytest.raises(ValueError, match="closed"):
        f.read()
    with pytest.raises(AttributeError):
        _ = f.__no_such__
