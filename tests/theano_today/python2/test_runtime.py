"""What translated code calls: decided by the values."""

from collections import OrderedDict, UserDict

import numpy as np
import pandas as pd
import pytest

from theano_today.python2 import runtime


class Old:
    """A mapping with Python 2's methods."""

    def keys(self):
        return ("its own",)

    def iteritems(self):
        return "its own"

    def viewkeys(self):
        return "its own"

    def has_key(self, key):
        return "its own"

    def next(self):
        return "its own"

    def encode(self, *arguments):
        return arguments

    decode = translate = encode
    message = "its own"


def test_all_is_there():
    for name in runtime.__all__:
        assert callable(getattr(runtime, name)) or name == "key"


@pytest.mark.parametrize("mapping", [{"a": 1}, OrderedDict(a=1), UserDict(a=1)])
def test_mappings(mapping):
    assert runtime.listed(mapping.keys()) == ["a"]
    assert runtime.listed(mapping.items()) == [("a", 1)]
    assert runtime.listed(mapping.values()) == [1]
    items = runtime.iterated(mapping, "items")
    assert next(items) == ("a", 1)
    assert list(runtime.viewed(mapping, "keys")) == ["a"]
    assert runtime.has_key(mapping, "a")
    assert not runtime.has_key(mapping, "b")


def test_other_classes_decide_themselves():
    old = Old()
    assert runtime.listed(old.keys()) == ("its own",)
    assert runtime.iterated(old, "items") == "its own"
    assert runtime.viewed(old, "keys") == "its own"
    assert runtime.has_key(old, 1) == "its own"
    assert runtime.next(old) == "its own"
    assert runtime.message(old) == "its own"
    assert runtime.encode(old, "hex") == ("hex", "strict")
    assert runtime.decode(old, "hex") == ("hex", "strict")
    assert runtime.translate(old, 1) == (1,)
    frame = pd.DataFrame({"a": [1]})
    assert [name for name, column in runtime.iterated(frame, "items")] == ["a"]
    index = frame.keys()
    assert runtime.listed(index) is index
    archive = np.arange(3)
    assert runtime.listed(archive) is archive


def test_iterators():
    assert runtime.next(iter([1])) == 1
    with pytest.raises(StopIteration):
        runtime.next(iter([]))
    with pytest.raises(AttributeError):
        runtime.next([1])


def test_messages():
    assert runtime.message(ValueError("a")) == "a"
    assert runtime.message(ValueError()) == ""
    assert runtime.message(ValueError("a", "b")) == ""
    error = ValueError("a")
    error.message = "mine"
    assert runtime.message(error) == "mine"
    with pytest.raises(AttributeError):
        runtime.message(3)


@pytest.mark.parametrize("codec", ["hex", "base64", "zlib", "bz2", "rot13", "rot-13"])
@pytest.mark.parametrize("text", ["abc", "\xff\x00", ""])
def test_codecs_of_strings(codec, text):
    encoded = runtime.encode(text, codec)
    assert isinstance(encoded, str)
    assert runtime.decode(encoded, codec) == text


def test_text():
    assert runtime.encode("é", "utf-8") == b"\xc3\xa9"
    assert runtime.encode(b"a", "utf-8") == b"a"
    assert runtime.decode(b"\xc3\xa9", "utf-8") == "é"
    assert runtime.decode("é", "utf-8") == "é"
    assert runtime.decode("é", "latin-1") == "é"
    assert runtime.decode("日", "cp1252") == "日"
    assert runtime.decode("\xa4\xe9", "gbk") == b"\xa4\xe9".decode("gbk")
    assert runtime.decode("a\\n", "string_escape") == "a\n"
    assert runtime.unicode("abc", "utf-8") == "abc"
    assert runtime.unicode(b"abc") == "abc"
    assert runtime.decode("é", "ascii", "ignore") == ""
    with pytest.raises(UnicodeDecodeError):
        runtime.decode("é")
    with pytest.raises(LookupError):
        runtime.decode("a", "no-such-codec")


def test_translate():
    table = {ord("a"): "b"}
    assert runtime.translate("aac", table) == "bbc"
    assert runtime.translate("aac", None, "c") == "aa"
    assert runtime.translate("aac", None) == "aac"
    assert runtime.translate("aac", "".join(map(chr, range(256))).replace("a", "x"), "c") == "xx"
    assert runtime.translate(b"aac", None, b"c") == b"aa"
