"""theano.sandbox.cuda.basic_ops: transfers, which return their argument, and the general Ops."""

from __future__ import annotations

import theano
import theano.tensor as T
from theano.compile import ViewOp
from theano.gof import Op
from theano.tensor.basic import Alloc, AllocEmpty, Join, Reshape, Split
from theano.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from theano.tensor.subtensor import (
    AdvancedIncSubtensor1,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
)

from theano_today.compat.theano.sandbox_cuda.stored import (
    CudaNdarray,
    CudaNdarrayType,
    as_cuda_ndarray_variable,
)

__all__ = [
    "CopyOnNegativeStrides",
    "CudaNdarrayType",
    "GpuAdvancedIncSubtensor1",
    "GpuAdvancedIncSubtensor1_dev20",
    "GpuAdvancedSubtensor1",
    "GpuAlloc",
    "GpuAllocEmpty",
    "GpuCAReduce",
    "GpuContiguous",
    "GpuDimShuffle",
    "GpuElemwise",
    "GpuEye",
    "GpuFlatten",
    "GpuFromHost",
    "GpuIncSubtensor",
    "GpuJoin",
    "GpuOp",
    "GpuReshape",
    "GpuShape",
    "GpuSplit",
    "GpuSubtensor",
    "HostFromGpu",
    "as_cuda_array",
    "as_cuda_ndarray_variable",
    "col",
    "cp_on_negative_strides",
    "fcol",
    "fmatrix",
    "frow",
    "fscalar",
    "ftensor3",
    "ftensor4",
    "fvector",
    "gpu_alloc",
    "gpu_alloc_empty",
    "gpu_contiguous",
    "gpu_eye",
    "gpu_flatten",
    "gpu_from_host",
    "gpu_join",
    "gpu_shape",
    "host_from_gpu",
    "matrix",
    "row",
    "scalar",
    "tensor3",
    "tensor4",
    "vector",
]


class GpuOp(Op):
    """Parent class of Ops for the old back end.

    Those of this package build ordinary graphs when they are called. What else descends from it,
    and what a pickle of 2015 brings, has code for CUDA only.
    """

    def make_thunk(self, node, *args, **kwargs):
        raise NotImplementedError(
            f"{type(self).__name__} is an Op with CUDA code for Theano's old GPU back end, which "
            "Theano dropped in 0.10. Build the graph from its source again, without it"
        )


class _Transfer(ViewOp):
    """Calling it returns the variable; as a node, in the graph of a pickle, it passes a view."""

    def __call__(self, x, **kwargs):
        return as_cuda_ndarray_variable(x)


class HostFromGpu(_Transfer):
    pass


class GpuFromHost(_Transfer):
    pass


class GpuContiguous(_Transfer):
    pass


class CopyOnNegativeStrides(_Transfer):
    pass


host_from_gpu = HostFromGpu()
gpu_from_host = GpuFromHost()
gpu_contiguous = GpuContiguous()
cp_on_negative_strides = CopyOnNegativeStrides()


def as_cuda_array(obj):
    """Return an ndarray as one of float32.

    Raises
    ------
    TypeError
        If it is not an ndarray.
    """
    if not isinstance(obj, theano.tensor.basic.np.ndarray):
        raise TypeError(f"Don't know how to cast to a CudaNdarray object: {type(obj).__name__}")
    return CudaNdarray(obj)


# Types as theano.tensor defines its own: calling one makes a variable.
fscalar = CudaNdarrayType(())
fvector = CudaNdarrayType((False,))
fmatrix = CudaNdarrayType((False, False))
frow = CudaNdarrayType((True, False))
fcol = CudaNdarrayType((False, True))
ftensor3 = CudaNdarrayType((False,) * 3)
ftensor4 = CudaNdarrayType((False,) * 4)


def _constructor(pattern, word):
    def construct(name=None, dtype=None):
        return CudaNdarrayType(pattern, dtype=dtype or theano.config.floatX)(name)

    construct.__name__ = construct.__qualname__ = word
    construct.__doc__ = f"Return a float32 variable: a {word}."
    return construct


scalar = _constructor((), "scalar")
vector = _constructor((False,), "vector")
matrix = _constructor((False, False), "matrix")
row = _constructor((True, False), "row")
col = _constructor((False, True), "col")
tensor3 = _constructor((False,) * 3, "tensor3")
tensor4 = _constructor((False,) * 4, "tensor4")


def _same(name: str, parent: type) -> type:
    """Return a class `name` whose instances are `parent`'s."""

    def __new__(cls, *args, **kwargs):
        return parent(*args, **kwargs)

    return type(name, (GpuOp,), {"__new__": __new__, "__doc__": f"Makes a {parent.__name__}."})


GpuDimShuffle = _same("GpuDimShuffle", DimShuffle)
GpuReshape = _same("GpuReshape", Reshape)
GpuSubtensor = _same("GpuSubtensor", Subtensor)
GpuAdvancedSubtensor1 = _same("GpuAdvancedSubtensor1", AdvancedSubtensor1)
GpuIncSubtensor = _same("GpuIncSubtensor", IncSubtensor)
GpuAdvancedIncSubtensor1 = _same("GpuAdvancedIncSubtensor1", AdvancedIncSubtensor1)
GpuAdvancedIncSubtensor1_dev20 = GpuAdvancedIncSubtensor1
GpuJoin = _same("GpuJoin", Join)
GpuSplit = _same("GpuSplit", Split)
GpuShape = _same("GpuShape", theano.compile.Shape)


class GpuElemwise(GpuOp):
    """``GpuElemwise(scalar_op, inplace_pattern)`` is an Elemwise."""

    def __new__(cls, scalar_op, inplace_pattern=None, sync=None):
        return Elemwise(scalar_op, inplace_pattern)


class GpuCAReduce(GpuOp):
    """Reduces, by `scalar_op`, the axes whose entry in `reduce_mask` is 1.

    Parameters
    ----------
    reduce_mask : sequence of int
    scalar_op : theano.scalar.ScalarOp
    pre_scalar_op : theano.scalar.ScalarOp, optional
        Applied to each element before.
    """

    __props__ = ("reduce_mask", "scalar_op", "pre_scalar_op")

    def __init__(self, reduce_mask, scalar_op, pre_scalar_op=None):
        self.reduce_mask = tuple(reduce_mask)
        self.scalar_op = scalar_op
        self.pre_scalar_op = pre_scalar_op

    def __call__(self, x):
        x = as_cuda_ndarray_variable(x)
        if x.ndim != len(self.reduce_mask):
            raise TypeError(f"x must have rank {len(self.reduce_mask)}, got {x.ndim}")
        if self.pre_scalar_op is not None:
            x = Elemwise(self.pre_scalar_op)(x)
        return CAReduce(self.scalar_op, [i for i, m in enumerate(self.reduce_mask) if m])(x)


class GpuFlatten(GpuOp):
    """``GpuFlatten(outdim)(x)`` is ``x.flatten(outdim)``."""

    __props__ = ("outdim",)

    def __init__(self, outdim=1):
        self.outdim = outdim

    def __call__(self, x):
        return gpu_flatten(x, self.outdim)


def gpu_flatten(x, outdim=1):
    """Return `x` with all axes from the one of number ``outdim - 1`` on as one axis."""
    return T.flatten(as_cuda_ndarray_variable(x), outdim)


class GpuAllocEmpty(GpuOp):
    """``GpuAllocEmpty()(*shape)`` is an uninitialised float32 array."""

    __props__ = ()

    def __call__(self, *shape):
        return AllocEmpty("float32")(*shape)


class GpuAlloc(GpuOp):
    """``GpuAlloc()(value, *shape)`` is an array of that shape, filled with `value`."""

    __props__ = ("memset_0",)

    def __init__(self, memset_0=False):
        self.memset_0 = memset_0

    def __call__(self, value, *shape):
        return Alloc()(as_cuda_ndarray_variable(value), *shape)


class GpuEye(GpuOp):
    """``GpuEye()(n, m, k)`` is T.eye of float32."""

    __props__ = ("dtype",)

    def __init__(self, dtype=None):
        self.dtype = dtype or theano.config.floatX

    def __call__(self, n, m, k):
        return T.eye(n, m, k, dtype=self.dtype)


gpu_shape = GpuShape()
gpu_join = GpuJoin()
gpu_alloc_empty = GpuAllocEmpty()
gpu_alloc = GpuAlloc()
gpu_eye = GpuEye(dtype="float32")
