"""theano.sandbox.cuda.dnn: pooling, softmax and batch normalization."""

from __future__ import annotations

import theano.tensor as T
from theano.gof import Apply, Variable, generic
from theano.tensor.nnet import bn
from theano.tensor.signal.pool import pool_2d, pool_3d

from theano_today.compat.theano.sandbox_cuda.basic_ops import GpuOp
from theano_today.compat.theano.sandbox_cuda.dnn import DnnBase
from theano_today.compat.theano.sandbox_cuda.stored import as_cuda_ndarray_variable

__all__ = [
    "GpuDnnBatchNorm",
    "GpuDnnBatchNormBase",
    "GpuDnnBatchNormInference",
    "GpuDnnPool",
    "GpuDnnPoolDesc",
    "GpuDnnSoftmax",
    "GpuDnnSoftmaxBase",
    "dnn_batch_normalization_test",
    "dnn_batch_normalization_train",
    "dnn_pool",
]

_POOLS = ("max", "average_inc_pad", "average_exc_pad")
_BATCH_NORMS = ("per-activation", "spatial")


def _pool_mode(mode):
    mode = "average_inc_pad" if mode == "average" else mode
    if mode not in _POOLS:
        raise ValueError(f"mode must be one of {_POOLS}, got {mode!r}")
    return mode


def _each(sizes):
    return [sizes] if isinstance(sizes, Variable) else sizes


def _pool(img, ws, stride, pad, mode):
    img = as_cuda_ndarray_variable(img)
    if img.ndim not in (4, 5):
        raise TypeError(f"cuDNN pools arrays of four or five axes, got {img.ndim}")
    if any(isinstance(n, Variable) for sizes in (ws, stride, pad) for n in _each(sizes)):
        # Theano's Pool compares a pad of numbers with the window, which may have no value yet.
        ws, stride, pad = (T.as_tensor_variable(sizes) for sizes in (ws, stride, pad))
    pool = pool_2d if img.ndim == 4 else pool_3d
    return pool(img, ws=ws, ignore_border=True, stride=stride, pad=pad, mode=mode)


class GpuDnnPoolDesc(GpuOp):
    """How to pool; ``GpuDnnPoolDesc(ws, stride, mode, pad)()`` makes a descriptor (Theano 0.7)."""

    __props__ = ("ws", "stride", "mode", "pad")

    def __init__(self, ws=(1, 1), stride=None, mode="max", pad=None):
        self.mode = _pool_mode(mode)
        self.ws = tuple(ws)
        self.stride = (1,) * len(ws) if stride is None else tuple(stride)
        self.pad = (0,) * len(ws) if pad is None else tuple(pad)
        if not len(self.ws) == len(self.stride) == len(self.pad) or len(self.ws) not in (2, 3):
            raise ValueError(
                f"ws, stride and pad must have two or three numbers each, got {ws!r}, "
                f"{stride!r}, {pad!r}"
            )

    def make_node(self):
        return Apply(self, [], [generic()])


class GpuDnnPool(DnnBase):
    """``GpuDnnPool(mode)(img, ws, stride, pad)`` pools, as `dnn_pool` does.

    Theano 0.7 called it as ``GpuDnnPool()(img, desc)``, with a descriptor of GpuDnnPoolDesc.
    """

    __props__ = ("mode",)

    def __init__(self, mode="max"):
        self.mode = _pool_mode(mode)

    def __call__(self, img, ws, stride=None, pad=None):
        op = getattr(getattr(ws, "owner", None), "op", None)
        if isinstance(op, GpuDnnPoolDesc):
            return _pool(img, op.ws, op.stride, op.pad, op.mode)
        if stride is None or pad is None:
            raise TypeError("GpuDnnPool needs ws, stride and pad, or a descriptor")
        return _pool(img, ws, stride, pad, self.mode)


def dnn_pool(img, ws, stride=None, mode="max", pad=None):
    """Pool the last two or three axes of `img`, in windows that are wholly inside it.

    Parameters
    ----------
    img : variable of four or five axes
    ws : sequence of two or three int
        The size of a window.
    stride : the same
        By default 1 in each direction, not `ws`.
    mode : "max", "average_inc_pad", "average_exc_pad" or "sum"
    pad : the same as `ws`
        What is put before and behind each axis.
    """
    rank = as_cuda_ndarray_variable(img).ndim - 2
    stride = (1,) * rank if stride is None else stride
    pad = (0,) * rank if pad is None else pad
    if mode == "sum":
        # cuDNN's mean counts the padding, so that a sum is the mean times the window's size.
        window = T.prod(T.as_tensor_variable(ws))
        mean = _pool(img, ws, stride, pad, "average_inc_pad")
        return mean * window.astype(mean.dtype)
    return _pool(img, ws, stride, pad, _pool_mode(mode))


class GpuDnnSoftmaxBase(DnnBase):
    """Holds the arguments of `GpuDnnSoftmax`."""

    __props__ = ("tensor_format", "mode", "algo")

    def __init__(self, tensor_format, algo, mode):
        if tensor_format != "bc01":
            raise ValueError(f"tensor_format must be 'bc01', got {tensor_format!r}")
        if algo not in ("fast", "accurate", "log"):
            raise ValueError(f"algo must be 'fast', 'accurate' or 'log', got {algo!r}")
        if mode not in ("instance", "channel"):
            raise ValueError(f"mode must be 'instance' or 'channel', got {mode!r}")
        self.tensor_format, self.algo, self.mode = tensor_format, algo, mode


class GpuDnnSoftmax(GpuDnnSoftmaxBase):
    """``GpuDnnSoftmax("bc01", algo, mode)(x)``: the softmax of a tensor4.

    Parameters
    ----------
    tensor_format : "bc01"
    algo : "fast", "accurate" or "log"
        "log" gives its logarithm.
    mode : "instance" or "channel"
        The softmax of each image, or of each place in it over the channels.
    """

    def __call__(self, x):
        x = as_cuda_ndarray_variable(x)
        if x.ndim != 4:
            raise TypeError(f"GpuDnnSoftmax needs a tensor4, got {x.ndim} axes")
        softmax = T.nnet.logsoftmax if self.algo == "log" else T.nnet.softmax
        if self.mode == "instance":
            return softmax(x.flatten(2)).reshape(x.shape)
        b, c, rows, columns = (x.shape[i] for i in range(4))
        places = x.dimshuffle(0, 2, 3, 1).reshape((b * rows * columns, c))
        return softmax(places).reshape((b, rows, columns, c)).dimshuffle(0, 3, 1, 2)


class GpuDnnBatchNormBase(DnnBase):
    """Holds the arguments of the Ops of batch normalization."""

    __props__ = ("mode", "epsilon")

    def __init__(self, mode="per-activation", epsilon=1e-4):
        if mode not in _BATCH_NORMS:
            raise ValueError(f"mode must be one of {_BATCH_NORMS}, got {mode!r}")
        if epsilon < 1e-5:
            raise ValueError(f"epsilon must be at least 1e-5, got {epsilon:f}")
        self.mode, self.epsilon = mode, epsilon


class GpuDnnBatchNorm(GpuDnnBatchNormBase):
    """``GpuDnnBatchNorm(...)(inputs, gamma, beta, running_mean, running_var)``, see the function
    `dnn_batch_normalization_train`.
    """

    def __init__(
        self, mode="per-activation", epsilon=1e-4, running_average_factor=0,
        running_averages=False, **inplace,
    ):  # fmt: skip
        super().__init__(mode, epsilon)
        self.running_average_factor = running_average_factor
        self.running_averages = running_averages

    def __call__(self, inputs, gamma, beta, running_mean=None, running_var=None):
        return dnn_batch_normalization_train(
            inputs, gamma, beta, self.mode, self.epsilon, self.running_average_factor,
            running_mean, running_var,
        )  # fmt: skip


class GpuDnnBatchNormInference(GpuDnnBatchNormBase):
    """``GpuDnnBatchNormInference(mode, epsilon)(inputs, gamma, beta, mean, var)``."""

    def __init__(self, mode="per-activation", epsilon=1e-4, inplace=False):
        super().__init__(mode, epsilon)

    def __call__(self, inputs, gamma, beta, mean, var):
        return dnn_batch_normalization_test(inputs, gamma, beta, mean, var, self.mode, self.epsilon)


def dnn_batch_normalization_train(
    inputs, gamma, beta, mode="per-activation", epsilon=1e-4, running_average_factor=0.1,
    running_mean=None, running_var=None,
):  # fmt: skip
    """Normalize `inputs` by their own means and variances.

    Parameters, results and errors are those of theano.tensor.nnet.bn.batch_normalization_train;
    `mode` is its `axes`, "per-activation" or "spatial".
    """
    GpuDnnBatchNormBase(mode, epsilon)
    return bn.batch_normalization_train(
        inputs, gamma, beta, mode, epsilon, running_average_factor, running_mean, running_var
    )


def dnn_batch_normalization_test(
    inputs, gamma, beta, mean, var, mode="per-activation", epsilon=1e-4
):
    """Normalize `inputs` by the given `mean` and `var`; see bn.batch_normalization_test."""
    GpuDnnBatchNormBase(mode, epsilon)
    return bn.batch_normalization_test(inputs, gamma, beta, mean, var, mode, epsilon)
