"""codecs, whose writers and readers let files of text be.

``sys.stdout = codecs.getwriter("utf8")(sys.stdout)`` made files of bytes take text.
"""

import codecs as today
import io
import sys

from theano_today.python2.modules import vary


def getwriter(encoding):
    return _unless_text(today.getwriter(encoding))


def getreader(encoding):
    return _unless_text(today.getreader(encoding))


def _unless_text(kind):
    def make(stream, errors="strict"):
        return stream if isinstance(stream, io.TextIOBase) else kind(stream, errors)

    return make


vary(sys.modules[__name__], today)
