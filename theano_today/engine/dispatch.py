"""Which thunk runs a node: one of ours, Python's own, or Theano's compiled C code.

Theano compiles a C module for each kind of node, one after the other, for half a minute of a
net's first start. The graphs of an ordinary convolutional net need no such module: what takes
time runs on the kernels, and what takes hardly any (shapes, views, scalars) runs in Python.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable
from types import ModuleType

import numpy as np

from theano_today.engine import genuine, library

_LARGE = 1 << 16  # elements: below, NumPy's own memory is as good


@functools.cache
def _functions() -> dict[type, Callable]:
    """Op type -> function of a node that returns a function of its arrays, or None."""
    from theano.compile import ops
    from theano.tensor import basic, blas, opt, subtensor
    from theano.tensor import elemwise as te
    from theano.tensor.nnet import nnet
    from theano.tensor.signal import pool

    from theano_today.engine import elemwise, pools, products, shapes, softmax, sums

    return {
        te.Elemwise: elemwise.elemwise,
        te.Sum: sums.sum_of,
        subtensor.IncSubtensor: inc_subtensor,
        basic.Reshape: reshape,
        te.DimShuffle: shapes.dimshuffle,
        subtensor.Subtensor: shapes.subtensor,
        basic.ScalarFromTensor: shapes.scalar_from_tensor,
        opt.MakeVector: shapes.make_vector,
        ops.Shape_i: shapes.shape_i,
        ops.DeepCopyOp: deep_copy,
        basic.Alloc: alloc,
        basic.AllocEmpty: alloc_empty,
        blas.Dot22: products.dot22,
        blas.Dot22Scalar: products.dot22_scalar,
        blas.Gemm: products.gemm,
        nnet.Softmax: softmax.softmax,
        nnet.SoftmaxWithBias: softmax.softmax_with_bias,
        nnet.SoftmaxGrad: softmax.softmax_gradient,
        nnet.CrossentropySoftmaxArgmax1HotWithBias: softmax.cross_entropy,
        nnet.CrossentropySoftmax1HotWithBiasDx: softmax.cross_entropy_gradient,
        pool.Pool: pools.pool,
        pool.MaxPoolGrad: pools.max_pool_grad,
        pool.AveragePoolGrad: pools.average_pool_grad,
    }


@functools.cache
def _in_python() -> tuple[type, ...]:
    """Op types whose perform() is as good as their C code: views, shapes, NumPy calls."""
    from theano.compile import ops
    from theano.tensor import basic, opt
    from theano.tensor import elemwise as te

    return (
        te.DimShuffle, te.Sum, basic.TensorFromScalar, basic.Join, opt.MakeVector, ops.Shape,
        ops.Shape_i, ops.ViewOp, ops.Rebroadcast, basic.Split, opt.Assert,
    )  # fmt: skip


def add(op_type: type, make: Callable) -> None:
    """Let `make`, as in `_functions`, run the Ops of a module that is imported later, or never."""
    _functions()[op_type] = make
    genuine.remember_more([op_type])
    genuine.remember_converting([op_type])


def converting() -> list[type]:
    """Return the Op types whose functions are given what their inputs' types say."""
    return list(_functions())


def covered() -> list[type]:
    """Return the Op types that run otherwise than by Theano's C code."""
    return [*_functions(), *_in_python()]


def patch(op_module: ModuleType) -> None:
    """Let every Op's make_thunk look here first; ``op_module`` is theano.gof.op."""
    original = op_module.Op.make_thunk

    @functools.wraps(original)
    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if impl is None and is_on() and genuine.is_genuine(self):
            make = _functions().get(type(self))
            run = make(node) if make else None
            if run is not None:
                from theano_today.engine.thunks import thunk_of

                return thunk_of(run, node, storage_map, compute_map)
            if type(self) in _in_python():
                from theano.tensor import elemwise as te

                thunk = original(self, node, storage_map, compute_map, no_recycling, "py")
                return _of_sum(thunk, node, storage_map) if type(self) is te.Sum else thunk
        if impl is None and is_on() and _has_no_c_code(self, op_module):
            impl = "py"
        return original(self, node, storage_map, compute_map, no_recycling, impl)

    op_module.Op.make_thunk = make_thunk


def _has_no_c_code(op, op_module: ModuleType) -> bool:
    """Say whether Theano would ask for C code in vain.

    It does so after it has read the keys of all modules that were ever compiled, which takes
    seconds and 40 MiB where they are thousands.
    """
    return (
        type(op).c_code is op_module.CLinkerOp.c_code
        and "c_code" not in vars(op)
        and type(op).prepare_node is op_module.Op.prepare_node
    )


def _of_sum(perform: Callable, node, storage_map) -> Callable:
    """Return the thunk of a Sum, with what C code does differently from NumPy."""
    output = storage_map[node.outputs[0]]
    of_floats = node.outputs[0].type.dtype.startswith("float")

    @np.errstate(all="ignore")  # no warnings
    def thunk():
        perform()
        if of_floats:
            # C code starts with 0, NumPy with the first term: a sum of -0 is 0 there, -0 here.
            np.add(output[0], 0.0, out=output[0])

    vars(thunk).update(vars(perform))  # what Theano's virtual machines ask a thunk for
    return thunk


def deep_copy(node) -> Callable | None:
    """A copy in the same order as the original, C's or Fortran's, as the C code makes it."""
    from theano.tensor import TensorType

    if not isinstance(node.inputs[0].type, TensorType):
        return lambda x: (x.copy() if hasattr(x, "copy") else copy.deepcopy(x),)
    return lambda x: (x.copy("A"),)


def alloc(node) -> Callable:
    """A value in a shape that it is broadcast to; unlike Alloc.perform, which makes 0 of -0."""
    zeros = _only_increased(node)

    def run(value, *sizes):
        shape = tuple(int(n) for n in sizes)
        if min(shape, default=0) < 0:
            raise MemoryError(f"alloc failed: of shape {shape}")  # as C code has it
        if zeros:
            return (_without_memory(shape, value.dtype),)
        out = library.empty(shape, value.dtype)
        out[...] = value
        return (out,)

    return run


def alloc_empty(node) -> Callable:
    dtype = node.outputs[0].type.dtype
    return lambda *sizes: (library.empty(tuple(int(n) for n in sizes), dtype),)


def _only_increased(node) -> bool:
    """Say whether zeros are only there for `inc_subtensor`, as gradients of parts are."""
    from theano.gof import Constant
    from theano.tensor.subtensor import IncSubtensor

    value, (out,) = node.inputs[0], node.outputs
    if not isinstance(value, Constant) or value.data.any() or np.signbit(value.data).any():
        return False
    return bool(out.clients) and all(
        client != "output"
        and type(client.op) is IncSubtensor
        and genuine.is_genuine(client.op)
        and at == 0
        and client.inputs[1].type.dtype == out.type.dtype
        for client, at in out.clients
    )


@functools.cache
def _zero(dtype: np.dtype) -> np.ndarray:
    return np.zeros(1, dtype)


def _without_memory(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return np.ndarray(shape, dtype, _zero(dtype), strides=(0,) * len(shape))


def inc_subtensor(node) -> Callable | None:
    """x with x[...] increased by y, or set to it; Theano's C code calls NumPy for that, too."""
    from theano.tensor.subtensor import get_idx_list

    from theano_today.engine import readers

    op = node.op
    if node.inputs[0].type.dtype != node.inputs[1].type.dtype:
        return None
    of_zeros = _is_zeros(node.inputs[0])
    increment = node.inputs[1]
    # Fresh memory that nobody else reads, or that nobody writes to
    handed_over = of_zeros and (
        (len(increment.clients) == 1 and _is_of_zeros(increment))
        or (readers.only_added_up(node.outputs[0]) and readers.stays_as_it_is(increment))
    )

    @np.errstate(all="ignore")
    def run(*inputs):
        x, y = inputs[:2]
        index = (*get_idx_list((x, *inputs[2:]), op.idx_list), ...)
        if of_zeros:
            return (_in_zeros(x, index, y, op.set_instead_of_inc, handed_over),)
        if not op.inplace:
            copied = library.empty(x.shape, x.dtype)
            if not op.set_instead_of_inc and copied[index].shape == x.shape:  # all of it
                np.add(x[index], y, out=copied[index])
                return (copied,)
            copied[...] = x
            x = copied
        part = x[index]
        if op.set_instead_of_inc:
            part[...] = y
        else:
            np.add(part, y, out=part)
        return (x,)

    return run


def _is_zeros(v) -> bool:
    from theano.tensor.basic import Alloc

    return v.owner is not None and type(v.owner.op) is Alloc and _only_increased(v.owner)


def _is_of_zeros(v) -> bool:
    """Say whether a variable is what `inc_subtensor` makes of zeros without memory."""
    from theano.tensor.subtensor import IncSubtensor

    return v.owner is not None and type(v.owner.op) is IncSubtensor and _is_zeros(v.owner.inputs[0])


def _in_zeros(x: np.ndarray, index, y: np.ndarray, only_set: bool, handed_over: bool) -> np.ndarray:
    """Return x, zeros without memory, with x[index] increased by y; or y, if it is all of that."""
    everything = math.prod(x[index].shape) == x.size
    forwards = all(not isinstance(e, slice) or (e.step or 1) > 0 for e in index)
    if everything and forwards and handed_over and y.shape == x.shape:
        return y
    out = library.empty(x.shape, x.dtype)
    rows = index[0]
    if not everything and len(index) == 2 and isinstance(rows, slice) and rows.step in (None, 1):
        first, end, _ = rows.indices(len(x))
        out[:first] = 0
        out[max(first, end) :] = 0
    elif not everything:
        out[...] = 0
    if only_set:
        out[index] = y
    else:
        np.add(y, np.zeros((), x.dtype), out=out[index])  # 0 + -0 is 0
    return out


def reshape(node) -> Callable:
    """As Theano does it, but what must be copied gets memory that is used again."""

    ndim = node.op.ndim
    return lambda x, shape: (reshaped(x, shape, ndim),)


def reshaped(x: np.ndarray, shape: np.ndarray, ndim: int) -> np.ndarray:
    """Return x in a shape, which should have `ndim` lengths, in its own memory where it can be.

    Raises
    ------
    ValueError
    """
    if not x.flags.c_contiguous and x.size >= _LARGE:
        x = _copied(x, shape)
    if len(shape) != ndim:
        raise ValueError(f"a shape for Reshape has {len(shape)} lengths, should have {ndim}")
    try:
        return np.reshape(x, shape)
    except Exception:  # in Theano's words
        raise ValueError(f"Cannot reshape input of shape {x.shape} to shape {shape}") from None


def _copied(x: np.ndarray, shape) -> np.ndarray:
    """Return x, or a copy that can be reshaped without another one.

    In the order in which x lies in memory, if that will do: it takes a third of the time.
    """
    if _is_view(x, shape):
        return x
    order = sorted(range(x.ndim), key=lambda k: -abs(x.strides[k]))
    copied = library.empty(tuple(x.shape[k] for k in order), x.dtype)
    copied = copied.transpose(np.argsort(order))
    if not _is_view(copied, shape):
        copied = library.empty(x.shape, x.dtype)
    copied[...] = x
    return copied


def _is_view(x: np.ndarray, shape) -> bool:
    """Say whether x can have this shape in its own memory."""
    try:
        np.reshape(x, shape, copy=False)
    except (TypeError, ValueError):
        return False
    return True


def is_on() -> bool:
    """Say whether THEANO_FLAGS' engine is fused, the default, and its kernels could be compiled."""
    import theano

    return theano.config.engine == "fused" and library.kernels() is not None
