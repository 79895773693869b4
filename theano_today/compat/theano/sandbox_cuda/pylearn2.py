"""pylearn2.sandbox.cuda_convnet: what lasagne.layers.cuda_convnet takes from there.

Alex Krizhevsky's kernels keep the batch on the last axis, "c01b", and correlate.
"""

from __future__ import annotations

from theano.tensor.nnet.abstract_conv import AbstractConv2d
from theano.tensor.signal.pool import pool_2d

from theano_today.compat.theano.sandbox_cuda.basic_ops import GpuOp
from theano_today.compat.theano.sandbox_cuda.filters import known
from theano_today.compat.theano.sandbox_cuda.stored import as_cuda_ndarray_variable

__all__ = ["FilterActs", "MaxPool"]

_BC01, _C01B = (3, 0, 1, 2), (1, 2, 3, 0)


class FilterActs(GpuOp):
    """``FilterActs(pad, partial_sum, stride)(images, filters)``.

    `images` is (channels, rows, columns, batch), `filters` is (channels, rows, columns, filters)
    and the result (filters, rows, columns, batch).
    """

    __props__ = ("pad", "partial_sum", "stride")

    def __init__(self, pad=0, partial_sum=None, stride=1):
        self.pad, self.partial_sum, self.stride = pad, partial_sum, stride

    def __call__(self, images, filters):
        images, filters = (
            as_cuda_ndarray_variable(v).dimshuffle(*_BC01) for v in (images, filters)
        )
        return self.bc01(images, filters).dimshuffle(*_C01B)

    def bc01(self, images, filters, flip=False):
        """The same for (batch, channels, rows, columns) and (filters, channels, ...)."""
        conv = AbstractConv2d(
            kshp=known(2), border_mode=(self.pad,) * 2, subsample=(self.stride,) * 2,
            filter_flip=flip,
        )  # fmt: skip
        return conv(images, filters)


class MaxPool(GpuOp):
    """``MaxPool(ds, stride)(images)``: partial windows at the far borders count."""

    __props__ = ("ds", "stride", "start")

    def __init__(self, ds, stride, start=0):
        if start != 0:
            raise NotImplementedError(f"MaxPool starts at 0 only, got start={start!r}")
        self.ds, self.stride, self.start = ds, stride, start

    def __call__(self, images):
        images = as_cuda_ndarray_variable(images).dimshuffle(*_BC01)
        return self.bc01(images).dimshuffle(*_C01B)

    def bc01(self, images):
        """The same for (batch, channels, rows, columns)."""
        return pool_2d(images, ws=(self.ds,) * 2, stride=(self.stride,) * 2, ignore_border=False)
