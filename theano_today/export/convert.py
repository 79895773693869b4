"""From Theano's graph of a prediction to a model of ONNX.

What depends on no input is computed now, by the Ops' own Python code, and written as a constant:
filters turned, biases with axes of length 1, statistics of a normalization. Such a constant is
called by the parameter that it was made of.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper
from theano import gof
from theano.compile import SharedVariable
from theano.gof.graph import NoParams

from theano_today.errors import DataError
from theano_today.export.graph import Graph, dtype_for, value_info
from theano_today.export.model import Model
from theano_today.export.ops import RULES


def convert(model: Model, texts: dict[str, str]) -> Any:
    """Write a model's predictions as ONNX.

    Parameters
    ----------
    model : Model
    texts : dict of str to str
        What the file tells of itself.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    DataError
        A layer computes what cannot be written; the message names the layer and the Op.
    """
    writer = Writer(model)
    graph = writer.graph
    inputs = [writer.declare(name, layer) for name, layer in model.inputs.items()]
    ends = {id(layer): graph.name(model.name_of(layer)) for layer in model.outputs}
    outputs: dict[int, Any] = {}
    for name, variable in model.expressions().items():
        layer = model.layers[name]
        writer.write_layer(name, layer, variable)
        if (end := ends.get(id(layer))) is not None:
            value, dtype = writer[variable], variable.dtype
            if dtype.startswith(("int", "uint")):
                value = graph.cast(value, dtype)
            graph.nodes.append(helper.make_node("Identity", [value], [end], name=end))
            outputs[id(layer)] = value_info(end, dtype, [None] * variable.ndim)
    return graph.model(inputs, [outputs[id(layer)] for layer in model.outputs], texts)


class Writer:
    """The state of one conversion: ``writer[variable]`` is the value's name in the graph.

    Rules of `theano_today.export.ops` are called with it. `known` tells what they may decide by.
    """

    def __init__(self, model: Model) -> None:
        self.graph = Graph()
        self._values: dict[Any, str] = {}
        self._numbers: dict[Any, np.ndarray | None] = {}
        self._names = {v: name for name, v in model.parameters().items()}

    def declare(self, name: str, layer: Any) -> Any:
        """Enter an input; returns what the file says of it."""
        variable = layer.input_var
        seen = self.graph.name(name)
        info = value_info(seen, variable.dtype, layer.shape)
        wide = dtype_for(variable.dtype)
        # Floats are float32 at the input already.
        same = wide.kind == "f" or np.dtype(variable.dtype) == wide
        self._values[variable] = seen if same else self.graph.cast(seen, wide)
        self._numbers[variable] = None
        return info

    def write_layer(self, name: str, layer: Any, variable: Any) -> None:
        """Write what a layer adds to the layers before it."""
        self.graph.prefix = name
        for node in gof.graph.io_toposort(list(self._values), [variable]):
            if all(self.known(v) is not None for v in node.outputs):
                continue
            try:
                rule = RULES.get(type(node.op))
                if rule is None:
                    raise NotImplementedError(f"Theano's Op {node.op}")
                values = rule(self, node)
            except NotImplementedError as error:
                raise DataError(
                    f"layer {name!r} ({type(layer).__name__}) cannot be written as ONNX: "
                    f"it uses {str(error)[:200]}"
                ) from None
            for out, value in zip(
                node.outputs, [values] if isinstance(values, str) else values, strict=True
            ):
                self._values[out] = value
        if variable.owner is None and variable not in self._values and self.known(variable) is None:
            raise DataError(f"layer {name!r} reads {variable}, which is no input layer's variable")

    def __getitem__(self, variable: Any) -> str:
        """The value's name in the graph; a number known now becomes a constant."""
        if variable not in self._values:
            number = self.known(variable)
            if number is None:
                raise NotImplementedError(f"the variable {variable}, which no input layer has")
            self._values[variable] = self.graph.constant(number, self._called(variable))
        return self._values[variable]

    def known(self, variable: Any) -> np.ndarray | None:
        """The value, if it depends on no input."""
        if variable not in self._numbers:
            self._numbers[variable] = None
            if isinstance(variable, gof.Constant):
                self._numbers[variable] = _array(variable.data)
            elif isinstance(variable, SharedVariable):
                self._numbers[variable] = _array(variable.get_value(borrow=True))
            elif variable.owner is not None:
                self._compute(variable.owner)
        return self._numbers[variable]

    def whole(self, entry: Any) -> int | None:
        """An index or a length, a number or a scalar variable, as a number; None if not known."""
        if entry is None or isinstance(entry, (int, np.integer)):
            return None if entry is None else int(entry)
        number = self.known(entry)
        return None if number is None else int(number)

    def _compute(self, node: Any) -> None:
        inputs = [self.known(v) for v in node.inputs]
        if any(value is None for value in inputs) or getattr(node.op, "random", False):
            return
        given = [v.type.filter(x) for v, x in zip(node.inputs, inputs, strict=True)]
        cells: list[list] = [[None] for _ in node.outputs]
        try:
            if hasattr(node.op, "prepare_node"):
                node.op.prepare_node(node, None, None, "py")
            params = node.run_params()
            node.op.perform(node, given, cells, *([] if params is NoParams else [params]))
        except Exception:  # an Op without Python code, or one that refuses: written as a node
            return
        for out, cell in zip(node.outputs, cells, strict=True):
            self._numbers[out] = _array(cell[0])

    def _called(self, variable: Any) -> str | None:
        found = {self._names[v] for v in gof.graph.inputs([variable]) if v in self._names}
        return found.pop() if len(found) == 1 and self.known(variable).size > 1 else None  # type: ignore[union-attr]


def _array(value: Any) -> np.ndarray | None:
    try:
        array = np.asarray(value)
    except Exception:
        return None
    return array if array.dtype.kind in "fbiu" else None
