"""csv, whose files are open with or without "b"."""

import csv as today
import io
import sys

from theano_today.python2 import files
from theano_today.python2.modules import vary


def reader(lines, *arguments, **options):
    return today.reader(map(files.to_text, lines), *arguments, **options)


def writer(file, *arguments, **options):
    return today.writer(_text(file), *arguments, **options)


class DictReader(today.DictReader):
    def __init__(self, lines, *arguments, **options):
        super().__init__(map(files.to_text, lines), *arguments, **options)

    def next(self):
        return next(self)


class DictWriter(today.DictWriter):
    def __init__(self, file, *arguments, **options):
        super().__init__(_text(file), *arguments, **options)


class _Text:
    def __init__(self, file):
        self.file = file

    def write(self, text):
        self.file.write(text.encode("utf-8", "surrogateescape"))


def _text(file):
    of_bytes = isinstance(file, (io.RawIOBase, io.BufferedIOBase))
    return _Text(file) if of_bytes else file


vary(sys.modules[__name__], today)
