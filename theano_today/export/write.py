"""`export`: a net into a file, checked before it is written."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from theano_today.atomic import atomic_write
from theano_today.errors import DataError, MissingPackageError

TOLERANCE = 1e-5  # of the largest prediction, or of 1


def export(net: Any, path: str | os.PathLike) -> float | None:
    """Write a net's predictions as ONNX, or its weights as safetensors; whole or not at all.

    Parameters
    ----------
    net : NeuralNet, or a layer of Lasagne, or a list of output layers
    path : path-like
        What it ends with decides: .onnx or .safetensors. In a model of ONNX, inputs and outputs
        are called as their layers; the first axis may have any length if Lasagne's has none.

    Returns
    -------
    float or None
        The largest difference between onnxruntime's predictions and Theano's on random input;
        None where they were not compared: without onnxruntime, or weights.

    Raises
    ------
    DataError
        Not a net; a layer that ONNX cannot express; predictions that differ by more than 1e-5.
    MissingPackageError
        onnx is not installed.
    WriteError
        The file cannot be written.
    """
    from theano_today.export.model import read_model

    path = Path(path)
    if path.suffix not in (".onnx", ".safetensors"):
        raise DataError(f"{path}: expected a name that ends with .onnx or .safetensors")
    if path.suffix == ".safetensors":
        from theano_today.training.weights import save_weights

        save_weights(SimpleNamespace(layers_=read_model(net).layers), path)
        return None
    try:
        onnx = importlib.import_module("onnx")
    except ModuleNotFoundError:
        raise MissingPackageError(
            "writing ONNX needs the package onnx: pip install onnx, or requirements-examples.txt"
        ) from None
    from theano_today.export.convert import convert

    model = read_model(net)
    proto = convert(model, {"layers": " ".join(model.layers)})
    onnx.checker.check_model(proto, full_check=True)
    data = proto.SerializeToString()
    difference = compare(model, data)
    with atomic_write(path) as f:
        f.write(data)
    return difference


def compare(model: Any, data: bytes, rows: int = 3) -> float | None:
    """The largest difference between a file's predictions and Theano's on random input."""
    try:
        ort = importlib.import_module("onnxruntime")
    except ImportError:  # not there, or not for this Python
        return None
    import theano

    rng = np.random.RandomState(0)
    given = {name: _random(rng, layer, rows, model) for name, layer in model.inputs.items()}
    expressions = model.expressions()
    wanted = theano.function(
        [layer.input_var for layer in model.inputs.values()],
        [expressions[model.name_of(layer)] for layer in model.outputs],
        on_unused_input="ignore",
    )(*given.values())
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    found = session.run(
        None,
        {
            info.name: value.astype(np.float32) if value.dtype.kind == "f" else value
            for info, value in zip(session.get_inputs(), given.values(), strict=True)
        },
    )
    largest = 0.0
    for layer, a, b in zip(model.outputs, wanted, found, strict=True):
        a = np.asarray(a)
        if a.shape != b.shape:
            raise DataError(
                f"layer {model.name_of(layer)!r}: the file predicts an array of shape {b.shape}, "
                f"Theano one of shape {a.shape}; nothing is written"
            )
        scale = max(1.0, float(np.abs(a[np.isfinite(a)]).max(initial=0)))
        with np.errstate(invalid="ignore"):
            apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b) / scale)
        largest = max(largest, float(apart.max(initial=0)))
    if not largest <= TOLERANCE:
        raise DataError(
            f"the file's predictions differ from Theano's by {largest:.1e}, expected at most "
            f"{TOLERANCE:.0e}; nothing is written"
        )
    return largest


def _random(rng: Any, layer: Any, rows: int, model: Any) -> np.ndarray:
    shape = [n or (32 if i else rows) for i, n in enumerate(layer.shape)]
    dtype = np.dtype(layer.input_var.dtype)
    if dtype.kind == "f":
        return rng.uniform(size=shape).astype(dtype)
    # Integers choose rows of a table: as many as the shortest has.
    tables = [n for other in model.layers.values() if (n := getattr(other, "input_size", None))]
    return rng.randint(0, min(tables, default=2), size=shape).astype(dtype)
