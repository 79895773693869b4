"""What Lasagne 0.1 cannot import any more, and the warnings that its age makes others print.

lasagne.layers.cuda_convnet needs pylearn2 and a GPU back end that left Theano in 0.10;
the tutorial's net2 was printed with its layers, so they are here, on Theano's own ops.
"""

from __future__ import annotations

import warnings
from types import ModuleType

from runtime.compat import hooks


def install() -> None:
    hooks.replace("lasagne.layers.cuda_convnet", _fill_cuda_convnet)
    # lasagne/__init__.py asks pkg_resources for its own version; setuptools is pinned to
    # the last series that has it.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning, "lasagne")
    # Conv2DLayer says image_shape, which Theano 1.0 calls input_shape.
    warnings.filterwarnings("ignore", "The `image_shape` keyword", UserWarning, r"lasagne\.")


def _fill_cuda_convnet(module: ModuleType) -> None:
    from runtime.compat import cuda_convnet

    for layer in (cuda_convnet.Conv2DCCLayer, cuda_convnet.MaxPool2DCCLayer):
        # Pickles name the module that people import from.
        layer.__module__ = module.__name__
        setattr(module, layer.__name__, layer)
