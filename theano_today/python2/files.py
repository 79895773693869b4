"""Files as Python 2 opened them.

A file opened without "b" gives text. Python 2 had bytes there, and programs of the time read
pickles and images from such files as well as words. So the bytes are looked at: valid UTF-8
without a zero byte is read as UTF-8 (a byte further down that is none survives, as a surrogate);
everything else is read as Latin-1, one character for each byte, which is what Python 2's strings
were. Line ends stay as they are unless the mode has a U. Text is written as UTF-8, and characters
that stand for bytes as these bytes.

A file opened with "b" gives bytes, and takes text as well; a translated program gets bytes that
mix with text (strings.py). pickle, csv, struct and NumPy get the bytes of a file of either kind.
"""

from __future__ import annotations

import builtins
import io
import os
import re
from typing import Any

from theano_today.python2.strings import (
    LOOKED_AT,
    Bytes,
    as_string,
    encoding_of,
    for_program,
    to_bytes,
    to_text,
)

_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x80-\x9f]")


class _Read:
    """What Python 2's files had to read by."""

    def xreadlines(self: Any):
        return self

    def next(self: Any):
        return next(self)


class ReadsStrings:
    """What a program reads is Bytes, what a library reads is bytes."""

    def read(self: Any, *arguments):
        return for_program(super().read(*arguments))  # type: ignore[misc]

    def readline(self: Any, *arguments):
        return for_program(super().readline(*arguments))  # type: ignore[misc]

    def readlines(self: Any, *arguments):
        return for_program(super().readlines(*arguments))  # type: ignore[misc]

    def next(self: Any):
        return for_program(super().__next__())  # type: ignore[misc]

    def __next__(self: Any):
        return for_program(super().__next__())  # type: ignore[misc]


class _Written:
    """writelines by way of write, which the classes below override."""

    def writelines(self: Any, lines):
        for line in lines:
            self.write(line)


__all__ = ["Bytes", "bytes_of", "encoding_of", "open", "to_bytes", "to_text"]


class TextFile(_Read, _Written, io.TextIOWrapper):
    """A file opened without "b"."""

    def __init__(self, buffer: Any, encoding: str, newline: str | None, at_once: bool) -> None:
        super().__init__(
            buffer,
            encoding=encoding,
            errors="surrogateescape",
            newline=newline,
            write_through=at_once,
        )
        self._at_once = at_once
        self.softspace = 0

    @property
    def name(self):
        return getattr(self.buffer, "name", "<file>")

    def write(self, text):
        self.softspace = 0  # see printing.py
        if isinstance(text, (bytes, bytearray, memoryview)):
            self.flush()
            self.buffer.write(text)  # type: ignore[arg-type]
        else:
            super().write(text)
        if self._at_once:
            self.flush()

    def seek(self, offset, whence=0):
        # Python 2's offsets are bytes, from wherever one likes.
        if whence and offset:
            self.flush()
            offset, whence = self.buffer.seek(offset, whence), 0  # type: ignore[attr-defined]
        return super().seek(offset, whence)


class BytesFile(ReadsStrings, _Read, _Written, io.BufferedRandom):
    """A file opened with "b": text is taken as well."""

    def write(self, data):
        super().write(_written(data))


class _BytesBoth(_Written, io.BufferedRandom):
    """What a file of text to be read and written stands on."""

    def write(self, data):
        super().write(_written(data))


class BytesReader(ReadsStrings, _Read, io.BufferedReader):
    """Only read."""


class PipeReader(BytesReader):
    """What a process says: strings for whoever asks."""

    def read(self, *arguments):
        return as_string(io.BufferedReader.read(self, *arguments))

    def readline(self, *arguments):
        return as_string(io.BufferedReader.readline(self, *arguments))

    def readlines(self, *arguments):
        return as_string(io.BufferedReader.readlines(self, *arguments))

    def next(self):
        return as_string(io.BufferedReader.__next__(self))

    __next__ = next


class BytesWriter(_Written, io.BufferedWriter):
    def write(self, data):
        super().write(_written(data))


def open(name: Any, mode: str = "r", buffering: int = -1, *arguments: Any, **options: Any) -> Any:
    """Open a file as Python 2's open and file did.

    `mode` may have a U anywhere (universal line ends). A `buffering` of 0 writes at once, text
    too. Further arguments are those of Python 3, which then opens the file its own way.
    """
    if arguments or options:
        return builtins.open(name, mode, buffering, *arguments, **options)  # noqa: PTH123
    universal, binary = "U" in mode, "b" in mode
    letter = mode[:1] if mode[:1] in ("r", "w", "a") else "r"
    raw = io.FileIO(name, letter + "+" * ("+" in mode))
    size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
    if binary and buffering == 0:
        return AtOnce(raw)
    buffer: Any
    if "+" in mode:
        kind: Any = BytesFile if binary else _BytesBoth
        buffer = kind(raw, size) if raw.seekable() else io.BufferedRWPair(raw, raw, size)
    elif letter == "r":
        # What TextFile reads has to be plain bytes.
        buffer = BytesReader(raw, size) if binary else io.BufferedReader(raw, size)
    else:
        buffer = BytesWriter(raw, size)
    if binary:
        return buffer
    encoding = encoding_of(_head(raw)) if letter == "r" and raw.seekable() else "utf-8"
    return TextFile(buffer, encoding, None if universal else "\n", buffering == 0)


class AtOnce(io.FileIO):
    """A file opened with "b" and no buffer."""

    def __init__(self, raw: io.FileIO) -> None:
        super().__init__(os.dup(raw.fileno()), raw.mode)
        raw.close()

    def write(self, data):
        return super().write(_written(data))


def _written(data: Any) -> Any:
    # Characters that text does not have stand for bytes.
    if isinstance(data, str) and not _NO_TEXT.search(data):
        return data.encode("utf-8", "surrogateescape")
    return to_bytes(data)


def _head(raw: io.FileIO) -> bytes:
    head = raw.read(LOOKED_AT)
    raw.seek(0)
    return head or b""


def bytes_of(file: Any) -> Any:
    """Return what reads and writes plain bytes of a file, for code in C; others come back."""
    if isinstance(file, io.TextIOWrapper):
        if file.writable():
            file.flush()
        return file.buffer
    return _Plain(file) if isinstance(file, ReadsStrings) else file


class _Plain:
    """A file of bytes that knows nothing of strings."""

    def __init__(self, file: Any) -> None:
        plain: Any = super(ReadsStrings, file)
        self.read, self.readline = plain.read, plain.readline
        self.readinto, self.write = file.readinto, file.write
