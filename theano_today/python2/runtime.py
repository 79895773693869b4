"""What translated code calls: it says ``_py2.div(a, b)`` where the program says ``a / b``.

Each function decides by the values, as Python 2 did: a dict's ``keys()`` is a list, another
class's is what it returns.
"""

from __future__ import annotations

import codecs
from collections.abc import ItemsView, KeysView, ValuesView
from typing import Any

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

__all__ = [
    "chain",
    "decode",
    "div",
    "divide_of",
    "encode",
    "ge",
    "gt",
    "has_key",
    "idiv",
    "idiv_attribute",
    "idiv_item",
    "iterated",
    "key",
    "le",
    "listed",
    "lt",
    "message",
    "next",
    "print_statement",
    "sort",
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
    return data.encode(encoding, errors) if isinstance(data, str) else data


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
