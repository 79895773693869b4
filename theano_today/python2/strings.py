"""Python 2's strings, which were bytes: text and bytes that mix, and floats of twelve digits.

Text is text here (str), whatever the program read it from. What stays bytes is what a program asks
for as such: a file opened with "rb", an archive, a packed structure. A translated program gets
these as text if they are that, of ASCII and without control characters; else as `Bytes`, which are
bytes for every library, and mix with text, compare with it and are found by it in a dict, as
strings did.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

# What decides between UTF-8 and Latin-1 is looked for in a file's first bytes.
LOOKED_AT = 1 << 16
# What no text of ASCII has.
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\xff]")
_RUNTIME = "_py2"  # translated code has it (translate.RUNTIME)


def encoding_of(head: bytes) -> str:
    """Return utf-8 if the bytes that a file begins with are UTF-8 text, else latin-1."""
    if b"\0" in head:
        return "latin-1"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_off = len(head) >= LOOKED_AT and error.start >= len(head) - 3
        return "utf-8" if cut_off else "latin-1"
    return "utf-8"


def to_bytes(data: Any) -> Any:
    """Return the bytes that Python 2's string `data` had; what is no text comes back as it is."""
    if not isinstance(data, str):
        return data
    try:
        return data.encode("latin-1")
    except UnicodeEncodeError:
        return data.encode("utf-8", "surrogateescape")


def to_text(data: Any) -> Any:
    """Return text for bytes that are UTF-8, one character a byte for others."""
    if not isinstance(data, (bytes, bytearray)):
        return data
    plain = bytes(memoryview(data))
    encoding = encoding_of(plain)
    return plain.decode(encoding, "surrogateescape" if encoding == "utf-8" else "strict")


class Bytes(bytes):
    """Bytes that are a string: its items are strings, and it mixes with text.

    With text of ASCII they stay bytes; ASCII of theirs and other text make text.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return to_text(self)

    def __repr__(self) -> str:
        return super().__repr__()[1:]

    def __format__(self, layout: str) -> str:
        return format(to_text(self), layout)

    def __hash__(self) -> int:
        return hash(to_text(self))

    def __eq__(self, other: object) -> Any:
        if isinstance(other, str):
            return to_text(self) == other or to_bytes(other) == bytes(memoryview(self))
        return super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __lt__(self, other: Any) -> Any:
        return super().__lt__(to_bytes(other))

    def __le__(self, other: Any) -> Any:
        return super().__le__(to_bytes(other))

    def __gt__(self, other: Any) -> Any:
        return super().__gt__(to_bytes(other))

    def __ge__(self, other: Any) -> Any:
        return super().__ge__(to_bytes(other))

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Bytes((found,)) if isinstance(found, int) else Bytes(found)

    def __iter__(self) -> Iterator[Any]:
        return (Bytes((value,)) for value in memoryview(self))

    def __contains__(self, item: Any) -> bool:
        return super().__contains__(to_bytes(item))

    def __add__(self, other: Any) -> Any:
        if isinstance(other, str) and not other.isascii() and not _BINARY.search(self):
            return to_text(self) + other
        return Bytes(super().__add__(to_bytes(other)))

    def __radd__(self, other: Any) -> Any:
        if not isinstance(other, (str, bytes)):
            return NotImplemented
        if isinstance(other, str) and not other.isascii() and not _BINARY.search(self):
            return other + to_text(self)
        return Bytes(to_bytes(other) + bytes(memoryview(self)))

    def __mul__(self, count: Any) -> Any:
        return Bytes(super().__mul__(count))

    __rmul__ = __mul__

    def __mod__(self, values: Any) -> Any:
        return to_text(self) % values

    def __reduce__(self) -> Any:
        return str, (self.decode("latin-1"),)  # as Python 2's pickles: text of so many characters

    def format(self, *arguments: Any, **options: Any) -> str:
        return to_text(self).format(*arguments, **options)

    def encode(self, encoding: str = "ascii", errors: str = "strict") -> Any:
        return self

    def join(self, items: Any) -> Any:
        return join(self, items)

    def translate(self, table: Any, deleted: Any = b"") -> Any:
        return Bytes(super().translate(to_bytes(table), to_bytes(deleted)))


def as_string(value: Any) -> Any:
    """Return `value` with bytes of text in ASCII as text, others as `Bytes`; in a list, too."""
    if type(value) is bytes:
        return Bytes(value) if _BINARY.search(value) else value.decode("ascii")
    if type(value) in (list, tuple):
        return type(value)(map(as_string, value))
    return value


def taking_text(function: Callable) -> Callable:
    """Return a function of bytes that takes text for them, and gives `Bytes`."""

    def call(*arguments, **options):
        given = {name: to_bytes(value) for name, value in options.items()}
        return as_string(function(*map(to_bytes, arguments), **given))

    call.__name__ = call.__qualname__ = getattr(function, "__name__", "call")
    call.__doc__ = function.__doc__
    return call


def _method(method: Callable) -> Callable:
    def call(self, *arguments, **options):
        if arguments and isinstance(arguments[0], tuple):  # startswith
            arguments = (tuple(map(to_bytes, arguments[0])), *arguments[1:])
        return as_string(method(self, *map(to_bytes, arguments), **options))

    call.__name__ = call.__qualname__ = method.__name__
    call.__doc__ = method.__doc__
    return call


_METHODS = (
    "capitalize",
    "center",
    "count",
    "endswith",
    "expandtabs",
    "find",
    "index",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
)
for _name in _METHODS:
    setattr(Bytes, _name, _method(getattr(bytes, _name)))


def for_program(value: Any, depth: int = 2) -> Any:
    """Return bytes as `Bytes` if it is translated code that asked, `depth` frames up."""
    asks = _RUNTIME in sys._getframe(depth).f_globals
    return as_string(value) if asks else value


def member(x: Any) -> Any:
    """Return x for ``x in y``: text knows no bytes to be in it."""
    return to_text(x) if type(x) is Bytes else x


def join(separator: Any, items: Any) -> Any:
    """Return ``separator.join(items)``, where some of them may be bytes and others text."""
    items = list(items)
    everything = [separator, *items]
    if not any(isinstance(item, bytes) for item in everything):
        return separator.join(items)
    if all(isinstance(item, (str, bytes)) for item in everything):
        total = Bytes(b"")
        for position, item in enumerate(items):
            total = total + separator + item if position else total + item
        return total
    return bytes(to_bytes(separator)).join(items)  # its own error


# ---- numbers


def string(x: Any) -> Any:
    """Return ``str(x)``: of a float twelve digits, as Python 2 and its print had it."""
    if type(x) is float:
        text = format(x, ".12g")
        if any(c in ".enaif" for c in text):
            return text
        if len(text.lstrip("-")) < 12:
            return f"{text}.0"
        digits, exponent = format(x, ".11e").split("e")  # no room for the point
        return f"{digits.rstrip('0').rstrip('.')}e{exponent}"
    if type(x) is complex:
        imaginary = format(x.imag, ".12g")
        if x.real == 0 and str(x.real)[0] != "-":
            return f"{imaginary}j"
        return f"({x.real:.12g}{'' if imaginary[0] in '+-' else '+'}{imaginary}j)"
    return x if type(x) is str else str(to_text(x))


class _Float(float):
    """A float whose str is Python 2's."""

    __slots__ = ()

    def __str__(self) -> str:
        return string(float(self))

    def __format__(self, layout: str) -> str:
        if not layout:
            return str(self)
        # Without a type or a precision it is str's digits, too.
        plain = layout[-1].isdigit() and "." not in layout
        return format(float(str(self)) if plain else float(self), layout)

    def __repr__(self) -> str:
        return repr(float(self))


def with_digits(values: Any) -> Any:
    """Return what is formatted with its floats showing twelve digits by ``%s`` and ``{}``."""
    kind = type(values)
    if kind is float:
        return _Float(values)
    if kind is tuple and float in map(type, values):
        return tuple(_Float(v) if type(v) is float else v for v in values)
    if kind is dict:
        return {k: _Float(v) if type(v) is float else v for k, v in values.items()}
    return values
