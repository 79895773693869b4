"""The CPU engine: what makes Theano's graphs fast, without a change in the user's code.

- kernels/: C++ for the stages of a convolutional net, products and updates; library.py
  compiles them once for this machine
- conv_pool/: convolution + bias + rectify (+ max-pool) as one operation, with its gradients
- scan/: the loop of theano.scan without Python
- updates.py, update_rules.py: updates of parameters in one pass over memory
- sizes.py: numbers that follow from shapes, computed once
- channelwise/: formulas of images and channels, and their sums, in one pass
- vectors.py: arithmetic of channels' numbers in one call
- random_streams.py: MRG_RandomStreams' numbers, and the masks of dropout
- dispatch.py: which of these, NumPy or Theano's own C code runs a node of a graph
- report.py: says which, for `--verbose`
- genuine.py: which Ops are Theano's own; all others run as their authors wrote them

``THEANO_FLAGS=engine=stock`` turns all of it off.
"""

from __future__ import annotations

from types import ModuleType

from theano_today import hooks
from theano_today.engine import dispatch, report


def install() -> None:
    # Before theano.configdefaults, which warns of unknown flags.
    hooks.after_import("theano.configparser", _add_flag)
    hooks.after_import("theano.gof.op", dispatch.patch)
    hooks.after_import("theano.compile.function_module", report.patch)
    hooks.after_import("theano.scan_module.scan_op", _patch_scan)
    hooks.after_import("theano", _register)
    hooks.after_import("theano.sandbox.rng_mrg", _register_random_streams)


def _add_flag(configparser: ModuleType) -> None:
    configparser.AddConfigVar(
        "engine",
        "fused: our own kernels wherever they cover a graph; stock: Theano's own ops only",
        configparser.EnumStr("fused", "stock"),
        in_c_key=False,
    )


def _patch_scan(scan_op: ModuleType) -> None:
    from theano_today.engine.scan import loop

    loop.patch(scan_op)


def _register(theano: ModuleType) -> None:
    from theano_today.engine import genuine, sizes, update_rules, updates, vectors
    from theano_today.engine.channelwise import rewrite as channelwise
    from theano_today.engine.conv_pool import blocks, chain, dropout, legacy, rewrite
    from theano_today.engine.scan import gradients, keep, loop

    genuine.remember([*dispatch.covered(), *loop.covered()])
    genuine.remember_converting(dispatch.converting())
    legacy.register()
    rewrite.register()
    dropout.register()
    chain.register()
    keep.register()
    channelwise.register()
    blocks.register()
    updates.register()
    update_rules.register()
    sizes.register()
    vectors.register()
    gradients.register()


def _register_random_streams(rng_mrg: ModuleType) -> None:
    from theano_today.engine import random_streams

    random_streams.register(rng_mrg)
