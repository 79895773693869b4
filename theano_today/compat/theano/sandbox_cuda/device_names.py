"""theano.sandbox.cuda itself: is there a GPU, and which one computes?

The questions are answered by what runs here (theano_today/setup/device.py): Theano's CPU, or
PyTorch on a GPU. The answer may change with ``use``, so that the names in `NOW` are looked up
each time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import theano
from theano.gof import EquilibriumDB, SequenceDB

from theano_today.errors import SetupError
from theano_today.setup import device as devices

__all__ = [
    "active_device_name",
    "active_device_number",
    "dnn_available",
    "dnn_version",
    "gpu_optimizer",
    "gpu_seqopt",
    "handle_shared_float32",
    "mem_info",
    "register_inplace",
    "register_opt",
    "set_cuda_disabled",
    "unuse",
    "use",
]

_log = logging.getLogger("theano.sandbox.cuda")

# What turned graphs into GPU Ops. People's own rewrites may be registered: they find nothing.
gpu_optimizer = EquilibriumDB(ignore_newtrees=False)
gpu_seqopt = SequenceDB()

NOW: dict[str, Callable[[], object]] = {
    "cuda_available": devices.cuda_is_there,
    "cuda_enabled": lambda: active_device_number() is not None,
    "cuda_initialization_error_message": lambda: (
        "" if devices.cuda_is_there() else "cuda unavailable"
    ),
    "cuda_warning_is_displayed": lambda: False,
}


def use(
    device,
    force=False,
    default_to_move_computation_to_gpu=True,
    move_shared_float32_to_gpu=True,
    enable_cuda=True,
    test_driver=True,
):
    """Run the graphs compiled from now on on a GPU, through PyTorch; on the CPU if there is no GPU.

    Parameters
    ----------
    device : str
        "gpu", "gpu0", "gpu1", ...; "cpu" changes nothing.
    force : bool
        Raise OSError where the GPU cannot be used; else one line says so.
    default_to_move_computation_to_gpu : bool
        If False, graphs stay where they are.
    move_shared_float32_to_gpu, enable_cuda, test_driver
        Without a meaning here: shared variables follow the graphs.

    Raises
    ------
    ValueError
        For a word that names no device.
    OSError
        See `force`.
    """
    if not isinstance(device, str) or not re.fullmatch(r"cpu|(gpu|cuda)\d*", device):
        raise ValueError("Invalid device identifier", device)
    if device == "cpu" or not default_to_move_computation_to_gpu:
        return
    given = f"theano.sandbox.cuda.use({device!r})"
    try:
        devices.use(device, given)
    except SetupError as error:
        reason = str(error).partition("; --device")[0]  # advice for a script's command line
        if force:
            raise OSError(f"{reason}; force=True forbids the CPU") from None
        _log.warning("%s; running on the CPU", reason)
    use.device_number = active_device_number()  # type: ignore[attr-defined]


def unuse():
    """Run the graphs compiled from now on on the CPU."""
    devices.leave()
    use.device_number = None  # type: ignore[attr-defined]


def active_device_number():
    """Return the number of the GPU in use; None without a GPU."""
    name = devices.in_use()
    if name is None or not name.startswith("cuda"):
        return None
    number = name.partition(":")[2]
    if number:
        return int(number)
    import torch

    return torch.cuda.current_device()


def active_device_name():
    """Return the name of the GPU in use.

    Raises
    ------
    RuntimeError
        If there is no GPU.
    """
    return _torch_cuda().get_device_name(active_device_number())


def mem_info():
    """Return the free and the total bytes of the GPU in use.

    Raises
    ------
    RuntimeError
        If there is no GPU.
    """
    return tuple(_torch_cuda().mem_get_info(active_device_number()))


def _torch_cuda():
    if active_device_number() is None:
        raise RuntimeError("no GPU is in use; see theano.sandbox.cuda.use")
    import torch

    return torch.cuda


use.device_number = active_device_number()  # type: ignore[attr-defined]


def dnn_available():
    """Return whether graphs run on a GPU, with the cuDNN of PyTorch.

    The functions of theano.sandbox.cuda.dnn work on the CPU as well.
    """
    available = active_device_number() is not None and _torch_cuda().is_available()
    dnn_available.avail = available  # type: ignore[attr-defined]
    dnn_available.msg = None if available else "CUDA not available"  # type: ignore[attr-defined]
    return available


dnn_available.avail = None  # type: ignore[attr-defined]
dnn_available.msg = None  # type: ignore[attr-defined]


def dnn_version():
    """Return cuDNN's version as a pair of equal ints, like (90100, 90100).

    Raises
    ------
    RuntimeError
        Without a GPU.
    """
    if not dnn_available():
        raise RuntimeError(
            "We can't determine the cudnn version as it is not available: CUDA not available"
        )
    import torch

    version = torch.backends.cudnn.version()
    return version, version


def set_cuda_disabled():
    """Does nothing, as in Theano once the module was imported."""


def handle_shared_float32(tf):
    """Does nothing: shared variables follow the graphs."""


def register_opt(*tags, **kwargs):
    """Return a decorator that registers a local optimizer in `gpu_optimizer`."""

    def register(local_opt):
        name = kwargs.pop("name", None) or local_opt.__name__
        gpu_optimizer.register(name, local_opt, "fast_run", "fast_compile", "gpu", *tags, **kwargs)
        return local_opt

    return register


def register_inplace(*tags, **kwargs):
    """Return a decorator that registers a local optimizer among those that work in place."""

    def register(local_opt):
        name = kwargs.pop("name", None) or local_opt.__name__
        warn = theano.gof.TopoOptimizer.warn_inplace
        theano.compile.optdb.register(
            name,
            theano.gof.TopoOptimizer(local_opt, failure_callback=warn),
            60, "fast_run", "inplace", "gpu", *tags,
        )  # fmt: skip
        return local_opt

    return register
