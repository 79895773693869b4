"""Results on their way to the host.

theano.function returns NumPy arrays, and to make one the host waits for the device. In
nolearn's loop nobody looks at a batch's losses before the epoch's end (nolearn_loop.py), so there
they are returned as `Later`: put into a `Mailbox` on the device, behind the batch's own kernels.
Whoever looks at one of them fetches all that the mailbox holds, by a single transfer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import theano
import torch
from numpy.lib.mixins import NDArrayOperatorsMixin

from theano_today.torch_link import updates
from theano_today.torch_link.dispatch.checks import Check
from theano_today.torch_link.target import Target, download

# What float64 and float32 hold without loss.
_EXACT = {
    torch.float32: {torch.bool, torch.uint8, torch.int8, torch.int16, torch.float16, torch.float32},
    torch.float64: {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32,
                    torch.float16, torch.float32, torch.float64},
}  # fmt: skip


class Letter:
    """Some numbers from one run; `numbers` (ndarray, 1-d) is None until they are fetched."""

    __slots__ = ("count", "numbers")

    def __init__(self, count: int) -> None:
        self.count = count
        self.numbers: np.ndarray | None = None


class Mailbox:
    """Numbers that wait on the device until somebody reads one: then all are fetched at once.

    Parameters
    ----------
    target : Target
    """

    _CHUNK = 4096  # numbers; an epoch of net2 has 18 batches with two each

    def __init__(self, target: Target) -> None:
        self.target = target
        self.dtype = packed_dtype(target)
        self._waiting: list[Letter] = []
        self._chunks: list[torch.Tensor] = []
        self._used = 0  # of the last chunk

    def post(self, packed: torch.Tensor) -> Letter:
        """Take a copy of a 1-d tensor of `dtype`; does not wait for the device."""
        count = len(packed)
        if not self._chunks or self._used + count > len(self._chunks[-1]):
            if self._chunks:  # a letter is never cut in two
                self._chunks[-1] = self._chunks[-1][: self._used]
            size = max(self._CHUNK, count)
            self._chunks.append(torch.empty(size, dtype=self.dtype, device=self.target.device))
            self._used = 0
        self._chunks[-1][self._used : self._used + count].copy_(packed)
        self._used += count
        letter = Letter(count)
        self._waiting.append(letter)
        return letter

    def read(self, letter: Letter) -> np.ndarray:
        """Return a letter's numbers; waits for the device if they are not here yet."""
        if letter.numbers is None:
            self._fetch()
        assert letter.numbers is not None
        return letter.numbers

    def _fetch(self) -> None:
        *full, last = self._chunks
        last = last[: self._used]
        numbers = download(torch.cat([*full, last]) if full else last)
        begin = 0
        for letter in self._waiting:
            letter.numbers = numbers[begin : begin + letter.count]
            begin += letter.count
        self._waiting.clear()
        del self._chunks[:-1]
        self._used = 0


class Later(NDArrayOperatorsMixin):
    """A 0-d array that is read from the device when somebody looks at it.

    Attributes
    ----------
    arrived : bool
        Whether looking at it does not wait for the device.
    """

    shape: tuple[int, ...] = ()
    ndim = 0
    size = 1

    def __init__(self, run: _Run, place: int, dtype: str) -> None:
        self._run = run
        self._place = place
        self.dtype = np.dtype(dtype)

    @property
    def arrived(self) -> bool:
        return self._run.letter.numbers is not None

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        number = self._run.numbers()[self._place]
        return np.array(np.array(number, self.dtype), dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        arrays = [np.asarray(x) if isinstance(x, Later) else x for x in inputs]
        return getattr(ufunc, method)(*arrays, **kwargs)

    def item(self):
        """Return the value as a Python number."""
        return np.asarray(self).item()

    __float__ = item

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec)

    def __reduce__(self):
        return np.array, (np.asarray(self),)


class _Run:
    """The results of one run in a mailbox: its checks first, verified before any is read."""

    def __init__(self, mailbox: Mailbox, packed: torch.Tensor, checks: list[Check]) -> None:
        self.mailbox = mailbox
        self.letter = mailbox.post(packed)
        self.checks = checks

    def numbers(self) -> np.ndarray:
        numbers = self.mailbox.read(self.letter)
        _raise_unfulfilled(self.checks, numbers)
        return numbers[len(self.checks) :]


def packed_dtype(target: Target) -> torch.dtype:
    """In which several numbers travel together: float64, where the device has it."""
    return torch.float64 if target.holds("float64") else torch.float32


def _raise_unfulfilled(checks: list[Check], fulfilled: np.ndarray) -> None:
    for check, good in zip(checks, fulfilled, strict=False):
        if not good:
            raise check.error(check.message)


def _kept(value, overwritten: set[int]):
    if isinstance(value, torch.Tensor) and updates.memory(value) in overwritten:
        return value.clone()
    return value


class Results:
    """The outputs of one run, still in its registers.

    Parameters
    ----------
    program : Program
    registers : list
        After the run, before the updates are written.
    checks : list of Check
    """

    def __init__(self, program, registers: list[Any], checks: list[Check]) -> None:
        self.outputs = program.returned
        self.checks = checks
        # A function may return the old value of what it updates.
        overwritten = updates.overwritten(program.updates, registers)
        self.values = [_kept(registers[output.register], overwritten) for output in self.outputs]
        self.packed = self._pack(packed_dtype(program.target))

    def _pack(self, dtype: torch.dtype) -> torch.Tensor | None:
        """Checks and results as one tensor, if all results are numbers which it can hold."""
        exact = _EXACT[dtype]
        for v in self.values:
            if not isinstance(v, torch.Tensor) or v.ndim or v.dtype not in exact:
                return None
        numbers = [check.fulfilled for check in self.checks] + self.values
        return torch.stack([n.to(dtype) for n in numbers]) if numbers else None

    def now(self) -> list[Any]:
        """Return NumPy arrays; waits for the device, once where all results are numbers."""
        if self.packed is not None:
            numbers = download(self.packed)
            _raise_unfulfilled(self.checks, numbers)
            values = zip(self.outputs, numbers[len(self.checks) :], strict=True)
            return [np.array(number, output.dtype) for output, number in values]
        if self.checks:
            fulfilled = torch.stack([check.fulfilled for check in self.checks])
            _raise_unfulfilled(self.checks, download(fulfilled))
        return [
            self._array(output, value)
            for output, value in zip(self.outputs, self.values, strict=True)
        ]

    def later(self, mailbox: Mailbox) -> list[Any]:
        """The same, but `Later` for each result if all of them are numbers on the device."""
        if self.packed is None:
            return self.now()
        run = _Run(mailbox, self.packed, self.checks)
        return [Later(run, i, output.dtype) for i, output in enumerate(self.outputs)]

    @staticmethod
    def _array(output, value):
        if isinstance(value, torch.Tensor):
            return download(value).astype(output.dtype, copy=False)
        if output.dtype is None:
            return value
        return np.array(theano._asarray(value, output.dtype))
