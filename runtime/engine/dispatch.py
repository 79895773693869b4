"""Which thunk runs a node: one of ours, Python's own, or Theano's compiled C code.

Theano compiles a C module for each kind of node, one after the other, for half a minute of a
net's first start. Net2's graphs need none: what takes time runs on the kernels, and what takes
none (shapes, views, scalars) runs in Python.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType

from runtime.engine import library


@functools.cache
def _functions() -> dict[type, Callable]:
    """Op type -> function of a node that returns a function of its arrays, or None."""
    from theano.tensor import blas
    from theano.tensor import elemwise as te

    from runtime.engine import elemwise, products

    return {
        te.Elemwise: elemwise.elemwise,
        blas.Dot22: products.dot22,
        blas.Dot22Scalar: products.dot22_scalar,
        blas.Gemm: products.gemm,
    }


@functools.cache
def _in_python() -> tuple[type, ...]:
    """Op types whose perform() is as good as their C code: views, shapes, NumPy calls."""
    from theano.compile import ops
    from theano.tensor import basic, opt, subtensor
    from theano.tensor import elemwise as te

    return (
        te.DimShuffle, te.Sum, basic.Reshape, basic.ScalarFromTensor, basic.TensorFromScalar,
        basic.Alloc, basic.Join, opt.MakeVector, ops.Shape, ops.Shape_i, ops.DeepCopyOp,
        ops.ViewOp, ops.Rebroadcast, subtensor.Subtensor,
    )  # fmt: skip


def patch(op_module: ModuleType) -> None:
    """Let every Op's make_thunk look here first; ``op_module`` is theano.gof.op."""
    original = op_module.Op.make_thunk

    @functools.wraps(original)
    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if impl is None and is_on():
            make = _functions().get(type(self))
            run = make(node) if make else None
            if run is not None:
                from runtime.engine.thunks import thunk_of

                return thunk_of(run, node, storage_map, compute_map)
            if isinstance(self, _in_python()):
                impl = "py"
        return original(self, node, storage_map, compute_map, no_recycling, impl)

    op_module.Op.make_thunk = make_thunk


def is_on() -> bool:
    """Say whether THEANO_FLAGS' engine is fused, the default, and its kernels could be compiled."""
    import theano

    return theano.config.engine == "fused" and library.kernels() is not None
