"""Convolutions and their gradients against Theano's own loops in C, on whole numbers: exactly."""

from tests.theano_today.torch_link.compare import FAST_RUN, agree, refused  # isort: skip  (skips)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import conv2d, conv3d


def whole(*shape, seed=0):
    return np.random.RandomState(seed).randint(-3, 4, shape).astype(np.float32)


def with_gradients(x, w, y):
    # A cost whose gradient is not the same everywhere, and whole.
    cost = T.sum(y * T.cast(T.arange(y.size).reshape(y.shape) % 5 - 2, "float32"))
    return [y, *theano.grad(cost, [x, w])]


@pytest.mark.parametrize("mode", ["valid", "full", "half", 1, (2, 1)])
@pytest.mark.parametrize(
    ("stride", "flip", "size"), [((1, 1), True, (3, 3)), ((2, 1), False, (2, 3))]
)
def test_two_dimensions(mode, stride, flip, size):
    x, w = T.tensor4("x"), T.tensor4("w")
    y = conv2d(x, w, border_mode=mode, subsample=stride, filter_flip=flip)
    agree([x, w], with_gradients(x, w, y), whole(2, 3, 7, 6), whole(4, 3, *size, seed=1),
          stock=FAST_RUN)  # fmt: skip


def test_known_shapes():
    x, w = T.tensor4("x"), T.tensor4("w")
    y = conv2d(x, w, input_shape=(2, 3, 7, 6), filter_shape=(4, 3, 3, 3))
    agree([x, w], with_gradients(x, w, y), whole(2, 3, 7, 6), whole(4, 3, 3, 3), stock=FAST_RUN)


def test_dilated_and_grouped():
    x, w = T.tensor4("x"), T.tensor4("w")
    y = conv2d(x, w, filter_dilation=(2, 1))
    agree([x, w], with_gradients(x, w, y), whole(2, 3, 7, 6), whole(4, 3, 3, 2), stock=FAST_RUN)
    y = conv2d(x, w, num_groups=2)
    agree([x, w], with_gradients(x, w, y), whole(2, 4, 7, 6), whole(6, 2, 3, 2), stock=FAST_RUN)


def test_different_padding_on_both_sides():
    x, w = T.tensor4("x"), T.tensor4("w")
    y = conv2d(x, w, border_mode=((2, 0), (1, 2)))
    agree([x, w], with_gradients(x, w, y), whole(2, 3, 6, 5), whole(4, 3, 3, 3), stock=FAST_RUN)


def test_three_dimensions():
    x, w = T.tensor5("x"), T.tensor5("w")
    y = conv3d(x, w, subsample=(1, 2, 1), border_mode="half")
    agree([x, w], with_gradients(x, w, y), whole(2, 2, 4, 5, 4), whole(3, 2, 3, 3, 3),
          stock=FAST_RUN)  # fmt: skip


def test_one_dimension_as_lasagne_does_it():
    from lasagne.theano_extensions import conv

    x, w = T.tensor3("x"), T.tensor3("w")
    y = conv.conv1d_mc0(x, w)
    agree([x, w], with_gradients(x, w, y), whole(2, 3, 9), whole(4, 3, 3), stock=FAST_RUN)


def test_channels_that_do_not_match():
    x, w = T.tensor4("x"), T.tensor4("w")
    theirs, ours = refused([x, w], conv2d(x, w), whole(2, 3, 7, 6), whole(4, 2, 3, 3))
    assert type(ours) is type(theirs) is ValueError
    assert "has 3 channels" in str(ours)
    assert "Apply node that caused the error: AbstractConv2d" in str(ours)
