"""Runs Theano's graphs through PyTorch: CUDA for unchanged Theano, Lasagne and nolearn code.

`use` makes it the default of every theano.function that names no mode. README.md in the folder
above is the map; nothing here is imported unless a torch device was chosen (setup/device.py).
"""

from theano_today.torch_link.target import set_precision
from theano_today.torch_link.use import mode, use

__all__ = ["mode", "set_precision", "use"]
