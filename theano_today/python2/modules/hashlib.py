"""hashlib, which takes text for the bytes that it stands for."""

import hashlib as today
import sys

from theano_today.python2.modules import vary
from theano_today.python2.strings import Bytes, to_bytes


class _Hash:
    def __init__(self, made):
        self._made = made

    def __getattr__(self, name):
        return getattr(self._made, name)

    def update(self, data):
        self._made.update(to_bytes(data))

    def digest(self):
        return Bytes(self._made.digest())

    def copy(self):
        return _Hash(self._made.copy())


def new(name, data=b"", **options):
    return _Hash(today.new(name, to_bytes(data), **options))


def _of(name):
    def make(data=b"", **options):
        return new(name, data, **options)

    make.__name__ = make.__qualname__ = name
    return make


md5, sha1, sha224, sha256, sha384, sha512 = map(
    _of, ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
)

vary(sys.modules[__name__], today)
