"""StringIO and cStringIO: a file in memory, of text or of bytes, as its first data are."""

from __future__ import annotations

import io
from typing import Any

from theano_today.python2 import files
from theano_today.python2.strings import for_program


class StringIO:
    """A file in memory.

    Python 2's strings were bytes: programs write words to it, or have an image or a pickle
    written to it. What comes first decides; text written to bytes becomes bytes.
    """

    def __init__(self, buffer: Any = "") -> None:
        self._file: Any = None
        self.softspace = 0  # see printing.py
        if isinstance(buffer, (bytes, bytearray, memoryview)):
            self._file = io.BytesIO(buffer)
        elif buffer:
            self._file = io.StringIO(str(buffer), newline="")

    def write(self, data: Any) -> None:
        self.softspace = 0
        of_bytes = isinstance(data, (bytes, bytearray, memoryview))
        if self._file is None:
            self._file = io.BytesIO() if of_bytes else io.StringIO(newline="")
        elif of_bytes and isinstance(self._file, io.StringIO):
            text, place = self._file.getvalue(), self._file.tell()
            head = files.to_bytes(text[:place])
            self._file = io.BytesIO(files.to_bytes(text))
            self._file.seek(len(head))
        elif not of_bytes and isinstance(self._file, io.BytesIO):
            data = files.to_bytes(data)
        self._file.write(data)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def getvalue(self) -> Any:
        return "" if self._file is None else for_program(self._file.getvalue())

    def read(self, *arguments: Any) -> Any:
        return for_program(self._made().read(*arguments))

    def readline(self, *arguments: Any) -> Any:
        return for_program(self._made().readline(*arguments))

    def readlines(self, *arguments: Any) -> Any:
        return for_program(self._made().readlines(*arguments))

    def next(self) -> Any:
        return for_program(next(self._made()))

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return for_program(next(self._made()))

    def __enter__(self) -> StringIO:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._made(), name)

    def _made(self) -> Any:
        if self._file is None:
            self._file = io.StringIO(newline="")
        return self._file
