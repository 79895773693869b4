"""ConvOp and its gradients against Theano's own code in NumPy, on whole numbers: exactly."""

from tests.theano_today.torch_link.compare import NUMPY, agree, refused  # isort: skip  (skips)

import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet.conv import ConvOp, conv2d
from theano.tensor.signal import conv as signal

from tests.theano_today.torch_link.dispatch.test_conv import whole, with_gradients


@pytest.mark.parametrize("mode", ["valid", "full"])
@pytest.mark.parametrize("known", [False, True])
def test_nnet(mode, known):
    x, w = T.tensor4("x"), T.tensor4("w")
    shapes = {"image_shape": (2, 3, 7, 6), "filter_shape": (4, 3, 3, 2)} if known else {}
    y = conv2d(x, w, border_mode=mode, **shapes)
    assert type(y.owner.op) is ConvOp
    agree([x, w], with_gradients(x, w, y), whole(2, 3, 7, 6), whole(4, 3, 3, 2, seed=1),
          stock=NUMPY)  # fmt: skip


def test_with_steps():
    """The gradient of a convolution with steps exists for "full" alone: images spread out."""
    x, w = T.tensor4("x"), T.tensor4("w")
    shapes = {"image_shape": (2, 3, 7, 6), "filter_shape": (4, 3, 3, 2)}
    full = conv2d(x, w, border_mode="full", subsample=(2, 2), **shapes)
    valid = conv2d(x, w, subsample=(2, 3), **shapes)
    agree([x, w], [valid, *with_gradients(x, w, full)], whole(2, 3, 7, 6),
          whole(4, 3, 3, 2, seed=1), stock=NUMPY)  # fmt: skip


@pytest.mark.parametrize("top_aligned", [False, True])
def test_logical_shapes(top_aligned):
    op = ConvOp((3, 9, 8), (2, 3), 4, 2, 1, 1, output_mode="valid", kshp_logical=(5, 7),
                kshp_logical_top_aligned=top_aligned)  # fmt: skip
    x, w = T.tensor4("x"), T.tensor4("w")
    agree([x, w], [op(x, w)], whole(2, 3, 9, 8), whole(4, 3, 2, 3, seed=1), stock=NUMPY)


def test_signal():
    x, w = T.tensor3("x"), T.matrix("w")
    outputs = [
        signal.conv2d(x, w),
        signal.conv2d(x[0], w, border_mode="full"),
        *with_gradients(x, w, signal.conv2d(x, w, border_mode="full")),
    ]
    agree([x, w], outputs, whole(2, 7, 6), whole(3, 2, seed=1), stock=NUMPY)


def test_float64_and_whole_numbers():
    x, w = T.dtensor4("x"), T.dtensor4("w")
    agree([x, w], [conv2d(x, w)], whole(2, 3, 5, 5).astype(float), whole(4, 3, 3, 2).astype(float),
          stock=NUMPY)  # fmt: skip
    x, w = T.ltensor4("x"), T.ltensor4("w")
    agree([x, w], [conv2d(x, w)], whole(2, 3, 5, 5).astype(int), whole(4, 3, 3, 2).astype(int),
          stock=NUMPY, on_device=False)  # fmt: skip


def test_shapes_other_than_declared():
    x, w = T.tensor4("x"), T.tensor4("w")
    y = conv2d(x, w, image_shape=(2, 3, 7, 6), filter_shape=(4, 3, 3, 2))
    for error in refused([x, w], theano.tensor.sum(y), whole(2, 3, 7, 5), whole(4, 3, 3, 2)):
        assert type(error) is ValueError
