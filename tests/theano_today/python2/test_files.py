"""Files as Python 2 opened them."""

import io
import pickle

import numpy as np
import pytest

from theano_today.python2 import files, strings


@pytest.mark.parametrize("text", ["", "a b\nc\r\n", "é 日本\n", "x" * 70000 + "é"])
def test_text_comes_back(tmp_path, text):
    path = tmp_path / "f"
    with files.open(path, "w") as f:
        f.write(text)
    assert path.read_bytes() == text.encode()
    assert files.open(str(path)).read() == text


def test_bytes_that_are_no_text(tmp_path):
    data = bytes(range(256)) * 3
    path = tmp_path / "f"
    with files.open(path, "w") as f:
        f.write(data)
    assert path.read_bytes() == data
    f = files.open(path)
    assert [ord(c) for c in f.read(5)] == list(data[:5])
    f.seek(200)
    assert ord(f.read(1)) == 200
    assert f.tell() == 201
    f.seek(-2, 2)
    assert f.read() == "\xfe\xff"
    f.seek(1)
    f.seek(4, 1)
    assert ord(f.read(1)) == 5


def test_latin_1_is_read_by_bytes_and_utf_8_by_characters(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"caf\xe9\n")
    assert files.open(path).read() == "café\n"
    path.write_bytes("café\n".encode())
    assert files.open(path).read() == "café\n"
    # A bad byte far down survives.
    data = b"a" * 70000 + b"\xff"
    path.write_bytes(data)
    text = files.open(path).read()
    with files.open(path, "w") as f:
        f.write(text)
    assert path.read_bytes() == data


def test_a_character_cut_by_the_look_ahead(tmp_path):
    path = tmp_path / "f"
    text = "a" * (strings.LOOKED_AT - 1) + "é"
    path.write_text(text, encoding="utf-8")
    assert files.open(path).read() == text


def test_line_ends(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"a\r\nb\rc\n")
    assert files.open(path).readlines() == ["a\r\n", "b\rc\n"]
    for mode in ("U", "rU", "Ur"):
        assert files.open(path, mode).readlines() == ["a\n", "b\n", "c\n"]


def test_binary_files_take_text(tmp_path):
    path = tmp_path / "f"
    for written, expected in [("é", "é".encode()), ("\x00\xe9", b"\x00\xe9"), (b"\xff", b"\xff")]:
        for buffering in (-1, 0):
            with files.open(path, "wb", buffering) as f:
                f.write(written)
            assert path.read_bytes() == expected
    with files.open(path, "r+b") as f:
        f.writelines(["ab", b"c"])
        f.seek(0)
        assert f.read() == b"abc"
    with files.open(path, "ab") as f:
        f.write("d")
    assert files.open(path, "rb").read() == b"abcd"


def test_written_at_once(tmp_path):
    path = tmp_path / "f"
    f = files.open(path, "w", 0)
    f.write("now")
    assert path.read_text() == "now"


def test_modes(tmp_path):
    path = tmp_path / "f"
    f = files.open(path, "w+")
    f.write("abc")
    f.seek(0)
    assert f.read() == "abc"
    files.open(path, "a").write("d")
    assert files.open(path, "rt").read() == "abcd"
    assert files.open(path, encoding="ascii").encoding == "ascii"  # Python 3's
    with pytest.raises(FileNotFoundError):
        files.open(tmp_path / "absent")


def test_iteration(tmp_path):
    path = tmp_path / "f"
    path.write_text("a\nb\nc\n")
    for mode in ("r", "rb"):
        f = files.open(path, mode)
        end = "" if mode == "r" else b""
        assert f.next().strip() + end in ("a", b"a")
        assert len(list(f.xreadlines())) == 2


def test_numpy_and_pickle_get_the_bytes(tmp_path):
    path = tmp_path / "f"
    array = np.arange(5)
    with files.open(path, "w") as f:
        pickle.dump(array, files.bytes_of(f))
    f = files.open(path)
    np.testing.assert_array_equal(pickle.load(files.bytes_of(f)), array)
    array.tofile(files.open(path, "w"))
    np.testing.assert_array_equal(np.fromfile(files.open(path), int), array)
    with files.open(path, "w") as f:
        np.savetxt(f, array)
    np.testing.assert_array_equal(np.loadtxt(files.open(path)), array)


def test_bytes_and_text():
    assert files.to_bytes("\xff") == b"\xff"
    assert files.to_bytes("日") == "日".encode()
    assert files.to_bytes(3) == 3
    assert files.to_text(b"caf\xc3\xa9") == "café"
    assert files.to_text(b"\xff") == "\xff"
    assert files.to_text("a") == "a"
    memory = io.BytesIO()
    assert files.bytes_of(memory) is memory
