"""Shared variables that live on the device, at addresses that never change while they can.

A shared variable's cell (``container.storage[0]``) holds a `DeviceArray` from the first call
of a function that uses it; before, and in every pickle and copy, it holds NumPy's array as
ever. Kernels recorded in a CUDA graph read and write addresses, hence

- set_value with the old shape copies into the tensor that is there;
- updates are copied into it, too (see updates.py);
- a function of another linker (FAST_RUN, DebugMode) that shares the cell is lent a NumPy
  array, and what it wrote is copied back.

get_value(borrow=True) returns a copy, as it did on Theano's own GPU back end.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.lib.mixins import NDArrayOperatorsMixin

from theano_today.torch_link.target import download, numpy_dtype


class DeviceArray(NDArrayOperatorsMixin):
    """One tensor on the device, in the cell of a shared variable.

    Copies and pickles of it are NumPy arrays, so that no file depends on a device. It behaves
    as an array in arithmetic and assignment; SharedVariable.zero() needs both.
    """

    __slots__ = ("tensor",)

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)

    @property
    def dtype(self) -> np.dtype:
        return numpy_dtype(self.tensor.dtype)

    @property
    def ndim(self) -> int:
        return self.tensor.ndim

    @property
    def size(self) -> int:
        return self.tensor.numel()

    def numpy(self) -> np.ndarray:
        """Return a copy on the host."""
        return download(self.tensor)

    def copy(self) -> DeviceArray:
        """Return a copy on the device; does not wait for it."""
        return DeviceArray(self.tensor.clone())

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        arrays = [x.numpy() if isinstance(x, DeviceArray) else x for x in inputs]
        return getattr(ufunc, method)(*arrays, **kwargs)

    def __getitem__(self, index):
        return self.numpy()[index]

    def __setitem__(self, index, value) -> None:
        array = self.numpy()
        array[index] = value
        self.overwrite(array)

    def __len__(self) -> int:
        return len(self.tensor)

    def __copy__(self) -> np.ndarray:
        return self.numpy()

    def __deepcopy__(self, memo) -> np.ndarray:
        return self.numpy()

    def __reduce__(self):
        return np.array, (self.numpy(),)

    def __repr__(self) -> str:
        return f"DeviceArray({self.tensor!r})"

    def overwrite(self, value: np.ndarray | DeviceArray) -> None:
        """Copy an array of the same shape and dtype into the tensor.

        What is on the device, or a single number, is copied without waiting for the device:
        a learning rate is set at each epoch's end.
        """
        if isinstance(value, DeviceArray):
            self.tensor.copy_(value.tensor)
        elif self.tensor.numel() == 1:
            self.tensor.fill_(np.asarray(value).item())
        else:
            self.tensor.copy_(torch.from_numpy(np.array(value, order="C", copy=True)))


def _filter_inplace(self, value, old, strict=False, allow_downcast=None):
    """Return what a cell that holds `old` is to hold after it was assigned `value`.

    gof.link.Container looks for a method of this name in the variable's type: the old GPU back
    end's hook for exactly this.
    """
    if isinstance(value, DeviceArray):
        if value is old:
            return old
        if isinstance(old, DeviceArray) and (old.shape, old.dtype) == (value.shape, value.dtype):
            old.overwrite(value)
            return old
        value = value.numpy()
    array = self.filter(value, strict=strict, allow_downcast=allow_downcast)
    if isinstance(old, DeviceArray) and old.shape == array.shape and old.dtype == array.dtype:
        old.overwrite(array)
        return old
    return array


def install() -> None:
    """Teach Theano's shared variables and functions about `DeviceArray`; once per process."""
    from theano.compile import SharedVariable
    from theano.compile.function_module import Function
    from theano.tensor import TensorType

    if hasattr(TensorType, "filter_inplace"):
        return
    TensorType.filter_inplace = _filter_inplace
    SharedVariable.get_value = _get_value(SharedVariable.get_value)
    Function.__call__ = _call(Function.__call__)


def _get_value(original):
    @functools.wraps(original)
    def get_value(self, borrow=False, return_internal_type=False):
        held = self.container.storage[0]
        if not isinstance(held, DeviceArray):
            return original(self, borrow, return_internal_type)
        return held if return_internal_type else held.numpy()

    return get_value


def _call(original):
    @functools.wraps(original)
    def __call__(self, *args, **kwargs):
        if getattr(self.fn, "keeps_device_arrays", False):
            return original(self, *args, **kwargs)
        lent = [
            (container.storage, container.storage[0])
            for container in self.input_storage
            if isinstance(container.storage[0], DeviceArray)
        ]
        if not lent:
            return original(self, *args, **kwargs)
        for cell, held in lent:
            cell[0] = held.numpy()
        try:
            return original(self, *args, **kwargs)
        finally:
            for cell, held in lent:
                # Also where the function has no update for it: in=In(..., mutable=True).
                _give_back(cell, held)

    return __call__


def _give_back(cell: list, held: DeviceArray) -> None:
    array = cell[0]
    if array.shape == held.shape and array.dtype == held.dtype:
        held.overwrite(array)
        cell[0] = held
