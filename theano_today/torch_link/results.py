"""Results on their way to the host.

theano.function returns NumPy arrays, and to make one the host waits for the device. In
nolearn's loop nobody looks at a batch's losses before the epoch's end (training.py), so there
they are returned as `Later`: copied to the host behind the batch's own kernels, read when asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import theano
import torch
from numpy.lib.mixins import NDArrayOperatorsMixin

from theano_today.torch_link import updates
from theano_today.torch_link.dispatch.checks import Check
from theano_today.torch_link.target import download


class _Arriving:
    """A tensor of one element on its way; `get` waits for it."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.on_host = tensor.is_cuda
        if self.on_host:
            self.value = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self.value.copy_(tensor, non_blocking=True)
            self.arrived = torch.cuda.Event()
            self.arrived.record()
        else:
            self.value = tensor.clone()

    def get(self) -> np.ndarray:
        if self.on_host:
            self.arrived.synchronize()
            return self.value.numpy().copy()
        return download(self.value)


class Later(NDArrayOperatorsMixin):
    """A 0-d array that is read from the device when somebody looks at it."""

    shape: tuple[int, ...] = ()
    ndim = 0
    size = 1

    def __init__(self, arriving: _Arriving, dtype: str, checks: _LaterChecks) -> None:
        self._arriving: _Arriving | None = arriving
        self._checks = checks
        self._array: np.ndarray | None = None
        self.dtype = np.dtype(dtype)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if self._array is None:
            assert self._arriving is not None
            self._checks.verify()
            self._array = self._arriving.get().astype(self.dtype, copy=False)
            self._arriving = None
        return np.array(self._array, dtype)

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


class _LaterChecks:
    """The conditions of one run, verified once, by the first that reads one of its results."""

    def __init__(self, checks: list[Check]) -> None:
        self.checks = checks
        self.arriving = _Arriving(_fulfilled(checks)) if checks else None

    def verify(self) -> None:
        if self.arriving is not None:
            arriving, self.arriving = self.arriving, None
            _raise_unfulfilled(self.checks, arriving.get())


def _fulfilled(checks: list[Check]) -> torch.Tensor:
    return torch.stack([check.fulfilled for check in checks])


def _raise_unfulfilled(checks: list[Check], fulfilled: np.ndarray) -> None:
    for check, good in zip(checks, fulfilled, strict=True):
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

    def now(self) -> list[Any]:
        """Return NumPy arrays; waits for the device."""
        if self.checks:
            _raise_unfulfilled(self.checks, download(_fulfilled(self.checks)))
        return [
            self._array(output, value)
            for output, value in zip(self.outputs, self.values, strict=True)
        ]

    def later(self) -> list[Any]:
        """The same, but `Later` for each 0-d result on the device if there are no others."""
        on_device = [isinstance(v, torch.Tensor) for v in self.values]
        if not all(on_device) or any(v.ndim for v in self.values):
            return self.now()
        checks = _LaterChecks(self.checks)
        return [
            Later(_Arriving(value), output.dtype, checks)
            for output, value in zip(self.outputs, self.values, strict=True)
        ]

    @staticmethod
    def _array(output, value):
        if isinstance(value, torch.Tensor):
            return download(value).astype(output.dtype, copy=False)
        if output.dtype is None:
            return value
        return np.array(theano._asarray(value, output.dtype))
