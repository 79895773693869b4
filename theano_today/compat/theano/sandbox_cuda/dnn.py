"""theano.sandbox.cuda.dnn: convolutions, and their gradients by name, as Theano's abstract Ops.

cuDNN's own arguments (algo, workmem, precision, direction_hint) chose among algorithms of one
result: they are checked and have no effect.
"""

from __future__ import annotations

import warnings

import theano.tensor as T
from theano.gof import Apply
from theano.tensor.nnet import abstract_conv
from theano.tensor.nnet.abstract_conv import get_conv_output_shape

from theano_today.compat.theano.sandbox_cuda.basic_ops import GpuOp, gpu_alloc_empty, gpu_contiguous
from theano_today.compat.theano.sandbox_cuda.device_names import dnn_available, dnn_version
from theano_today.compat.theano.sandbox_cuda.filters import known
from theano_today.compat.theano.sandbox_cuda.stored import as_cuda_ndarray_variable

__all__ = [
    "DnnBase",
    "GpuDnnConv",
    "GpuDnnConv3d",
    "GpuDnnConv3dGradI",
    "GpuDnnConv3dGradW",
    "GpuDnnConvDesc",
    "GpuDnnConvGradI",
    "GpuDnnConvGradW",
    "as_cuda_ndarray_variable",
    "dnn_available",
    "dnn_conv",
    "dnn_conv3d",
    "dnn_gradinput",
    "dnn_gradinput3d",
    "dnn_gradweight",
    "dnn_gradweight3d",
    "gpu_alloc_empty",
    "gpu_contiguous",
    "version",
]

_HINTS = (None, "bprop weights", "bprop inputs", "forward")


def version(raises=True):
    """Return cuDNN's version as a pair of equal ints.

    Raises
    ------
    RuntimeError
        Without a GPU; with ``raises=False`` the result is -1 instead.
    """
    return dnn_version() if raises or dnn_available() else -1


class DnnBase(GpuOp):
    """Parent class of cuDNN's Ops."""

    __props__: tuple[str, ...] = ()


class GpuDnnConvDesc(GpuOp):
    """How to convolve; calling it with the shapes of images and filters makes a descriptor.

    Parameters
    ----------
    border_mode : "valid", "full", "half", int or tuple of int
        The zeros put before and behind each axis.
    subsample : tuple of two or three int
    conv_mode : "conv" or "cross"
        Whether the filters are flipped.
    precision : str
        Without effect.

    Raises
    ------
    ValueError
        For any other `border_mode`.
    """

    __props__ = ("border_mode", "subsample", "conv_mode", "precision")

    def __init__(self, border_mode, subsample=(1, 1), conv_mode="conv", precision="float32"):
        if isinstance(border_mode, int):
            border_mode = (border_mode,) * len(subsample)
        if isinstance(border_mode, (tuple, list)):
            if len(border_mode) != len(subsample):
                raise ValueError(
                    f"border_mode {border_mode!r} and subsample {subsample!r} differ in length"
                )
            border_mode = tuple(map(int, border_mode))
        if not (
            (isinstance(border_mode, tuple) and min(border_mode) >= 0)
            or border_mode in ("valid", "full", "half")
        ):
            raise ValueError(
                f"invalid border_mode {border_mode}, which must be either "
                '"valid", "full", "half", an integer or a pair of integers'
            )
        if conv_mode not in ("conv", "cross"):
            raise ValueError(f'conv_mode must be "conv" or "cross", got {conv_mode!r}')
        if len(subsample) not in (2, 3):
            raise ValueError(f"subsample must have two or three numbers, got {subsample!r}")
        self.border_mode = border_mode
        self.subsample = tuple(subsample)
        self.conv_mode = conv_mode
        self.precision = precision

    def make_node(self, img_shape, kern_shape):
        shapes = [T.as_tensor_variable(shape) for shape in (img_shape, kern_shape)]
        # The value of the descriptor is never computed: who gets it reads the Op.
        return Apply(self, shapes, [_descriptor()])


class _Convolution(DnnBase):
    """What cuDNN's three Ops share: ``alpha * result + beta * output``."""

    __props__ = ("algo", "inplace")

    def __init__(self, workmem=None, inplace=False, algo=None):
        self.algo = _algo(type(self).__name__, workmem, algo)
        self.inplace = inplace

    def __call__(self, first, second, output, desc, alpha=None, beta=None):
        op = getattr(getattr(desc, "owner", None), "op", None)
        if not isinstance(op, GpuDnnConvDesc):
            raise TypeError(f"desc must come from GpuDnnConvDesc, got {desc!r}")
        output = as_cuda_ndarray_variable(output)
        inputs = [as_cuda_ndarray_variable(v) for v in (first, second)]
        for name, variable in zip(("first", "second", "output"), [*inputs, output], strict=True):
            if variable.ndim != len(op.subsample) + 2:
                raise TypeError(
                    f"{type(self).__name__} needs {len(op.subsample) + 2} axes, {name} has "
                    f"{variable.ndim}"
                )
        result = self._compute(*inputs, output.shape[2:], op)
        if alpha is not None:
            result = alpha * result
        if beta is not None:
            result = result + beta * output
        return result

    def _compute(self, *inputs_size_and_desc):
        raise NotImplementedError


def _abstract(kind: str, desc: GpuDnnConvDesc):
    name = f"AbstractConv{len(desc.subsample)}d{kind}"
    return getattr(abstract_conv, name)(
        kshp=known(len(desc.subsample)),
        border_mode=desc.border_mode,
        subsample=desc.subsample,
        filter_flip=desc.conv_mode == "conv",
    )


class GpuDnnConv(_Convolution):
    """``GpuDnnConv()(img, kern, output, desc)`` convolves.

    Only the shape of `output` matters, unless `beta` is given.
    """

    def _compute(self, img, kern, size, desc):
        return _abstract("", desc)(img, kern)

    @staticmethod
    def get_out_shape(ishape, kshape, border_mode, subsample):
        """Return the shape of the output as a tuple of int or scalar variables."""
        if isinstance(border_mode, int):
            border_mode = (border_mode,) * len(subsample)
        rank = len(subsample) + 2
        ishape, kshape = ([shape[i] for i in range(rank)] for shape in (ishape, kshape))
        return get_conv_output_shape(ishape, kshape, border_mode, subsample)


class GpuDnnConv3d(GpuDnnConv):
    """GpuDnnConv with three axes to convolve over."""


class GpuDnnConvGradW(_Convolution):
    """``GpuDnnConvGradW()(img, topgrad, output, desc)``: the gradient by the filters.

    The last axes of `output` say how large the filters are.
    """

    def __init__(self, inplace=False, workmem=None, algo=None):
        super().__init__(workmem, inplace, algo)

    def _compute(self, img, topgrad, size, desc):
        return _abstract("_gradWeights", desc)(img, topgrad, size)


class GpuDnnConv3dGradW(GpuDnnConvGradW):
    """GpuDnnConvGradW with three axes to convolve over."""


class GpuDnnConvGradI(_Convolution):
    """``GpuDnnConvGradI()(kern, topgrad, output, desc)``: the gradient by the images.

    This is what a deconvolution is made of. The last axes of `output` say how large images are.
    """

    def __init__(self, inplace=False, workmem=None, algo=None):
        super().__init__(workmem, inplace, algo)

    def _compute(self, kern, topgrad, size, desc):
        return _abstract("_gradInputs", desc)(kern, topgrad, size)


class GpuDnnConv3dGradI(GpuDnnConvGradI):
    """GpuDnnConvGradI with three axes to convolve over."""


def dnn_conv(
    img, kerns, border_mode="valid", subsample=(1, 1), conv_mode="conv", direction_hint=None,
    workmem=None, algo=None, precision=None,
):  # fmt: skip
    """Return the convolution of `img`, (batch, channels, rows, columns), with `kerns`.

    Parameters
    ----------
    img, kerns : variables of four axes
        `kerns` is (filters, channels, rows, columns).
    border_mode : "valid", "full", "half", int or pair of int
        The zeros put before and behind rows and columns.
    subsample : pair of int
    conv_mode : "conv" or "cross"
        Whether the filters are flipped.
    direction_hint, workmem, algo, precision
        Without effect on the result.
    """
    return _conv(img, kerns, border_mode, subsample, conv_mode, direction_hint, workmem, algo)


def dnn_conv3d(
    img, kerns, border_mode="valid", subsample=(1, 1, 1), conv_mode="conv", direction_hint=None,
    workmem=None, algo=None, precision=None,
):  # fmt: skip
    """The same as `dnn_conv` over three axes."""
    return _conv(img, kerns, border_mode, subsample, conv_mode, direction_hint, workmem, algo)


def _conv(img, kerns, border_mode, subsample, conv_mode, direction_hint, workmem, algo):
    if direction_hint not in _HINTS:
        raise ValueError(f"direction_hint must be one of {_HINTS}, got {direction_hint!r}")
    _algo("dnn_conv", workmem, algo)
    desc = GpuDnnConvDesc(border_mode, subsample, conv_mode)
    return _abstract("", desc)(as_cuda_ndarray_variable(img), as_cuda_ndarray_variable(kerns))


def dnn_gradweight(
    img, topgrad, kerns_shp, border_mode="valid", subsample=(1, 1), conv_mode="conv"
):
    """Return the gradient of `dnn_conv` by the filters, whose shape is `kerns_shp`."""
    desc = GpuDnnConvDesc(border_mode, subsample, conv_mode)
    return _abstract("_gradWeights", desc)(
        as_cuda_ndarray_variable(img), as_cuda_ndarray_variable(topgrad), kerns_shp[2:]
    )


def dnn_gradweight3d(
    img, topgrad, kerns_shp, border_mode="valid", subsample=(1, 1, 1), conv_mode="conv"
):
    """Return the gradient of `dnn_conv3d` by the filters, whose shape is `kerns_shp`."""
    return dnn_gradweight(img, topgrad, kerns_shp, border_mode, subsample, conv_mode)


def dnn_gradinput(kerns, topgrad, img_shp, border_mode="valid", subsample=(1, 1), conv_mode="conv"):
    """Return the gradient of `dnn_conv` by the images, whose shape is `img_shp`."""
    desc = GpuDnnConvDesc(border_mode, subsample, conv_mode)
    return _abstract("_gradInputs", desc)(
        as_cuda_ndarray_variable(kerns), as_cuda_ndarray_variable(topgrad), img_shp[2:]
    )


def dnn_gradinput3d(
    kerns, topgrad, img_shp, border_mode="valid", subsample=(1, 1, 1), conv_mode="conv"
):
    """Return the gradient of `dnn_conv3d` by the images, whose shape is `img_shp`."""
    return dnn_gradinput(kerns, topgrad, img_shp, border_mode, subsample, conv_mode)


def _algo(who, workmem, algo):
    if workmem is None:
        return algo
    if algo is not None:
        raise ValueError(f"{who}: give algo or workmem (its old name), not both")
    warnings.warn(f"{who}: parameter 'workmem' is deprecated. Use 'algo' instead.", stacklevel=4)
    return workmem


def _descriptor():
    from theano.gof import generic

    return generic()
