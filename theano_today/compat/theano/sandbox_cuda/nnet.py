"""theano.sandbox.cuda.nnet, .blocksparse, .neighbours and .extra_ops: Theano's own Ops for them."""

from __future__ import annotations

from theano.tensor import extra_ops
from theano.tensor.nnet import blocksparse, neighbours, nnet

from theano_today.compat.theano.sandbox_cuda.basic_ops import GpuOp
from theano_today.compat.theano.sandbox_cuda.stored import as_cuda_ndarray_variable

__all__ = [
    "GpuCrossentropySoftmax1HotWithBiasDx",
    "GpuCrossentropySoftmaxArgmax1HotWithBias",
    "GpuCumsum",
    "GpuImages2Neibs",
    "GpuSoftmax",
    "GpuSoftmaxWithBias",
    "GpuSparseBlockGemv",
    "GpuSparseBlockOuter",
    "gpu_crossentropy_softmax_1hot_with_bias_dx",
    "gpu_crossentropy_softmax_argmax_1hot_with_bias",
    "gpu_images2neibs",
    "gpu_softmax",
    "gpu_softmax_with_bias",
    "gpu_sparse_block_gemv",
    "gpu_sparse_block_gemv_inplace",
    "gpu_sparse_block_outer",
    "gpu_sparse_block_outer_inplace",
]


class _Host(GpuOp):
    """Calls the Op that Theano has for the CPU."""

    __props__: tuple[str, ...] = ()
    op: type

    def __call__(self, *inputs):
        return self.op()(*(as_cuda_ndarray_variable(x) for x in inputs))


class GpuSoftmax(_Host):
    """The softmax of each row of a matrix."""

    op = nnet.Softmax


class GpuSoftmaxWithBias(_Host):
    """``GpuSoftmaxWithBias()(x, b)``: the softmax of each row of ``x + b``."""

    op = nnet.SoftmaxWithBias


class GpuCrossentropySoftmaxArgmax1HotWithBias(_Host):
    """``...()(x, b, labels)``: cross-entropies, the softmax and the largest entry of each row."""

    op = nnet.CrossentropySoftmaxArgmax1HotWithBias


class GpuCrossentropySoftmax1HotWithBiasDx(_Host):
    """``...()(dnll, softmax, labels)``: the gradient by ``x``."""

    op = nnet.CrossentropySoftmax1HotWithBiasDx


class GpuSparseBlockGemv(_Host):
    """See theano.tensor.nnet.blocksparse.SparseBlockGemv."""

    __props__ = ("inplace",)
    op = blocksparse.SparseBlockGemv

    def __init__(self, inplace=False):
        self.inplace = inplace


class GpuSparseBlockOuter(_Host):
    """See theano.tensor.nnet.blocksparse.SparseBlockOuter."""

    __props__ = ("inplace",)
    op = blocksparse.SparseBlockOuter

    def __init__(self, inplace=False):
        self.inplace = inplace


class GpuCumsum(GpuOp):
    """``GpuCumsum(axis)(x)``."""

    __props__ = ("axis",)

    def __init__(self, axis):
        self.axis = axis

    def __call__(self, x):
        return extra_ops.cumsum(as_cuda_ndarray_variable(x), axis=self.axis)


class GpuImages2Neibs(GpuOp):
    """``GpuImages2Neibs(mode)(ten4, neib_shape, neib_step)``."""

    __props__ = ("mode",)

    def __init__(self, mode="valid"):
        self.mode = mode

    def __call__(self, ten4, neib_shape, neib_step=None):
        return gpu_images2neibs(ten4, neib_shape, neib_step, self.mode)


def gpu_images2neibs(ten4, neib_shape, neib_step=None, mode="valid"):
    """See theano.tensor.nnet.neighbours.images2neibs."""
    return neighbours.images2neibs(as_cuda_ndarray_variable(ten4), neib_shape, neib_step, mode)


gpu_softmax = GpuSoftmax()
gpu_softmax_with_bias = GpuSoftmaxWithBias()
gpu_crossentropy_softmax_argmax_1hot_with_bias = GpuCrossentropySoftmaxArgmax1HotWithBias()
gpu_crossentropy_softmax_1hot_with_bias_dx = GpuCrossentropySoftmax1HotWithBiasDx()
gpu_sparse_block_gemv = GpuSparseBlockGemv(False)
gpu_sparse_block_gemv_inplace = GpuSparseBlockGemv(True)
gpu_sparse_block_outer = GpuSparseBlockOuter(False)
gpu_sparse_block_outer_inplace = GpuSparseBlockOuter(True)
