"""string, with the functions that became methods of str."""

import string as today
import sys

from theano_today.python2.modules import vary

letters = today.ascii_letters
lowercase = today.ascii_lowercase
uppercase = today.ascii_uppercase
atoi_error = atof_error = atol_error = index_error = ValueError


def maketrans(a, b):
    """Return a table of 256 characters for translate."""
    if len(a) != len(b):
        raise ValueError("maketrans arguments must have same length")
    table = [chr(i) for i in range(256)]
    for x, y in zip(a, b, strict=True):
        table[ord(x)] = y
    return "".join(table)


def translate(s, table, deletions=""):
    kept = s.translate(dict.fromkeys(map(ord, deletions)))
    return kept if table is None else kept.translate(table)


def join(words, sep=" "):
    return sep.join(words)


joinfields = join


def split(s, sep=None, maxsplit=-1):
    return s.split(sep, maxsplit)


splitfields = split


def rsplit(s, sep=None, maxsplit=-1):
    return s.rsplit(sep, maxsplit)


def replace(s, old, new, maxreplace=-1):
    return s.replace(old, new, maxreplace)


def atoi(s, base=10):
    return int(s, base)


atol = atoi


def atof(s):
    return float(s)


def zfill(x, width):
    return (x if isinstance(x, str) else repr(x)).zfill(width)


def _method(name):
    def function(s, *arguments):
        return getattr(s, name)(*arguments)

    function.__name__ = function.__qualname__ = name
    return function


for _name in [
    "lower",
    "upper",
    "swapcase",
    "capitalize",
    "strip",
    "lstrip",
    "rstrip",
    "find",
    "rfind",
    "index",
    "rindex",
    "count",
    "ljust",
    "rjust",
    "center",
    "expandtabs",
]:
    globals()[_name] = _method(_name)

vary(sys.modules[__name__], today)
