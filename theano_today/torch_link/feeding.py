"""How a batch gets to the device: from data that is there already, or through pinned memory."""

from __future__ import annotations

import numpy as np
import torch

from theano_today.torch_link.target import Target, torch_dtype

_residents: list[Resident] = []


class Resident:
    """An array kept on the device as well, so that slices of it are cut there.

    Parameters
    ----------
    array : ndarray
        C-contiguous. It must not change while this exists: `training.py` sees to that.
    target : Target
    """

    def __init__(self, array: np.ndarray, target: Target) -> None:
        self.array = array
        self.target = target
        self.tensor = target.upload(array)
        self.begin = array.__array_interface__["data"][0]
        self.row_bytes = array.strides[0] if array.ndim and len(array) else 0

    def __enter__(self) -> Resident:
        _residents.append(self)
        return self

    def __exit__(self, *_) -> None:
        _residents.remove(self)

    def rows(self, batch: np.ndarray) -> torch.Tensor | None:
        """Return the rows that `batch` is a view of, or None if it is none of this array."""
        if batch.dtype != self.array.dtype or batch.shape[1:] != self.array.shape[1:]:
            return None
        if batch.strides != self.array.strides or not self.row_bytes:
            return None
        offset = batch.__array_interface__["data"][0] - self.begin
        first, rest = divmod(offset, self.row_bytes)
        if rest or first < 0 or first + len(batch) > len(self.array):
            return None
        return self.tensor[first : first + len(batch)]

    def refresh(self) -> None:
        """Upload again what the host has changed."""
        self.tensor.copy_(torch.from_numpy(self.array.copy()))


def find_resident(batch: np.ndarray) -> torch.Tensor | None:
    """Return the rows on the device that `batch` is a view of, if they are there."""
    for resident in _residents:
        rows = resident.rows(batch)
        if rows is not None:
            return rows
    return None


class Feeder:
    """Copies one function's arguments to the device.

    On CUDA an argument goes through one of two page-locked buffers and a stream of its own, so
    that the host prepares the next batch while this one is being copied and computed.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.lanes: dict[tuple, _Lane] = {}

    def __call__(self, array: np.ndarray, into: torch.Tensor | None = None) -> torch.Tensor:
        """Return `array` on the device; in `into`, if that is given.

        The result may share memory with `array` (on torch's CPU) or with resident data: it is
        read, and not written, by the run that it is for.
        """
        found = find_resident(array)
        if found is None:
            if self.target.is_cuda and array.size > 1:
                return self._lane(array)(array, into)
            found = self._plain(array)
        if into is None:
            return found
        into.copy_(found)
        return into

    def _plain(self, array: np.ndarray) -> torch.Tensor:
        # torch takes neither of these as it is. One element is contiguous in any strides.
        backwards = any(stride < 0 for stride in array.strides)
        if not array.flags.writeable or not array.flags.c_contiguous or backwards:
            array = np.array(array, order="C")
        return torch.from_numpy(array).to(self.target.device)

    def _lane(self, array: np.ndarray) -> _Lane:
        key = (array.shape, array.dtype)
        if key not in self.lanes:
            if len(self.lanes) > 8:  # sizes that come once each
                self.lanes.clear()
            self.lanes[key] = _Lane(array, self.target)
        return self.lanes[key]


class _Lane:
    """Two page-locked buffers for arrays of one shape, and the stream that copies them."""

    def __init__(self, array: np.ndarray, target: Target) -> None:
        dtype = torch_dtype(array.dtype.name)
        self.buffers = [torch.empty(array.shape, dtype=dtype, pin_memory=True) for _ in range(2)]
        self.landing = [torch.empty_like(b, device=target.device) for b in self.buffers]
        self.copied = [torch.cuda.Event() for _ in self.buffers]
        self.used = [torch.cuda.Event() for _ in self.buffers]
        for event in self.used:
            event.record()  # kernels under way may still use the memory of the landing places
        self.stream = torch.cuda.Stream(target.device)
        self.turn = 0

    def __call__(self, array: np.ndarray, into: torch.Tensor | None) -> torch.Tensor:
        self.turn = turn = 1 - self.turn
        self.copied[turn].synchronize()  # the copy before the last: long done
        np.copyto(self.buffers[turn].numpy(), array)
        compute = torch.cuda.current_stream()
        with torch.cuda.stream(self.stream):
            self.stream.wait_event(self.used[turn])
            self.landing[turn].copy_(self.buffers[turn], non_blocking=True)
            self.copied[turn].record()
        compute.wait_event(self.copied[turn])
        if into is None:
            # An own copy: this landing place is reused by the call after the next.
            into = self.landing[turn].clone()
        else:
            into.copy_(self.landing[turn])
        self.used[turn].record()
        return into
