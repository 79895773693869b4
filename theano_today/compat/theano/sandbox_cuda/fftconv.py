"""theano.sandbox.cuda.fftconv: convolutions that went through scikits.cuda's FFT.

Here they are summed directly: the same up to the FFT's rounding, and of any width.
"""

from __future__ import annotations

from theano.tensor.nnet.abstract_conv import AbstractConv2d, AbstractConv3d

from theano_today.compat.theano.sandbox_cuda.stored import as_cuda_ndarray_variable

__all__ = ["conv2d_fft", "conv3d_fft"]


def conv2d_fft(
    input, filters, image_shape=None, filter_shape=None, border_mode="valid", pad_last_dim=False
):
    """Return the convolution of `input`, (batch, channels, rows, columns), with `filters`.

    Parameters
    ----------
    input, filters : variables of four axes
    image_shape, filter_shape : tuple, optional
        Their shapes.
    border_mode : "valid" or "full"
    pad_last_dim : bool
        Without effect: the width may be odd.

    Raises
    ------
    ValueError
        For any other `border_mode`.
    """
    return _conv(AbstractConv2d, input, filters, image_shape, filter_shape, border_mode)


def conv3d_fft(
    input, filters, image_shape=None, filter_shape=None, border_mode="valid", pad_last_dim=False
):
    """The same as `conv2d_fft` over three axes."""
    return _conv(AbstractConv3d, input, filters, image_shape, filter_shape, border_mode)


def _conv(op, input, filters, image_shape, filter_shape, border_mode):
    if border_mode not in ("valid", "full"):
        raise ValueError(f"border_mode must be 'valid' or 'full', got {border_mode!r}")
    shapes = [_known(shape) for shape in (image_shape, filter_shape)]
    return op(*shapes, border_mode=border_mode)(
        as_cuda_ndarray_variable(input), as_cuda_ndarray_variable(filters)
    )


def _known(shape):
    """The shape with None for what is a variable: AbstractConv takes numbers."""
    if shape is None:
        return None
    return tuple(n if isinstance(n, int) else None for n in shape)
