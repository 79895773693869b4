"""Which layers a model holds, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import theano

from theano_today.errors import DataError
from theano_today.training import weights
from theano_today.training.pickling import build


@dataclass
class Model:
    """A net as `export` sees it.

    layers : dict of str to Layer
        All of them, each after those that it reads.
    outputs : list of Layer
    """

    layers: dict[str, Any]
    outputs: list[Any]

    @property
    def inputs(self) -> dict[str, Any]:
        """The layers that a caller feeds, by name."""
        return {n: layer for n, layer in self.layers.items() if hasattr(layer, "input_var")}

    def parameters(self) -> dict[str, Any]:
        """The shared variables, named as `theano_today.training.weights` names them."""
        return weights._parameters(SimpleNamespace(layers_=self.layers))

    def name_of(self, layer: Any) -> str:
        return next(name for name, other in self.layers.items() if other is layer)

    def expressions(self) -> dict[str, theano.Variable]:
        """Theano's graph of each layer's output, as `predict` of nolearn computes it."""
        from lasagne.layers import get_output

        found = get_output(list(self.layers.values()), deterministic=True)
        return dict(zip(self.layers, found, strict=True))


def read_model(net: Any) -> Model:
    """Find the layers of a NeuralNet, or of a Lasagne layer or several.

    Raises
    ------
    DataError
        It is none of these.
    """
    from lasagne.layers import Layer, MergeLayer, get_all_layers

    kinds = (Layer, MergeLayer)
    if hasattr(net, "layers") and hasattr(net, "predict_proba"):
        if "layers_" not in vars(net):
            build(net)
        names = {id(layer): name for name, layer in net.layers_.items()}
        used = {id(source) for layer in net.layers_.values() for source in _sources(layer)}
        outputs = [layer for layer in net.layers_.values() if id(layer) not in used]
    elif isinstance(net, kinds):
        names, outputs = {}, [net]
    elif isinstance(net, Sequence) and net and all(isinstance(layer, kinds) for layer in net):
        names, outputs = {}, list(net)
    else:
        raise DataError(
            f"an object of class {type(net).__name__} is no net: expected a NeuralNet of nolearn, "
            "a layer of Lasagne or a list of its output layers"
        )
    layers: dict[str, Any] = {}
    for layer in get_all_layers(outputs):
        name = names.get(id(layer)) or layer.name or _short(layer)
        free = name if name not in layers else f"{name}_{len(layers)}"
        layers[free] = layer
    return Model(layers, outputs)


def _sources(layer: Any) -> list[Any]:
    if hasattr(layer, "input_layers"):
        return [source for source in layer.input_layers if source is not None]
    return [] if getattr(layer, "input_layer", None) is None else [layer.input_layer]


def _short(layer: Any) -> str:
    return type(layer).__name__.removesuffix("Layer").lower() or "layer"
