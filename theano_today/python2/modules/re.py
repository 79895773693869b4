"""re, as Python 2 matched: bytes and text alike, and ASCII unless a pattern says UNICODE.

Four things differ without an error: ``\\w``, ``\\s``, ``\\d`` and ``\\b`` knew ASCII alone (3.0);
split did not split at empty matches, nor sub replace one right behind another match (3.7).
Unknown escapes, ``(?i)`` in the middle and LOCALE are errors today, and were none.
"""

import re as today
import sys

from theano_today.python2 import strings
from theano_today.python2.modules import vary

_BAD_ESCAPE = today.compile(r"bad escape \\(.)", today.DOTALL)
_INLINE = today.compile(r"(?<!\\)((?:\\\\)*)\(\?([iLmsux]+)\)")


def _text(value):
    if isinstance(value, str):
        return value
    try:
        return strings.to_text(memoryview(value).tobytes())  # array.array, mmap, buffer
    except TypeError:
        return value  # re's own error


def _compiled(pattern, flags):
    text, named = _text(pattern), int(flags)
    if not isinstance(text, str):
        return today.compile(pattern, flags)
    for found in _INLINE.finditer(text):
        for letter in found.group(2):
            named |= int(getattr(today, letter.upper()))
    text = _INLINE.sub(r"\1", text)
    named &= ~int(today.LOCALE)  # text has none; ASCII is that of the locale C
    if not named & today.UNICODE:
        named |= int(today.ASCII)
    while True:
        try:
            return today.compile(text, named)
        except today.error as error:
            if not _BAD_ESCAPE.match(error.msg) or error.pos is None:
                raise
            text = text[: error.pos] + text[error.pos + 1 :]


def _replacement(value):
    """Return what sub puts in; an unknown escape in it stands for itself."""
    if callable(value):
        return lambda found: _text(value(found))
    return today.sub(
        r"\\(.)", lambda e: e.group() if e.group(1) in _KNOWN else "\\" + e.group(), _text(value),
        flags=today.DOTALL,
    )  # fmt: skip


_KNOWN = frozenset("abfnrtvg0123456789\\") | {chr(n) for n in range(128) if not chr(n).isalpha()}


class Pattern:
    """A compiled pattern, for text and for the bytes that it stands for."""

    def __init__(self, pattern, flags=0):
        self._made = _compiled(pattern, flags)
        self.pattern = pattern
        self.flags = int(flags)

    def __getattr__(self, name):
        if name == "_made" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._made, name)

    def __eq__(self, other):
        return isinstance(other, Pattern) and self._made == other._made

    def __hash__(self):
        return hash(self._made)

    def __repr__(self):
        return repr(self._made)

    def __reduce__(self):
        return compile, (self.pattern, self.flags)

    def match(self, string, *limits):
        return self._made.match(_text(string), *limits)

    def search(self, string, *limits):
        return self._made.search(_text(string), *limits)

    def findall(self, string, *limits):
        return self._made.findall(_text(string), *limits)

    def finditer(self, string, *limits):
        return self._made.finditer(_text(string), *limits)

    def split(self, string, maxsplit=0):
        text, pieces, end = _text(string), [], 0
        for found in self._made.finditer(text):
            if found.start() == found.end():
                continue
            pieces += [text[end : found.start()], *found.groups()]
            end = found.end()
            maxsplit -= 1
            if maxsplit == 0:
                break
        return [*pieces, text[end:]]

    def sub(self, repl, string, count=0):
        return self.subn(repl, string, count)[0]

    def subn(self, repl, string, count=0):
        text, put = _text(string), _replacement(repl)
        if not callable(put):
            put = put if "\\" in put else lambda found, text=put: text
        pieces, end, number = [], 0, 0
        for found in self._made.finditer(text):
            if number and found.start() == found.end() == end:
                continue
            pieces += [
                text[end : found.start()],
                put(found) if callable(put) else found.expand(put),
            ]
            end, number = found.end(), number + 1
            if number == count:
                break
        return "".join([*pieces, text[end:]]), number


_pattern_type = Pattern
_cache: dict = {}


def compile(pattern, flags=0):
    if isinstance(pattern, Pattern):
        return pattern
    if isinstance(pattern, today.Pattern):
        pattern, flags = pattern.pattern, pattern.flags
    key = (type(pattern), pattern, int(flags))
    if key not in _cache:
        if len(_cache) > 500:
            _cache.clear()
        _cache[key] = Pattern(pattern, flags)
    return _cache[key]


def match(pattern, string, flags=0):
    return compile(pattern, flags).match(string)


def search(pattern, string, flags=0):
    return compile(pattern, flags).search(string)


def findall(pattern, string, flags=0):
    return compile(pattern, flags).findall(string)


def finditer(pattern, string, flags=0):
    return compile(pattern, flags).finditer(string)


def split(pattern, string, maxsplit=0, flags=0):
    return compile(pattern, flags).split(string, maxsplit)


def sub(pattern, repl, string, count=0, flags=0):
    return compile(pattern, flags).sub(repl, string, count)


def subn(pattern, repl, string, count=0, flags=0):
    return compile(pattern, flags).subn(repl, string, count)


def escape(pattern):
    """Return text with all but letters and digits escaped."""
    text = _text(pattern)
    return "".join(c if c.isascii() and c.isalnum() else "\\000" if c == "\0" else "\\" + c
                   for c in text)  # fmt: skip


def purge():
    _cache.clear()
    today.purge()


vary(sys.modules[__name__], today)
