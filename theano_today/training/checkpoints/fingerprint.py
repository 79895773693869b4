"""What tells one run from another: its net, its data, its settings; and what it runs on."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

# Arguments of NeuralNet that change nothing about what a batch does.
_OF_NO_WEIGHT = {
    "layers", "max_epochs", "verbose",
    "on_batch_finished", "on_epoch_finished", "on_training_started", "on_training_finished",
}  # fmt: skip
_ROWS = 1024  # of X hashed at a time, so that no copy of all of it is ever made


def fingerprint(net, X, y, settings: Mapping[str, Any]) -> dict[str, str]:
    """Describe a run, a text for each of its aspects.

    Parameters
    ----------
    net : NeuralNet
        With its layers made (initialize or initialize_layers).
    X, y : ndarray, or dict of ndarray
        As for ``net.fit``.
    settings : mapping
        What else the run depends on, such as the seed.

    Returns
    -------
    dict of str to str
        The aspects: "layers", each argument of the net, each of `settings`, "X" and "y"
        (SHA-256 of dtype, shape and content).
    """
    arguments = net.get_params(deep=False)
    return {
        "layers": "; ".join(_layer(name, layer) for name, layer in net.layers_.items()),
        **{name: describe(v) for name, v in arguments.items() if name not in _OF_NO_WEIGHT},
        **{name: describe(value) for name, value in settings.items()},
        "X": _hash(X),
        "y": _hash(y),
    }


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Name the aspects in which two fingerprints differ: "seed (42 there, 1 here)"."""
    return [
        f"{name} ({_clip(then.get(name, 'none'))} there, {_clip(now.get(name, 'none'))} here)"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]


def made_with() -> dict[str, str]:
    """Return what a result's last digits depend on besides: packages and the machine."""
    import theano

    mode = theano.compile.mode.get_default_mode()
    return {
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "Theano": theano.__version__,
        "machine": platform.machine(),
        "linker": type(mode.linker).__name__,
    }


def describe(value: Any, depth: int = 3) -> str:
    """Return a text that is the same in every process, as repr is not for all objects."""
    if isinstance(value, (type(None), bool, int, float, str, bytes, np.generic)):
        return repr(value)
    if isinstance(value, np.ndarray):
        return f"array {_hash(value)}"
    if hasattr(value, "get_value"):  # a shared variable; its value belongs to the state
        return f"shared {value.type}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(describe(v, depth) for v in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{k}: {describe(v, depth)}' for k, v in value.items())}}}"
    if hasattr(value, "__qualname__"):  # a class or a function
        return f"{value.__module__}.{value.__qualname__}"
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if not depth or isinstance(value, np.random.RandomState):
        return kind
    inside = getattr(value, "__dict__", {}).items()
    # X and y: what a batch iterator was called with last.
    parts = (f"{k}={describe(v, depth - 1)}" for k, v in inside if k not in ("X", "y"))
    return f"{kind}({', '.join(parts)})"


def _layer(name: str, layer) -> str:
    # Not all attributes: some are other layers, graphs and parameters.
    plain = (type(None), bool, int, float, str, tuple, np.generic)
    inside = {k: v for k, v in vars(layer).items() if isinstance(v, plain) or callable(v)}
    shapes = [p.get_value(borrow=True).shape for p in layer.get_params()]
    return f"{name}: {type(layer).__qualname__} {layer.output_shape} {shapes} {describe(inside)}"


def _hash(data) -> str:
    if isinstance(data, Mapping):
        return ", ".join(f"{name}: {_hash(array)}" for name, array in sorted(data.items()))
    data = np.atleast_1d(np.asarray(data))
    digest = hashlib.sha256(f"{data.dtype} {data.shape}".encode())
    for start in range(0, len(data), _ROWS):
        block = np.ascontiguousarray(data[start : start + _ROWS])
        digest.update(block.reshape(-1).view(np.uint8).data)
    return f"{data.dtype} {data.shape} {digest.hexdigest()[:16]}"


def _clip(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
