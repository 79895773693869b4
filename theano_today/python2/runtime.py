"""What translated code calls: it says ``_py2.div(a, b)`` where the program says ``a / b``.

Each function decides by the values, as Python 2 did: a dict's ``keys()`` is a list, another
class's is what it returns.
"""

from __future__ import annotations

import codecs
from collections.abc import ItemsView, KeysView, ValuesView
from typing import Any

from theano_today.habits import values
from theano_today.python2 import files
from theano_today.python2.classes import two_to_three
from theano_today.python2.division import (
    div,
    divide_of,
    idiv,
    idiv_attribute,
    idiv_item,
    key,
)
from theano_today.python2.ordering import chain, ge, gt, le, lt, sort
from theano_today.python2.printing import print_statement
from theano_today.python2.strings import Bytes, join, member, string, to_bytes, with_digits

__all__ = [
    "chain",
    "decode",
    "div",
    "divide_of",
    "encode",
    "format",
    "formatted",
    "ge",
    "gt",
    "has_key",
    "idiv",
    "idiv_attribute",
    "idiv_item",
    "iterated",
    "joined",
    "key",
    "le",
    "listed",
    "lt",
    "member",
    "message",
    "next",
    "print_statement",
    "sort",
    "string",
    "string_bytearray",
    "string_bytes",
    "string_unicode",
    "text",
    "translate",
    "two_to_three",
    "unicode",
    "viewed",
]

_VIEWS = (KeysView, ItemsView, ValuesView)
# Codecs from text to text, or from bytes to bytes: both were strings.
_OF_BYTES = ("hex", "base64", "zlib", "bz2", "quopri", "uu")
_SAME_TEXT = ("utf-8", "utf-8-sig", "iso8859-1")


def listed(view: Any) -> Any:
    """Return the list that Python 2's keys(), items() and values() of a mapping were."""
    return list(view) if isinstance(view, _VIEWS) else view


def iterated(mapping: Any, kind: str) -> Any:
    """Return ``mapping.iteritems()`` and its like, `kind` being "items", "keys" or "values"."""
    own = getattr(mapping, f"iter{kind}", None)
    return iter(getattr(mapping, kind)()) if own is None else own()


def viewed(mapping: Any, kind: str) -> Any:
    """Return ``mapping.viewitems()`` and its like."""
    own = getattr(mapping, f"view{kind}", None)
    return getattr(mapping, kind)() if own is None else own()


def format(layout: Any, *arguments: Any, **options: Any) -> Any:
    """Return ``layout.format(...)``: floats in text have twelve digits."""
    if isinstance(layout, str):
        arguments, options = with_digits(arguments), with_digits(options)
    return layout.format(*arguments, **options)


def formatted(layout: str, data: Any) -> str:
    """Return ``layout % data`` of text: floats have twelve digits by %s."""
    return values.formatted(layout, with_digits(data))


def joined(separator: Any, items: Any) -> Any:
    """Return ``separator.join(items)``."""
    return join(separator, items) if isinstance(separator, (str, bytes)) else separator.join(items)


def string_unicode(x: Any) -> Any:
    """Return ``unicode(x)``."""
    own = getattr(type(x), "__unicode__", None)
    return string(x) if own is None else own(x)


def string_bytes(x: Any) -> Any:
    """Return ``bytes(x)``, which was str."""
    return Bytes(to_bytes(string(x))) if isinstance(x, (str, bytes)) else string(x)


def string_bytearray(x: Any) -> bytearray:
    return bytearray(to_bytes(x))


def has_key(mapping: Any, key: Any) -> bool:
    own = getattr(mapping, "has_key", None)
    return key in mapping if own is None else own(key)


def next(iterator: Any) -> Any:
    own = getattr(iterator, "next", None)
    return type(iterator).__next__(iterator) if own is None else own()


def message(error: Any) -> Any:
    """Return ``error.message``; an exception without one has its only argument there."""
    if not isinstance(error, BaseException) or hasattr(error, "message"):
        return error.message
    return error.args[0] if len(error.args) == 1 else ""


def unicode(data: Any, encoding: str = "ascii", errors: str = "strict") -> str:
    return decode(data, encoding, errors)


def encode(data: Any, encoding: str = "ascii", errors: str = "strict") -> Any:
    """Return ``data.encode(...)``: hex and its like give text of text, as Python 2 did."""
    if not isinstance(data, (str, bytes)):
        return data.encode(encoding, errors)
    name: Any = codecs.lookup(encoding).name
    if name in _OF_BYTES:
        return codecs.encode(files.to_bytes(data), name).decode("latin-1")
    if name == "rot-13":
        return codecs.encode(str(files.to_text(data)), "rot13")
    if isinstance(data, str):
        # Of ASCII both are the same string, and libraries of today want text.
        return data if _is_ascii(data, name) else Bytes(data.encode(encoding, errors))
    return data


def _is_ascii(data: str, name: str) -> bool:
    return data.isascii() and name in ("ascii", *_SAME_TEXT)


def decode(data: Any, encoding: str = "ascii", errors: str = "strict") -> Any:
    """Return ``data.decode(...)``; text that was decoded as the file was read stays as it is."""
    if not isinstance(data, (str, bytes)):
        return data.decode(encoding, errors)
    if encoding in ("string_escape", "string-escape"):
        return codecs.escape_decode(files.to_bytes(data))[0].decode("latin-1")
    name: Any = codecs.lookup(encoding).name
    if name in _OF_BYTES:
        return codecs.decode(files.to_bytes(data), name).decode("latin-1")
    if name == "rot-13":
        return codecs.encode(str(files.to_text(data)), "rot13")
    if isinstance(data, bytes):
        return data.decode(encoding, errors)
    if name == "ascii":
        return files.to_bytes(data).decode("ascii", errors)
    if name in _SAME_TEXT:
        return data
    try:
        raw = data.encode("latin-1")
    except UnicodeEncodeError:
        return data
    return raw.decode(encoding, errors)


def translate(data: Any, *arguments: Any) -> Any:
    """Return ``data.translate(table, deletions)``."""
    if isinstance(data, str) and arguments and (len(arguments) == 2 or arguments[0] is None):
        table, deleted = arguments[0], arguments[1] if len(arguments) == 2 else ""
        kept = data.translate(dict.fromkeys(map(ord, deleted)))
        return kept if table is None else kept.translate(table)
    return data.translate(*arguments)


def text(data: Any) -> Any:
    """Return what print shows: bytes as the text they are."""
    return files.to_text(data)
