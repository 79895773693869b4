"""Which device runs the graphs: the CPU, or whatever PyTorch can reach.

The words, which THEANO_FLAGS=device and a script's --device take alike:

    cpu                     Theano on the CPU, with theano_today/engine
    cuda, cuda:1            PyTorch on a GPU of NVIDIA (or of AMD, with a ROCm torch)
    gpu, gpu1, cuda1        the same, in Theano's old words
    mps                     PyTorch on Apple's GPU
    torch:cpu               PyTorch on the CPU: slower than cpu, for testing the link

torch is imported only for a device that needs it.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import runpy
import sys
from importlib.metadata import version
from pathlib import Path

from theano_today import hooks
from theano_today.errors import DataError, SetupError
from theano_today.setup import theano_flags

log = logging.getLogger("theano_today")

WORDS = "cpu, cuda, cuda:N or mps"
_INSTALL = "pip install -r requirements-gpu.txt"

# What torch calls the device in use, and why it is; None while it is Theano's CPU.
_in_use: tuple[str, str] | None = None
_flagged: tuple[str, str] | None = None  # the same, as THEANO_FLAGS wants it
_flags_at_start = os.environ.get("THEANO_FLAGS", "")


def install() -> None:
    """Have THEANO_FLAGS=device obeyed as soon as theano is imported; see configure.py."""
    hooks.after_import("theano", _obey_flags)


def torch_name(word: str) -> str | None:
    """Return torch's name for a device; None for Theano's own CPU.

    Raises
    ------
    DataError
        For a word that names no device.
    """
    if word == "cpu":
        return None
    if match := re.fullmatch(r"(?:gpu|cuda):?(\d*)", word):
        return f"cuda:{match[1]}" if match[1] else "cuda"
    if word == "mps":
        return word
    if match := re.fullmatch(r"torch:([a-z]+(?::\d+)?)", word):
        return match[1]
    raise DataError(f"unknown device {word!r}; expected {WORDS}")


def from_theano_flags(word: str) -> None:
    """Take note of THEANO_FLAGS=device=`word`, while theano is being imported.

    Without torch it says so and stays on the CPU: the flag may be from the days of the old
    GPU back end.
    """
    name = torch_name(word)
    if name is None:
        return
    given = f"THEANO_FLAGS device={word}"
    if not _torch_installed():
        print(f"{given}: PyTorch is not installed ({_INSTALL}); running on the CPU",
              file=sys.stderr)  # fmt: skip
        return

    global _flagged
    _flagged = name, given


def _obey_flags(theano) -> None:
    if _flagged is None:
        return
    try:
        _use(*_flagged)
    except SetupError as error:
        if _flagged[1].rpartition(" ")[2] in _flags_at_start.replace(" ", "").split(","):
            raise
        # The program set the flag itself, on its author's machine: Theano went on without, too.
        print(f"{str(error).partition(';')[0]}; running on the CPU", file=sys.stderr)


def choose(word: str | None, precision: str = "float32") -> str | None:
    """Use the device that a script's user wants, or the GPU if there is one.

    Parameters
    ----------
    word : str or None
        What --device says; None if it was not given: then THEANO_FLAGS decides, or else there
        being a GPU that torch can use.
    precision : "float32", "tf32" or "bf16"
        See `torch_link.use`.

    Returns
    -------
    str or None
        The line that says which device, and why; None for the CPU if it was not asked for.

    Raises
    ------
    DataError
        For a word that names no device, or a precision that the device does not have.
    SetupError
        If the device asked for is not there.
    """
    global _in_use
    import theano

    if word is not None:
        name, why = torch_name(word), f"--device {word}"
        if name is None:
            theano.compile.mode.instantiated_default_mode = None
            _in_use = None
        else:
            _use(name, why, precision)
    elif _in_use is not None:
        _use(*_in_use, precision)
    elif _torch_has_gpu_support() and not _user_chose_a_mode():
        import torch

        if not torch.cuda.is_available():
            log.info("device: cpu (%s)", _no_cuda(torch))
        elif (reason := _refusal(torch, "cuda")) is None:
            _use("cuda", "found by torch; --device cpu for the CPU", precision)
        elif precision == "float32":
            return f"device: cpu ({reason})"
    if _in_use is None:
        if precision != "float32":
            raise DataError(
                f"--{precision}: the CPU has float32 only; it takes a GPU (--device cuda)"
            )
        return "device: cpu (--device cpu)" if word is not None else None
    return f"device: {_describe(_in_use[0])} ({_in_use[1]})"


def use(word: str, why: str) -> None:
    """Use the device that a program asks for by itself; `why` begins the message if it can't be.

    Raises
    ------
    DataError
        For a word that names no device.
    SetupError
        If the device is not there.
    """
    name = torch_name(word)
    if name is None:
        leave()
    else:
        _use(name, why)


def leave() -> None:
    """Compile for Theano's CPU from now on."""
    global _in_use
    import theano

    if _in_use is not None:
        theano.compile.mode.instantiated_default_mode = None
        _in_use = None


def in_use() -> str | None:
    """Return torch's name for the device that graphs are compiled for; None for Theano's CPU."""
    return _in_use[0] if _in_use is not None else None


def cuda_is_there() -> bool:
    """Whether torch is installed and has a GPU of NVIDIA's or AMD's that it can compute on."""
    if not _torch_has_gpu_support():
        return False
    import torch

    return torch.cuda.is_available() and _refusal(torch, "cuda") is None


def _use(name: str, why: str, precision: str = "float32") -> None:
    global _in_use
    _check(name, why)
    if precision != "float32" and not name.startswith("cuda"):
        raise DataError(f"--{precision}: only on a CUDA device, and this is {name}")
    from theano_today import torch_link

    torch_link.use(name, precision)
    _in_use = name, why


def _check(name: str, why: str) -> None:
    if not _torch_installed():
        raise SetupError(f"{why}: PyTorch is not installed. Run: {_INSTALL}")
    import torch

    kind, _, number = name.partition(":")
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise SetupError(f"{why}: {_no_cuda(torch)}; --device cpu works without a GPU")
        if int(number or 0) >= torch.cuda.device_count():
            found = ", ".join(_describe(f"cuda:{i}") for i in range(torch.cuda.device_count()))
            raise SetupError(f"{why}: this GPU does not exist; found {found}")
        if reason := _refusal(torch, name):
            raise SetupError(f"{why}: {reason}; --device cpu works without a GPU")
    elif kind == "mps" and not torch.backends.mps.is_available():
        raise SetupError(f"{why}: torch {torch.__version__} finds no Apple GPU here")
    elif kind not in ("cpu", "mps"):
        try:
            torch.empty(0, device=name)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise SetupError(f"{why}: torch has no device {name!r} ({reason})") from None


def _refusal(torch, name: str) -> str | None:
    """Why a GPU that is there does not compute: too old for this torch, or in use; else None."""
    try:
        torch.ones(1, device=name)
    except RuntimeError as error:
        first, *_ = str(error).splitlines()
        return f"torch {torch.__version__} can't use {_describe(name)}: {first}"
    return None


def _no_cuda(torch) -> str:
    if torch.version.cuda is None and torch.version.hip is None:
        return f"torch {torch.__version__} is built for the CPU only"
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else f"ROCm {torch.version.hip}"
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None:
        return f"torch ({built}) sees no GPU: CUDA_VISIBLE_DEVICES is {hidden!r}"
    return f"torch ({built}) sees no GPU; does nvidia-smi show one?"


def _describe(name: str) -> str:
    if not name.startswith("cuda"):
        return f"{name} through torch {version('torch')}"
    import torch

    return f"{name}, {torch.cuda.get_device_name(name)}"


def _torch_installed() -> bool:
    return importlib.util.find_spec("torch") is not None


def _torch_has_gpu_support() -> bool:
    """Whether torch is there and built for GPUs; without the second that importing it takes."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    file = Path(spec.origin).with_name("version.py")
    if not file.exists():
        return True
    about = runpy.run_path(str(file))
    return bool(about.get("cuda") or about.get("hip"))


def _user_chose_a_mode() -> bool:
    return any(
        name in theano_flags.given() for name in ("device", "mode", "linker", "optimizer", "engine")
    )
