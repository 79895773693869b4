"""Weights in safetensors, a format that cannot run code and that other programs read, too.

from net2 import net2
from theano_today.training.weights import load_weights

load_weights(net2, "net2.safetensors")
y = net2.predict(X)
"""

from __future__ import annotations

import os

import numpy as np

from theano_today.errors import DataError
from theano_today.training.checkpoints import array_file
from theano_today.training.pickling import build


def save_weights(net, path: str | os.PathLike) -> None:
    """Write a net's parameters, named as Lasagne's, such as "conv1.W"; whole or not at all.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    arrays = {name: p.get_value(borrow=True) for name, p in _parameters(net).items()}
    array_file.write(path, arrays, {"format": "net2 weights 1"})


def load_weights(net, path: str | os.PathLike):
    """Put parameters into a net of the same layers; a net never used before is made first.

    Parameters
    ----------
    net : NeuralNet
    path : path-like
        A file of `save_weights`, or any safetensors file with the same names and shapes.

    Returns
    -------
    NeuralNet
        `net`, ready to predict.

    Raises
    ------
    MissingFileError, DataError
        The file is not there, is damaged, or is not for this net, which is as it was then.
    """
    arrays, _ = array_file.read(path)
    if "layers_" not in vars(net):
        build(net)
    parameters = _parameters(net)
    for name in [*parameters, *arrays]:
        given, wanted = arrays.get(name), parameters.get(name)
        if given is None or wanted is None:
            where = "the file" if given is None else "the net"
            raise DataError(f"{path}: {where} has no {name!a}; expected {', '.join(parameters)}")
        shape = wanted.get_value(borrow=True).shape
        if given.shape != shape or given.dtype.kind != "f":
            raise DataError(
                f"{path}: {name} is {given.dtype} of shape {given.shape}, expected {shape}"
            )
    for name, variable in parameters.items():
        variable.set_value(np.asarray(arrays[name], variable.dtype))
    return net


def _parameters(net) -> dict:
    found: dict = {}
    for layer_name, layer in net.layers_.items():
        for i, parameter in enumerate(layer.get_params()):
            # Lasagne says "conv1.W"; layers without a name of their own say "W" only.
            kind = (parameter.name or str(i)).rpartition(".")[2]
            name = f"{layer_name}.{kind}"
            found[name if name not in found else f"{layer_name}.{i}"] = parameter
    return found
