"""cPickle and pickle: what Python 2 pickled loads, its strings as Latin-1.

Each byte of such a string is one character; NumPy's arrays among them are whole again. Files may
be open with or without "b".
"""

from __future__ import annotations

import io
import pickle as today
import sys
from typing import Any

from theano_today.python2 import files
from theano_today.python2.modules import vary
from theano_today.python2.strings import Bytes


class Unpickler(today.Unpickler):
    def __init__(self, file: Any, *, encoding: str = "latin1", **options: Any) -> None:
        super().__init__(_reader(file), encoding=encoding, **options)
        self._file = file  # or it would be closed here, the only one who has it gone


class Pickler(today.Pickler):
    def __init__(self, file: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(_writer(file), *arguments, **options)
        self._file = file


def load(file: Any, *, encoding: str = "latin1", **options: Any) -> Any:
    return Unpickler(file, encoding=encoding, **options).load()


def loads(data: Any, /, *, encoding: str = "latin1", **options: Any) -> Any:
    return Unpickler(io.BytesIO(files.to_bytes(data)), encoding=encoding, **options).load()


def dump(obj: Any, file: Any, *arguments: Any, **options: Any) -> None:
    today.dump(obj, _writer(file), *arguments, **options)


def dumps(obj: Any, protocol: int = 2) -> Bytes:
    return Bytes(today.dumps(obj, protocol))


def _reader(file: Any) -> Any:
    return _BytesOnly(file) if isinstance(file, io.StringIO) else files.bytes_of(file)


def _writer(file: Any) -> Any:
    return files.bytes_of(file)


class _BytesOnly:
    # A text in memory that holds a pickle.
    def __init__(self, file: io.StringIO) -> None:
        self.file = file

    def read(self, size: int = -1) -> bytes:
        return files.to_bytes(self.file.read(size))

    def readline(self) -> bytes:
        return files.to_bytes(self.file.readline())


vary(sys.modules[__name__], today)
