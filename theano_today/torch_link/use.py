"""Makes the link the default of theano.function."""

from __future__ import annotations

import torch
from theano.compile import mode as theano_mode
from theano.compile.mode import Mode

from theano_today.torch_link import nolearn_loop, residency, rewrites
from theano_today.torch_link.linker import TorchLinker
from theano_today.torch_link.target import PRECISIONS, Target, set_precision


def mode(target: Target) -> Mode:
    """Return a Mode that runs graphs on `target`, for theano.function's argument of this name."""
    residency.install()
    return Mode(TorchLinker(target), rewrites.optimizer())


def use(device: str, precision: str = "float32") -> Target:
    """Let every theano.function without a mode of its own run on `device`, from now on.

    Parameters
    ----------
    device : str
        As torch names it: "cuda:1", "mps", "cpu".
    precision : "float32", "tf32" or "bf16"
        Of the products inside convolutions and matrix products.

    Raises
    ------
    ValueError
        If there is no such precision.
    RuntimeError
        torch's, if it has no such device.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    target = Target(torch.device(device), precision)
    if target.is_cuda:
        if target.device.index is None:
            target = Target(torch.device("cuda", torch.cuda.current_device()), precision)
        torch.cuda.set_device(target.device)
    set_precision(precision)
    nolearn_loop.install()
    theano_mode.instantiated_default_mode = mode(target)
    return target
