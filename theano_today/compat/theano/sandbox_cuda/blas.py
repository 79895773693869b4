"""theano.sandbox.cuda.blas: convolutions by matrix products, products, pooling."""

from __future__ import annotations

import theano.tensor as T
from theano.tensor.nnet import abstract_conv
from theano.tensor.signal.pool import pool_2d

from theano_today.compat.theano.sandbox_cuda.basic_ops import GpuOp
from theano_today.compat.theano.sandbox_cuda.filters import known
from theano_today.compat.theano.sandbox_cuda.stored import as_cuda_ndarray_variable

__all__ = [
    "BaseGpuCorr3dMM",
    "BaseGpuCorrMM",
    "BatchedDotOp",
    "GpuBatchedDot",
    "GpuConv",
    "GpuCorr3dMM",
    "GpuCorr3dMM_gradInputs",
    "GpuCorr3dMM_gradWeights",
    "GpuCorrMM",
    "GpuCorrMM_gradInputs",
    "GpuCorrMM_gradWeights",
    "GpuDot22",
    "GpuDot22Scalar",
    "GpuDownsampleFactorMax",
    "GpuGemm",
    "GpuGemv",
    "GpuGer",
    "batched_dot",
    "gpu_dot22",
    "gpu_dot22scalar",
    "gpu_gemm_inplace",
    "gpu_gemm_no_inplace",
    "gpu_gemv_inplace",
    "gpu_gemv_no_inplace",
    "gpu_ger_inplace",
    "gpu_ger_no_inplace",
]


class BaseGpuCorrMM(GpuOp):
    """A correlation, which does not flip the filters, or one of its gradients.

    Parameters
    ----------
    border_mode : "valid", "full", "half", int or tuple of int
        The zeros put before and behind each axis.
    subsample, filter_dilation : tuple of int
    pad : tuple of int, optional
        Theano 0.6's name for `border_mode`.
    num_groups : int
        Theano 0.10's.
    """

    axes = 2
    kind = ""
    # A pickle of Theano 0.7 lacks them.
    filter_dilation: tuple[int, ...] | None = None
    num_groups = 1
    __props__ = ("border_mode", "subsample", "filter_dilation", "num_groups")

    def __init__(
        self, border_mode="valid", subsample=None, filter_dilation=None, pad=None, num_groups=1
    ):
        ones = (1,) * self.axes
        if pad is not None and tuple(pad) != (0,) * self.axes:
            if border_mode != "valid":
                raise ValueError(
                    f"pad is border_mode's old name: got border_mode={border_mode!r} "
                    f"and pad={pad!r}"
                )
            border_mode = tuple(pad)
        if isinstance(border_mode, int):
            border_mode = (border_mode,) * self.axes
        if isinstance(border_mode, list):
            border_mode = tuple(border_mode)
        if isinstance(border_mode, tuple):
            if len(border_mode) != self.axes or min(border_mode) < 0:
                raise ValueError(
                    f"border_mode must have {self.axes} numbers from 0 on, got {border_mode!r}"
                )
        elif border_mode not in ("valid", "full", "half"):
            raise ValueError(
                f"invalid border_mode {border_mode}, which must be either "
                '"valid", "full", "half", an integer or a tuple of integers'
            )
        self.border_mode = border_mode
        self.subsample = ones if subsample is None else tuple(subsample)
        self.filter_dilation = ones if filter_dilation is None else tuple(filter_dilation)
        self.num_groups = num_groups
        for name in ("subsample", "filter_dilation"):
            if len(getattr(self, name)) != self.axes:
                raise ValueError(f"{name} must have {self.axes} elements")

    def __setstate__(self, state):
        self.__dict__.update(state)
        pad = self.__dict__.pop("pad", None)  # Theano 0.6: beside border_mode "valid"
        if pad is not None and "border_mode" not in state:
            self.border_mode = pad if isinstance(pad, str) else tuple(pad)

    def _op(self):
        cls = getattr(abstract_conv, f"AbstractConv{self.axes}d{self.kind}")
        return cls(
            kshp=known(self.axes),
            border_mode=self.border_mode,
            subsample=self.subsample,
            filter_flip=False,
            filter_dilation=self.filter_dilation or (1,) * self.axes,
            num_groups=self.num_groups,
        )

    def _checked(self, *variables):
        variables = tuple(as_cuda_ndarray_variable(v) for v in variables)
        for variable in variables:
            if variable.ndim != self.axes + 2:
                raise TypeError(
                    f"{type(self).__name__} needs {self.axes + 2} axes, got {variable.ndim}"
                )
        return variables


class GpuCorrMM(BaseGpuCorrMM):
    """``GpuCorrMM(border_mode, subsample)(img, kern)``."""

    def __call__(self, img, kern):
        return self._op()(*self._checked(img, kern))


class GpuCorrMM_gradWeights(BaseGpuCorrMM):
    """``GpuCorrMM_gradWeights(...)(img, topgrad, shape)``.

    `shape`, the size of the filters, is needed with a `subsample` or border_mode "half".
    """

    kind = "_gradWeights"

    def __call__(self, img, topgrad, shape=None):
        img, topgrad = self._checked(img, topgrad)
        if shape is None:
            shape = self._size(img, topgrad)
        return self._op()(img, topgrad, shape)

    def _size(self, img, topgrad):
        if self.subsample != (1,) * self.axes or self.border_mode == "half":
            raise ValueError('shape must be given if subsample != (1, 1) or border_mode == "half"')
        sizes = []
        for i in range(self.axes):
            image, top = img.shape[2 + i], topgrad.shape[2 + i]
            if self.border_mode == "full":
                sizes.append(top - image + 1)
            else:
                pad = 0 if self.border_mode == "valid" else self.border_mode[i]
                sizes.append(image + 2 * pad - top + 1)
        return T.stack(sizes)


class GpuCorrMM_gradInputs(BaseGpuCorrMM):
    """``GpuCorrMM_gradInputs(...)(kern, topgrad, shape)``.

    `shape`, the size of the images, is needed with a `subsample`.
    """

    kind = "_gradInputs"

    def __call__(self, kern, topgrad, shape=None):
        kern, topgrad = self._checked(kern, topgrad)
        if shape is None:
            shape = self._size(kern, topgrad)
        return self._op()(kern, topgrad, shape)

    def _size(self, kern, topgrad):
        if self.subsample != (1,) * self.axes:
            raise ValueError("shape must be given if subsample != (1, 1)")
        sizes = []
        for i in range(self.axes):
            size, top = kern.shape[2 + i], topgrad.shape[2 + i]
            pads = {"valid": 0, "full": size - 1, "half": size // 2}
            mode = self.border_mode
            pad = pads[mode] if isinstance(mode, str) else mode[i]
            sizes.append(top + size - 1 - 2 * pad)
        return T.stack(sizes)


class BaseGpuCorr3dMM(BaseGpuCorrMM):
    axes = 3


class GpuCorr3dMM(BaseGpuCorr3dMM, GpuCorrMM):
    """GpuCorrMM over three axes."""


class GpuCorr3dMM_gradWeights(BaseGpuCorr3dMM, GpuCorrMM_gradWeights):
    """GpuCorrMM_gradWeights over three axes."""


class GpuCorr3dMM_gradInputs(BaseGpuCorr3dMM, GpuCorrMM_gradInputs):
    """GpuCorrMM_gradInputs over three axes."""


class GpuConv(GpuOp):
    """``GpuConv(border_mode, subsample)(img, kern)`` convolves: it flips the filters.

    What chose among kernels (version, verbose, kshp, ...) has no effect.

    Raises
    ------
    NotImplementedError
        For `logical_img_hw` and `logical_kern_hw`.
    """

    __props__ = ("border_mode", "subsample")

    def __init__(
        self, border_mode, subsample=(1, 1), logical_img_hw=None, logical_kern_hw=None,
        logical_kern_align_top=True, version=-1, direction_hint=None, verbose=0, kshp=None,
        imshp=None, max_threads_dim0=None, nkern=None, bsize=None, fft_opt=True,
    ):  # fmt: skip
        if border_mode not in ("valid", "full"):
            raise ValueError(f"border_mode must be 'valid' or 'full', got {border_mode!r}")
        if logical_img_hw is not None or logical_kern_hw is not None:
            raise NotImplementedError("GpuConv: logical_img_hw and logical_kern_hw")
        self.border_mode, self.subsample = border_mode, tuple(subsample)

    def __call__(self, img, kern):
        return abstract_conv.AbstractConv2d(
            border_mode=self.border_mode, subsample=self.subsample, filter_flip=True
        )(as_cuda_ndarray_variable(img), as_cuda_ndarray_variable(kern))


class _Product(GpuOp):
    __props__: tuple[str, ...] = ()

    def __call__(self, *inputs):
        return self._compute(*(as_cuda_ndarray_variable(x) for x in inputs))

    def _compute(self, *inputs):
        raise NotImplementedError


class GpuDot22(_Product):
    """``GpuDot22()(x, y)``: the product of two matrices."""

    def _compute(self, x, y):
        return T.dot(x, y)


class GpuDot22Scalar(_Product):
    """``GpuDot22Scalar()(x, y, a)``: the product times `a`."""

    def _compute(self, x, y, a):
        return T.dot(x, y) * a


class GpuBatchedDot(_Product):
    """``GpuBatchedDot()(x, y)``: as many products as the first axis is long."""

    def _compute(self, x, y):
        return T.batched_dot(x, y)


class _Blas(_Product):
    __props__ = ("inplace",)

    def __init__(self, inplace=False):
        self.inplace = inplace


class GpuGemm(_Blas):
    """``GpuGemm(inplace)(z, a, x, y, b)``: ``b * z + a * dot(x, y)``."""

    def _compute(self, z, a, x, y, b):
        return b * z + a * T.dot(x, y)


class GpuGemv(_Blas):
    """``GpuGemv(inplace)(z, a, x, y, b)``: ``b * z + a * dot(x, y)``, `y` and `z` vectors."""

    def _compute(self, z, a, x, y, b):
        return b * z + a * T.dot(x, y)


class GpuGer(_Blas):
    """``GpuGer(inplace)(z, a, x, y)``: ``z + a * outer(x, y)``."""

    def _compute(self, z, a, x, y):
        return z + a * T.outer(x, y)


class GpuDownsampleFactorMax(GpuOp):
    """``GpuDownsampleFactorMax(ds, ignore_border)(x)``: max-pooling of a tensor4."""

    __props__ = ("ds", "ignore_border")

    def __init__(self, ds, ignore_border=False):
        self.ds, self.ignore_border = tuple(ds), ignore_border

    def __call__(self, x):
        x = as_cuda_ndarray_variable(x)
        return pool_2d(x, ws=self.ds, ignore_border=self.ignore_border, mode="max")


batched_dot = BatchedDotOp = GpuBatchedDot()
gpu_dot22 = GpuDot22()
gpu_dot22scalar = GpuDot22Scalar()
gpu_gemm_no_inplace, gpu_gemm_inplace = GpuGemm(inplace=False), GpuGemm(inplace=True)
gpu_gemv_no_inplace, gpu_gemv_inplace = GpuGemv(inplace=False), GpuGemv(inplace=True)
gpu_ger_no_inplace, gpu_ger_inplace = GpuGer(inplace=False), GpuGer(inplace=True)
