"""Where a graph runs and how exactly: the torch device, its precision, what it can hold."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch

# Theano's dtypes that torch computes with. torch has uint16 to uint64 in name only, and Theano
# never ran complex numbers on a GPU: Ops on these run on the host.
_DTYPES = frozenset(
    ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
)

PRECISIONS = ("float32", "tf32", "bf16")


@dataclass(frozen=True)
class Target:
    """What the linker compiles for.

    Parameters
    ----------
    device : torch.device
    precision : "float32", "tf32" or "bf16"
        Of the products inside convolutions and matrix products; everything else, and every
        variable's dtype, stays as the graph says.
    """

    device: torch.device
    precision: str = "float32"

    @property
    def is_cuda(self) -> bool:
        """True on NVIDIA's devices, and on AMD's, which torch calls cuda as well."""
        return self.device.type == "cuda"

    @property
    def wants_channels_last(self) -> bool:
        """True where the tensor cores, whose layout that is, do the convolutions."""
        return self.is_cuda and self.precision != "float32"

    def holds(self, dtype: str) -> bool:
        """True if a variable of this dtype can live on the device."""
        return dtype in _DTYPES and not (self.device.type == "mps" and dtype == "float64")

    def accumulator(self, dtype: str) -> torch.dtype:
        """The dtype to sum in where Theano says `dtype`: Apple's GPU has no float64."""
        return torch_dtype(dtype if self.holds(dtype) else "float32")

    def current(self):
        """A context in which torch.cuda's streams, events and precision are this target's."""
        if not self.is_cuda:
            return nullcontext()
        if _precision != self.precision:
            set_precision(self.precision)
        return torch.cuda.device(self.device)

    def upload(self, array) -> torch.Tensor:
        """Copy a NumPy array or number to the device; never an alias of it."""
        return torch.from_numpy(np.array(array, order="C", copy=True)).to(self.device)

    def full(self, value, dtype: str, shape=()) -> torch.Tensor:
        """Make a constant tensor there by a kernel: uploads are not allowed in a CUDA graph."""
        return torch.full(shape, value, dtype=torch_dtype(dtype), device=self.device)


def torch_dtype(name: str) -> torch.dtype:
    """``"float32"`` -> ``torch.float32``."""
    return getattr(torch, name)


def numpy_dtype(dtype: torch.dtype) -> np.dtype:
    """``torch.float32`` -> ``np.dtype("float32")``."""
    return np.dtype(str(dtype).removeprefix("torch."))


def download(tensor: torch.Tensor) -> np.ndarray:
    """Copy a tensor into a NumPy array of its own; waits for the device."""
    array = tensor.detach().cpu().numpy()
    return array.copy() if tensor.device.type == "cpu" else array


# What torch was last told.
_precision: str | None = None


def set_precision(precision: str) -> None:
    """Tell torch whether its float32 products may be rounded to TF32 (10 bits of mantissa).

    And to use only algorithms that give the same bits each time: a run that was stopped resumes
    bit for bit.
    """
    global _precision
    _precision = precision
    exact = precision == "float32"
    # torch.backends.cuda.matmul.fp32_precision alone would contradict torch's older setting, and
    # reading that, as torch.compile does here and there, is then an error.
    torch.set_float32_matmul_precision("highest" if exact else "high")
    # torch's own default is TF32
    torch.backends.cudnn.conv.fp32_precision = "ieee" if exact else "tf32"
    torch.backends.cudnn.deterministic = True
