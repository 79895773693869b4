"""The CPU engine: what makes Theano's graphs fast, without a change in the user's code.

- kernels/: C++ for the stages of a convolutional net, products and updates; library.py
  compiles them once for this machine
- conv_pool/: convolution + bias + rectify + max-pool as one operation, with its gradients
- updates.py: momentum steps in one pass over memory
- dispatch.py: which of these, NumPy or Theano's own C code runs a node of a graph

``THEANO_FLAGS=engine=stock`` turns all of it off.
"""

from __future__ import annotations

from types import ModuleType

from runtime.compat import hooks
from runtime.engine import dispatch, library


def install() -> None:
    hooks.after_import("theano.configdefaults", _add_flag)
    hooks.after_import("theano.gof.op", dispatch.patch)
    hooks.after_import("theano", _register)


def _add_flag(configdefaults: ModuleType) -> None:
    from theano.configparser import AddConfigVar, EnumStr

    AddConfigVar(
        "engine",
        "fused: net2's own kernels wherever they cover a graph; stock: Theano's own ops only",
        EnumStr("fused", "stock"),
        in_c_key=False,
    )


def _register(theano: ModuleType) -> None:
    from runtime.engine import updates
    from runtime.engine.conv_pool import rewrite

    rewrite.register()
    updates.register()
