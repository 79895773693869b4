"""gzip, whose files take text, and give what mixes with it."""

import gzip as today
import sys

from theano_today.python2 import files
from theano_today.python2.modules import vary


class GzipFile(files.ReadsStrings, today.GzipFile):
    def write(self, data):
        return super().write(files.to_bytes(data))


def open(filename, mode="rb", compresslevel=9, *arguments, **options):
    if arguments or options or "t" in mode:
        return today.open(filename, mode, compresslevel, *arguments, **options)
    return GzipFile(filename, mode, compresslevel)


vary(sys.modules[__name__], today)
