"""re for translated code; what is expected is what CPython 2.7.18 gave."""

import copy
import pickle

import pytest

from theano_today.python2 import modules
from theano_today.python2.strings import Bytes

re = modules.get("re")


def test_split_does_not_split_at_empty_matches():
    assert re.split(r"\s*", "a b  c d") == ["a", "b", "c", "d"]
    assert re.split("x*", "axbc") == ["a", "bc"]
    assert re.split(r"(?:)", "ab") == ["ab"]
    assert re.split("(,)", "a,b,c", 1) == ["a", ",", "b,c"]
    assert re.split("(a)|b", "cabd") == ["c", "a", "", None, "d"]
    assert re.compile(r"(\d+)").split("a1b22c") == ["a", "1", "b", "22", "c"]


def test_sub_and_empty_matches():
    assert re.sub("x*", "-", "abxd") == "-a-b-d-"
    assert re.sub("", "-", "ab") == "-a-b-"
    assert re.subn("b*", "*", "abba") == ("*a*a*", 3)


def test_ascii_unless_unicode():
    assert re.findall(r"\w+", "café olé") == ["caf", "ol"]
    assert re.findall(r"\w+", "café olé", re.UNICODE) == ["café", "olé"]
    assert re.findall(r"(?u)\w+", "café olé") == ["café", "olé"]
    assert re.findall(r"\w+", "café", re.LOCALE) == ["caf"]
    assert re.split(r"\s", "a\xa0b") == ["a\xa0b"]


def test_text_and_bytes():
    assert re.sub("[^a-z]", " ", Bytes(b"ab1c")) == "ab c"
    assert re.sub(Bytes(b"a"), Bytes(b"\\g<0>x"), Bytes(b"ab")) == "axb"
    assert re.findall(r"\w+", Bytes("café".encode("latin-1"))) == ["caf"]
    assert re.match("a", bytearray(b"ab")).group() == "a"
    assert re.sub("a", lambda found: Bytes(b"z"), "ab") == "zb"
    with pytest.raises(TypeError):
        re.match("a", 3)


def test_escapes_that_are_errors_today():
    assert re.findall(r"\y\q", "yqa") == ["yq"]
    assert re.sub("a", r"\d", "cat") == r"c\dt"
    assert re.sub("a", r"[\g<0>\n]", "cat") == "c[a\n]t"
    assert re.sub(r"\(", r" \( ", "a(b") == r"a \( b"
    assert re.sub("(?P<x>a)", r"<\g<x>\1>", "banana", 2) == "b<aa>n<aa>na"
    assert re.escape("a.b-c_1\x00") == "a\\.b\\-c\\_1\\000"
    with pytest.raises(re.error):
        re.compile("(")


def test_flags_in_the_middle():
    assert re.search("b(?i)C", "aBc").span() == (1, 3)
    assert re.search(r"\(?i\)", "i)").span() == (0, 2)


def test_compiled():
    pattern = re.compile("A", re.I)
    assert re.compile(pattern) is pattern
    assert re.compile("A", re.I) == pattern
    assert (pattern.flags, pattern.pattern, pattern.groups) == (2, "A", 0)
    assert pattern.search("aba", 1).start() == 2
    assert pattern.match("ba", 1).group() == "a"
    for other in (copy.deepcopy(pattern), pickle.loads(pickle.dumps(pattern))):
        assert other == pattern
        assert hash(other) == hash(pattern)
    assert isinstance(pattern, re._pattern_type)
