"""Nets pickled when Conv2DCCLayer was an ordinary convolution here.

Until 26 November 2026 Conv2DCCLayer and MaxPool2DCCLayer were subclasses of Lasagne's Conv2DLayer
and MaxPool2DLayer, of any number of filters and with ``flip_filters=True`` by default. They are
Lasagne's own now: multiples of 16 filters, and filters that are not flipped. What was pickled then
becomes the ordinary layers that it was, which give the same numbers.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from theano_today import hooks

# Arguments that the two had besides those of their base classes.
_OWN = ("flip_filters", "dimshuffle", "partial_sum")


def install() -> None:
    hooks.after_import("lasagne.layers.cuda_convnet", load_instances)


def correlate2d(x, W, **kwargs):
    """conv2d without flipping the filters: the `convolution` of ``flip_filters=False``."""
    from theano.tensor.nnet import conv2d

    return conv2d(x, W[:, :, ::-1, ::-1], **kwargs)


def mend_net(net) -> None:
    """Put ordinary layers in a NeuralNet's definition in place of those of cuda_convnet."""
    from lasagne.layers import Layer

    mended = []
    for definition in net.layers:
        if isinstance(definition, Layer):
            mended.append(definition)
        elif isinstance(definition[1], dict):  # (class, arguments)
            cls, arguments = definition[0], dict(definition[1])
            mended.append((_ordinary(cls, arguments, ""), arguments))
        else:  # (name, class), with the arguments among the net's attributes
            name, cls = definition
            mended.append((name, _ordinary(cls, vars(net), f"{name}_")))
    net.layers = mended


def _ordinary(cls: type, arguments: dict[str, Any], prefix: str) -> type:
    from lasagne.layers import Conv2DLayer, MaxPool2DLayer

    if cls.__module__ != "lasagne.layers.cuda_convnet":
        return cls
    flips = arguments.get(f"{prefix}flip_filters", True)
    for name in _OWN:
        arguments.pop(prefix + name, None)
    if cls.__name__ == "MaxPool2DCCLayer":
        arguments[f"{prefix}ignore_border"] = False
        return MaxPool2DLayer
    if cls.__name__ != "Conv2DCCLayer":
        return cls
    if arguments.get(f"{prefix}W", ...) is None:
        del arguments[f"{prefix}W"]
    if not flips:
        arguments[f"{prefix}convolution"] = correlate2d
    return Conv2DLayer


def load_instances(cuda_convnet: ModuleType) -> None:
    """Let pickled instances of that time become the ordinary layers that they were."""
    from lasagne.layers import Conv2DLayer, MaxPool2DLayer

    def conv(self, state):
        vars(self).update(state)
        if "filter_acts_op" not in state:
            self.__class__ = Conv2DLayer
            if not vars(self).pop("flip_filters", True):
                self.convolution = correlate2d

    def pool(self, state):
        vars(self).update(state)
        if "pool_op" not in state:
            self.__class__ = MaxPool2DLayer

    cuda_convnet.Conv2DCCLayer.__setstate__ = conv
    cuda_convnet.MaxPool2DCCLayer.__setstate__ = pool
