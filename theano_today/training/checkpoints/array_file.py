"""Arrays in a file that cannot run code: the safetensors format, with a checksum.

A file is 8 bytes with the length of a JSON header (little endian), the header, and the arrays'
bytes without gaps. The header names each array's dtype, shape and place, and holds texts of
ours under "__metadata__" (https://github.com/huggingface/safetensors). One of these texts is a
SHA-256 over the whole file, taken while 64 zeros stand in its own place; other programs'
files lack it and can be read all the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from theano_today.atomic import atomic_write
from theano_today.errors import DataError, MissingFileError

_DTYPES = {
    "BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2", "F16": "<f2",
    "U32": "<u4", "I32": "<i4", "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}  # fmt: skip
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}

_METADATA, _CHECKSUM = "__metadata__", "sha256"
_NO_CHECKSUM = "0" * 64
_LONGEST_HEADER = 100_000_000  # bytes; the format's own limit


def write(
    path: str | os.PathLike, arrays: Mapping[str, np.ndarray], texts: Mapping[str, str]
) -> None:
    """Write a file in full or not at all (see `atomic_write`).

    Parameters
    ----------
    path : path-like
    arrays : mapping of str to ndarray
        Of truth values, integers or floats of 16 to 64 bits, in any memory layout.
    texts : mapping of str to str

    Raises
    ------
    TypeError
        If an array is of another dtype, such as object.
    WriteError
        If the file cannot be written; what was there before is untouched.
    """
    # The checksum comes first, where its zeros cannot be mistaken for somebody else's.
    header: dict[str, Any] = {_METADATA: {_CHECKSUM: _NO_CHECKSUM, **texts}}
    blocks, end = [], 0
    for name, array in arrays.items():
        dtype = array.dtype.newbyteorder("<")
        if dtype not in _NAMES:
            raise TypeError(f"array {name!r} is of dtype {array.dtype}, which no file can hold")
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": _NAMES[dtype],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
        # One block of bytes; of an array that is contiguous already no copy is made.
        blocks.append(np.ascontiguousarray(array, dtype).reshape(-1).view(np.uint8).data)

    data = json.dumps(header).encode()
    data += b" " * (-len(data) % 8)  # so that the arrays begin at a multiple of 8
    data = len(data).to_bytes(8, "little") + data
    digest = hashlib.sha256(data)
    for block in blocks:
        digest.update(block)
    data = data.replace(_NO_CHECKSUM.encode(), digest.hexdigest().encode(), 1)
    with atomic_write(path) as f:
        f.write(data)
        for block in blocks:
            f.write(block)


def read(
    path: str | os.PathLike, *, checksum_needed: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read a file whatever it holds: what comes back is whole, or an error says what is wrong.

    Parameters
    ----------
    path : path-like
    checksum_needed : bool
        Refuse a file without our checksum; with one, it must match in any case.

    Returns
    -------
    arrays : dict of str to ndarray
        Writable, in the computer's own byte order.
    texts : dict of str to str

    Raises
    ------
    MissingFileError, DataError
        One line that names the file and what is wrong with it.
    """
    path = Path(path)
    try:
        with path.open("rb") as f:
            size = os.fstat(f.fileno()).st_size
            header, header_bytes = _read_header(f, size, path)
            texts = _read_texts(header.pop(_METADATA, {}), path)
            found = texts.pop(_CHECKSUM, None)
            if found is None and checksum_needed:
                _refuse(path, "has no checksum")
            arrays = _read_arrays(f, header, size - 8 - len(header_bytes), path)
    except FileNotFoundError:
        raise MissingFileError(f"{path}: is not there") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    if found is not None and found != _digest(header_bytes, found, arrays):
        _refuse(path, "its checksum does not match: the file is damaged")
    return arrays, texts


def _read_header(f: BinaryIO, size: int, path: Path) -> tuple[dict, bytes]:
    length = int.from_bytes(f.read(8), "little")
    if size < 8 or length > min(size - 8, _LONGEST_HEADER):
        _refuse(path, "is cut off, or no safetensors file")
    data = f.read(length)
    try:
        header = json.loads(data)
    # JSON nested a thousand deep raises the last one.
    except (ValueError, RecursionError):
        _refuse(path, "its header is damaged")
    if not isinstance(header, dict):
        _refuse(path, "its header is damaged")
    return header, data


def _read_texts(texts: Any, path: Path) -> dict[str, str]:
    if not isinstance(texts, dict) or not all(isinstance(v, str) for v in texts.values()):
        _refuse(path, f"its {_METADATA} are no texts")
    return texts


def _read_arrays(f: BinaryIO, header: dict, size: int, path: Path) -> dict[str, np.ndarray]:
    # In the order of their places, which must fill the file: nothing overlaps, nothing is
    # left over, and no more memory is asked for than the file is long.
    entries = sorted((_checked_entry(name, e, path) for name, e in header.items()), key=_place)
    end = 0
    for name, dtype, shape, start, stop in entries:
        if start != end or stop - start != dtype.itemsize * math.prod(shape):
            _refuse(path, f"array {name!r} is not where its header says")
        end = stop
    if end != size:
        _refuse(path, f"holds {size} bytes of arrays, expected {end}: the file is cut or damaged")
    arrays = {}
    for name, dtype, shape, start, stop in entries:
        data = bytearray(stop - start)
        if f.readinto(data) != len(data):  # type: ignore[attr-defined]
            _refuse(path, "is cut off")
        arrays[name] = np.frombuffer(data, dtype).reshape(shape)
    return arrays


def _checked_entry(name: str, entry: Any, path: Path) -> tuple:
    try:
        dtype, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = [*shape, start, stop]
        # type, not isinstance: true and false are integers, too.
        if len(shape) > 32 or not all(type(n) is int and 0 <= n < 2**48 for n in numbers):
            raise ValueError("a negative or enormous number")
        return name, np.dtype(_DTYPES[dtype]), tuple(shape), start, stop
    except (KeyError, TypeError, ValueError):
        _refuse(path, f"its header's entry {name[:40]!a} is damaged")


def _place(entry: tuple) -> tuple[int, int]:
    return entry[3], entry[4]


def _digest(header: bytes, checksum: str, arrays: Mapping[str, np.ndarray]) -> str:
    # Only the first occurrence is the checksum's own place; see `write`.
    data = header.replace(checksum.encode(), _NO_CHECKSUM.encode(), 1)
    digest = hashlib.sha256(len(header).to_bytes(8, "little") + data)
    for array in arrays.values():
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _refuse(path: Path, what: str) -> NoReturn:
    raise DataError(f"{path}: {what}")
