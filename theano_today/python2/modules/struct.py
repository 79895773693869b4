"""struct, which takes text that was read from a file of bytes, and packs what mixes with it."""

import struct as today
import sys

from theano_today.python2 import files, strings
from theano_today.python2.modules import vary


def unpack(layout, data):
    return strings.as_string(today.unpack(layout, files.to_bytes(data)))


def unpack_from(layout, buffer, offset=0):
    return strings.as_string(today.unpack_from(layout, files.to_bytes(buffer), offset))


def pack(layout, *values):
    return strings.Bytes(today.pack(layout, *map(files.to_bytes, values)))


vary(sys.modules[__name__], today)
