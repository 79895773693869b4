"""Convolutions as Theano's functions make them; Lasagne's are in test_layers.py."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import abstract_conv, conv

from tests.exported import agree_on, draw

W = theano.shared(draw(4, 2, 3, 2, seed=1))
PLAIN = draw(3, 2, 8, 7)


@pytest.mark.parametrize("flip", [True, False])
def test_borders_strides_dilations(flip):
    def made(**kwargs):
        return lambda x: T.nnet.conv2d(x, W, filter_flip=flip, **kwargs)

    agree_on(
        {
            "valid": made(),
            "full": made(border_mode="full"),
            "half": made(border_mode="half"),
            "number": made(border_mode=2),
            "numbers": made(border_mode=(1, 3), subsample=(2, 1)),
            "stride": made(border_mode="full", subsample=(3, 2)),
            "dilated": made(filter_dilation=(2, 3), border_mode="half"),
            "full dilated": made(filter_dilation=(2, 2), border_mode="full"),
        },
        PLAIN,
    )


def test_groups_and_computed_filters():
    grouped = theano.shared(draw(6, 1, 3, 3))
    agree_on(
        {
            "groups": lambda x: T.nnet.conv2d(x, grouped, num_groups=2),
            "made of others": lambda x: T.nnet.conv2d(x, W * 2 + W[:, ::-1]),
            "of the input": lambda x: T.nnet.conv2d(x, x[:2, :, :3, :3], filter_shape=(2, 2, 3, 3)),
            "legacy": lambda x: conv.conv2d(x, W, subsample=(2, 1)),
            "legacy full": lambda x: conv.conv2d(x, W, border_mode="full"),
        },
        PLAIN,
    )


def test_three_axes():
    filters = theano.shared(draw(3, 2, 2, 3, 2))
    agree_on(
        {
            "valid": lambda x: T.nnet.conv3d(x, filters),
            "half": lambda x: T.nnet.conv3d(x, filters, border_mode="half", subsample=(1, 2, 1)),
        },
        draw(2, 2, 4, 5, 4),
    )


@pytest.mark.parametrize("flip", [True, False])
def test_transposed(flip):
    """What people call deconvolution: the gradient by the input."""
    filters = theano.shared(draw(2, 3, 3, 4, seed=2))

    def made(border, stride, height, width):
        return lambda x: abstract_conv.conv2d_grad_wrt_inputs(
            x, filters, (None, 3, height, width), border_mode=border, subsample=stride,
            filter_flip=flip,
        )  # fmt: skip

    agree_on(
        {
            "valid": made("valid", (1, 1), 10, 10),
            "stride": made("valid", (2, 3), 17, 22),
            "odd": made("valid", (2, 3), 18, 24),
            "full": made("full", (1, 1), 6, 4),
            "half": made("half", (2, 2), 15, 12),
            "number": made((1, 2), (2, 2), 15, 13),
        },
        PLAIN,
    )
