"""ConvOp, by its C code and by Python, against SciPy's convolutions one by one."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.signal import convolve2d

import theano_today  # noqa: F401  (first: it mends what follows)

import theano  # isort: skip
import theano.tensor as T
from theano.tensor.nnet.conv import ConvOp, conv2d
from theano.tensor.signal import conv as signal_conv

from tests.theano_graphs import engine

pytestmark = pytest.mark.filterwarnings("ignore:.*conv2d:UserWarning")

PYTHON = theano.Mode(linker="py", optimizer=None)
X_SHAPE, W_SHAPE = (4, 2, 7, 6), (6, 2, 3, 2)


def arrays(dtype="float32"):
    random = np.random.RandomState(0)
    pair = [random.uniform(-5, 5, size=shape) for shape in (X_SHAPE, W_SHAPE)]
    if dtype.startswith("complex"):
        pair = [a + 1j * random.uniform(-5, 5, size=a.shape) for a in pair]
    with np.errstate(invalid="ignore"):
        return [a.astype(dtype) for a in pair]


def convolved(x, w, mode, step=(1, 1)):
    out = [
        [sum(convolve2d(a, b, mode) for a, b in zip(image, filters, strict=True)) for filters in w]
        for image in x
    ]
    return np.array(out)[:, :, :: step[0], :: step[1]].astype(x.dtype)


def in_c(inputs, outputs):
    with engine("stock"):
        return theano.function(inputs, outputs)


def one_in_c(**settings):
    x, w = T.ftensor4(), T.ftensor4()
    function = in_c([x, w], conv2d(x, w, **settings))
    assert any(isinstance(node.op, ConvOp) for node in function.maker.fgraph.apply_nodes)
    return function


SHAPES = {"image_shape": X_SHAPE, "filter_shape": W_SHAPE}
QUICK = [
    {},
    {"border_mode": "full", **SHAPES},  # unrolled over images and filters, as chosen by Theano
]
ALL = [
    {"border_mode": border, "subsample": step, **more}
    for border in ("valid", "full")
    for step in ((1, 1), (2, 1), (3, 2))
    for more in (
        {},
        SHAPES,
        {"image_shape": (None, 2, None, 6), "filter_shape": (6, None, None, 2)},
        {**SHAPES, "unroll_batch": 2, "unroll_kern": 3},
        {**SHAPES, "unroll_patch": True},
        {**SHAPES, "unroll_batch": 0, "unroll_kern": 0},
        {"openmp": True},
    )
]


def right_in_c(settings):
    x, w = arrays()
    got = one_in_c(**settings)(x, w)
    want = convolved(x, w, settings.get("border_mode", "valid"), settings.get("subsample", (1, 1)))
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("settings", QUICK, ids=str)
def test_c_code(settings):
    right_in_c(settings)


@pytest.mark.long
@pytest.mark.parametrize("settings", ALL, ids=str)
def test_all_c_code(settings):
    right_in_c(settings)


@pytest.mark.parametrize("border", ["valid", "full"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "float32", "float64", "complex64"])
def test_in_python(border, dtype):
    x, w = T.tensor4(dtype=dtype), T.tensor4(dtype=dtype)
    for settings in ({}, SHAPES, {"subsample": (2, 3)}):
        function = theano.function(
            [x, w], conv2d(x, w, border_mode=border, **settings), mode=PYTHON
        )
        got = function(*arrays(dtype))
        want = convolved(*arrays(dtype), border, settings.get("subsample", (1, 1)))
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_dtypes_that_have_no_c_code():
    pairs = [arrays(dtype) for dtype in ("int32", "complex128")]
    inputs = [T.TensorType(str(a.dtype), (False,) * 4)() for pair in pairs for a in pair]
    outputs = [conv2d(*inputs[:2]), conv2d(*inputs[2:])]
    got = in_c(inputs, outputs)(*pairs[0], *pairs[1])
    for one, pair in zip(got, pairs, strict=True):
        np.testing.assert_allclose(one, convolved(*pair, "valid"))


def gradients(x, w, z):
    """Gradients of sum(z ** 2) and, of the sum of their squares, again."""
    first = T.grad((z**2).sum(), [x, w])
    return [*first, *T.grad(sum((g**2).sum() for g in first), [x, w])]


def differences(f, point, eps=1e-4):
    """The gradient of f at a list of arrays by central differences, along one direction."""
    random = np.random.RandomState(1)
    along = [random.normal(size=a.shape) for a in point]
    up = f([a + eps * d for a, d in zip(point, along, strict=True)])
    down = f([a - eps * d for a, d in zip(point, along, strict=True)])
    return along, (up - down) / (2 * eps)


@pytest.mark.parametrize("border", ["valid", "full"])
def test_gradients_and_theirs(border):
    x, w = T.dtensor4(), T.dtensor4()
    z = conv2d(x, w, border_mode=border)
    function = theano.function([x, w], [z, *gradients(x, w, z)], mode=PYTHON)
    point = [a[:2, :, :5, :4] for a in arrays("float64")]
    _, *first, ddx, ddw = function(*point)
    along, slope = differences(lambda p: (convolved(*p, border) ** 2).sum(), point)
    np.testing.assert_allclose(sum((g * d).sum() for g, d in zip(first, along, strict=True)), slope)

    def squares(p):
        return sum((g**2).sum() for g in function(*p)[1:3])

    along, slope = differences(squares, point)
    got = (ddx * along[0]).sum() + (ddw * along[1]).sum()
    np.testing.assert_allclose(got, slope, rtol=1e-6)


@pytest.mark.parametrize("how", ["c", pytest.param("python", id="python")])
def test_gradient_of_a_strided_full_convolution(how):
    # Its convolutions have "logical" shapes: zeros between the pixels.
    x, w = T.dtensor4(), T.dtensor4()
    shapes = {"image_shape": (2, 2, 5, 4), "filter_shape": (2, 2, 3, 2)}
    z = conv2d(x, w, border_mode="full", subsample=(2, 2), **shapes)
    outputs = T.grad((z**2).sum(), [x, w])
    make = in_c if how == "c" else lambda i, o: theano.function(i, o, mode=PYTHON)
    point = [a[:2, :, :5, :4] for a in arrays("float64")]
    got = make([x, w], outputs)(*point)
    along, slope = differences(
        lambda p: (convolved(*p, "full", (2, 2)) ** 2).sum(), point
    )  # fmt: skip
    np.testing.assert_allclose(sum((g * d).sum() for g, d in zip(got, along, strict=True)), slope)


@pytest.mark.parametrize("ranks", [(2, 2), (2, 3), (3, 2), (3, 3)])
def test_signal_conv_of_images_without_channels(ranks):
    x, w = arrays()
    x, w = x[:, 0], w[:, 0]
    want = np.array([[convolve2d(a, b, "full") for b in w] for a in x])
    if ranks[1] == 2:
        w, want = w[0], want[:, 0]
    if ranks[0] == 2:
        x, want = x[0], want[0]
    a, b = (T.TensorType("float32", (False,) * rank)() for rank in ranks)
    for shapes in ({}, {"image_shape": x.shape, "filter_shape": w.shape}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = signal_conv.conv2d(a, b, border_mode="full", **shapes)
        got = theano.function([a, b], out, mode=PYTHON)(x, w)
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("how", ["c", "python"])
def test_sizes_that_are_not_as_given(how):
    x, w = T.ftensor4(), T.ftensor4()
    out = conv2d(x, w, border_mode="full", **SHAPES)
    f = in_c([x, w], out) if how == "c" else theano.function([x, w], out, mode=PYTHON)
    a, b = arrays()
    with pytest.raises(ValueError, match="batch size"):
        f(a[:3], b)


@pytest.mark.long
def test_debug_mode():
    x, w = T.dtensor4(), T.dtensor4()
    z = conv2d(x, w)
    with engine("stock"):
        f = theano.function([x, w], [z, *T.grad((z**2).sum(), [x, w])], mode="DebugMode")
    np.testing.assert_allclose(f(*arrays("float64"))[0], convolved(*arrays("float64"), "valid"))
