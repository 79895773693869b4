"""Bytes that are strings, and floats as text: as CPython 2.7.18 had them."""

from __future__ import annotations

import pickle

import pytest

from theano_today.python2 import strings
from theano_today.python2.strings import Bytes

SOME = Bytes(b"\x00a\xff")


def test_bytes_are_bytes_for_libraries():
    assert isinstance(SOME, bytes)
    assert bytes(memoryview(SOME)) == b"\x00a\xff" == SOME
    assert int(Bytes(b"12")) == 12
    assert float(Bytes(b" 1.5\n")) == 1.5
    assert ord(SOME[2]) == 255


def test_their_items_are_strings():
    assert SOME[1] == "a"
    assert SOME[-1] == "\xff"
    assert [ord(c) for c in SOME] == [0, 97, 255]
    assert type(SOME[1:]) is type(SOME[0]) is Bytes
    assert "a" in SOME
    assert "b" not in SOME


def test_they_equal_text_and_are_found_by_it():
    assert Bytes(b"word") == "word"
    assert Bytes(b"word") != "other"
    assert {"word": 1}[Bytes(b"word")] == 1
    assert {Bytes(b"word"): 1}["word"] == 1
    # UTF-8 as the text that it is, and bytes as the characters that stand for them.
    assert Bytes("h\xe9".encode()) == "h\xe9"
    assert {"h\xe9": 1}[Bytes("h\xe9".encode())] == 1
    assert SOME == "\x00a\xff"
    assert {"\x00a\xff": 1}[SOME] == 1
    assert sorted([Bytes(b"b"), "c", "a"]) == ["a", "b", "c"]
    assert Bytes(b"1") != 1


def test_they_mix_with_text():
    assert Bytes(b"\xff") + "a" == b"\xffa"
    assert "a" + Bytes(b"\xff") == b"a\xff"
    assert type("a" + Bytes(b"b")) is Bytes
    assert Bytes(b"a") + "\u4e2d" == "a\u4e2d"
    assert "\u4e2d" + Bytes(b"a") == "\u4e2da"
    assert "\xff" + Bytes(b"\xfe") == b"\xff\xfe"
    assert Bytes(b"ab") * 2 == "abab"
    with pytest.raises(TypeError):
        1 + Bytes(b"a")  # type: ignore[operator]


def test_methods():
    line = Bytes(b" The cat,the dog\n")
    assert line.strip().lower().split(" ") == ["the", "cat,the", "dog"]
    assert line.replace("cat", "cow").find("cow") == 5
    assert line.startswith((" The", "x"))
    assert line.endswith("\n")
    assert line.partition(",")[2] == "the dog\n"
    assert Bytes(b"a%d") % 3 == "a3"
    assert Bytes(b"a{}").format(3) == "a3"
    assert Bytes(b"-").join(["a", Bytes(b"b")]) == "a-b"
    assert all(type(word) is str for word in line.split())
    assert [type(word) for word in Bytes(b"a \xff").split()] == [str, Bytes]


def test_what_is_text_is_that():
    assert type(strings.as_string(b"a b\n\t")) is str
    assert type(strings.as_string(b"a\x00")) is Bytes
    assert [type(x) for x in strings.as_string([b"a", "b", b"\xc3\xa9", 3])] == [
        str, str, Bytes, int,
    ]  # fmt: skip
    assert strings.member(Bytes(b"\xff")) in "a\xff"


def test_as_text():
    assert str(Bytes("h\xe9".encode())) == "h\xe9"
    assert f"{Bytes(b'ab'):>4}" == "  ab"
    assert "%s" % Bytes(b"ab") == "ab"  # noqa: UP031
    assert repr(SOME) == r"'\x00a\xff'"
    assert pickle.loads(pickle.dumps(SOME)) == "\x00a\xff"


@pytest.mark.parametrize(
    ("separator", "items", "expected"),
    [
        (" ", ["a", "b"], "a b"),
        (" ", [Bytes(b"a"), "b"], "a b"),
        ("", [b"\x00", "\xff"], b"\x00\xff"),
        (b",", ["a"], "a"),
        ("", [], ""),
    ],
)
def test_join(separator, items, expected):
    assert strings.join(separator, items) == expected


def test_join_refuses_what_is_no_string():
    for separator in ("", b""):
        with pytest.raises(TypeError):
            strings.join(separator, [1])


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (2 / 3.0, "0.666666666667"),
        (100.0, "100.0"),
        (1e16, "1e+16"),
        (1e11, "1e+11"),
        (123456789012.0, "1.23456789012e+11"),
        (-12345678901.0, "-12345678901.0"),
        (1e12, "1e+12"),
        (1e-5, "1e-05"),
        (-0.0, "-0.0"),
        (123456789.123456789, "123456789.123"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (0.1 + 0.2 + 1j, "(0.3+1j)"),
        (1.5 - 2j, "(1.5-2j)"),
        (2j, "2j"),
        (3, "3"),
        (None, "None"),
        ([0.1 + 0.2], "[0.30000000000000004]"),
    ],
)
def test_numbers_as_text(x, text):
    assert strings.string(x) == text


def test_numbers_in_formats():
    x = 0.1 + 0.2
    layout = "%s %r %.3f %d"
    assert layout % strings.with_digits((x, x, x, 3.9)) == ("0.3 0.30000000000000004 0.300 3")
    layout = "%(a)s"
    assert layout % strings.with_digits({"a": x}) == "0.3"
    assert "{} {!r} {:.2f}".format(*strings.with_digits((x, x, x))) == (
        "0.3 0.30000000000000004 0.30"
    )
    assert strings.with_digits([x]) == [x]
