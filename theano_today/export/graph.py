"""An ONNX graph while it grows: nodes, constants, names.

Types are few: float16 to float64 of Theano are float32 here, its truth values are bool, its
integers int64, as ONNX's own shapes are. Only inputs and outputs keep the integer types they have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR = 18, 8  # those of ONNX 1.13, of 2022

_DTYPES = {"f": np.float32, "b": np.bool_, "i": np.int64, "u": np.int64}


def dtype_for(dtype: Any) -> np.dtype:
    """The dtype that stands for one of Theano's.

    Raises
    ------
    NotImplementedError
        For complex numbers.
    """
    kind = np.dtype(dtype).kind
    if kind not in _DTYPES:
        raise NotImplementedError(f"numbers of dtype {dtype}")
    return np.dtype(_DTYPES[kind])


def tensor_type(dtype: Any) -> int:
    """ONNX's number for a dtype of NumPy."""
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


class Graph:
    """Nodes and constants; a value is known by its name, a str."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.prefix = ""  # the layer being written
        self._taken: set[str] = set()
        self._known: dict[tuple, str] = {}

    def name(self, wanted: str) -> str:
        """A name that nothing else in the graph has."""
        wanted = re.sub(r"[^\w./-]", "_", wanted) or "value"
        free, i = wanted, 1
        while free in self._taken:
            free, i = f"{wanted}_{i}", i + 1
        self._taken.add(free)
        return free

    def constant(self, value: Any, wanted: str | None = None) -> str:
        """A value that is known now; equal small ones are written once."""
        array = np.asarray(value)
        array = np.ascontiguousarray(array, dtype_for(array.dtype)).reshape(array.shape)
        key = (array.dtype, array.shape, array.tobytes()) if array.size < 64 else None
        if wanted is None and key is not None and key in self._known:
            return self._known[key]
        name = self.name(wanted or "constant")
        self.constants[name] = array
        if key is not None:
            self._known.setdefault(key, name)
        return name

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Append a node; returns its output's name, or a tuple of them."""
        base = f"{self.prefix}/{kind}" if self.prefix else kind
        node_name = self.name(base)
        names = [
            node_name if outputs == 1 else self.name(f"{node_name}.{i}") for i in range(outputs)
        ]
        self.nodes.append(helper.make_node(kind, inputs, names, name=node_name, **attributes))
        return names[0] if outputs == 1 else tuple(names)

    def ints(self, values: Sequence[int]) -> str:
        """A constant vector of int64."""
        return self.constant(np.asarray(values, np.int64).reshape(-1))

    def cast(self, value: str, dtype: Any) -> str:
        return self.add("Cast", value, to=tensor_type(dtype))

    def model(self, inputs: Sequence, outputs: Sequence, texts: dict[str, str]) -> onnx.ModelProto:
        """The whole, from value infos for its inputs and outputs; what nobody reads is left out."""
        needed = {info.name for info in outputs}
        kept = []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                kept.append(node)
        initializers = [
            numpy_helper.from_array(array, name)
            for name, array in self.constants.items()
            if name in needed
        ]
        graph = helper.make_graph(kept[::-1], "net", inputs, outputs, initializers)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR,
            producer_name="theano_today",
        )
        helper.set_model_props(model, texts)
        return _with_shapes(model)


def value_info(name: str, dtype: Any, shape: Sequence[int | None]) -> onnx.ValueInfoProto:
    """What a caller sees of an input or output: its type, and how long its axes are if known."""
    kind = TensorProto.FLOAT if np.dtype(dtype).kind == "f" else tensor_type(dtype)
    return helper.make_tensor_value_info(name, kind, list(shape))


def _with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Fill in the outputs' axes, by ONNX's own rules: what layers say of their shape may be wrong.

    Open axes get names; the inputs' first is called batch, and so are all that come from it.
    """
    for info in model.graph.input:
        _name_axes(info, "batch")
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    for info, found in zip(model.graph.output, inferred.graph.output, strict=True):
        info.CopyFrom(found)
        for dim in info.type.tensor_type.shape.dim:
            if dim.dim_param.startswith("unk__"):
                dim.Clear()
        _name_axes(info, f"{info.name}_0")
    return model


def _name_axes(info: onnx.ValueInfoProto, first: str) -> None:
    for i, dim in enumerate(info.type.tensor_type.shape.dim):
        if not dim.HasField("dim_value") and not dim.dim_param:
            dim.dim_param = f"{info.name}_{i}" if i else first
