"""marshal, whose files are open with or without "b"."""

import marshal as today
import sys

from theano_today.python2 import files
from theano_today.python2.modules import vary


def load(file):
    return today.load(files.bytes_of(file))


def loads(data):
    return today.loads(files.to_bytes(data))


def dump(value, file, version=today.version):
    today.dump(value, files.bytes_of(file), version)


vary(sys.modules[__name__], today)
