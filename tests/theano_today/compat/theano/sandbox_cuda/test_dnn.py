"""dnn_conv, its gradients and GpuDnn...: against loops, and gradients against the definition."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox.cuda.basic_ops import gpu_alloc_empty, gpu_contiguous, host_from_gpu
from theano.sandbox.cuda.dnn import (
    GpuDnnConv,
    GpuDnnConv3dGradW,
    GpuDnnConvDesc,
    GpuDnnConvGradI,
    GpuDnnConvGradW,
    dnn_conv,
    dnn_conv3d,
    dnn_gradinput,
    dnn_gradinput3d,
    dnn_gradweight,
    dnn_gradweight3d,
    version,
)

from tests.numpy_layers import conv

MODE = theano.Mode(linker="py", optimizer=None)
RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(2, 3, 7, 6)).astype("float32")
W = RANDOM.normal(size=(4, 3, 3, 2)).astype("float32")
X3 = RANDOM.normal(size=(1, 2, 5, 4, 6)).astype("float32")
W3 = RANDOM.normal(size=(3, 2, 2, 3, 2)).astype("float32")

SETTINGS = [
    {},
    {"border_mode": "full"},
    {"border_mode": "half", "subsample": (2, 1)},
    {"border_mode": 1, "conv_mode": "cross"},
    {"border_mode": (2, 0), "subsample": (2, 3)},
    {"border_mode": (0, 0), "conv_mode": "cross", "algo": "small", "precision": "float32"},
]


def reference(x, w, border_mode="valid", subsample=1, conv_mode="conv", **ignored):
    return conv(x, w, border_mode, subsample, flip=conv_mode == "conv")


def computed(outputs):
    return theano.function([], outputs, mode=MODE)()


def test_convolutions():
    got = computed([dnn_conv(T.constant(X), T.constant(W), **s) for s in SETTINGS])
    for y, settings in zip(got, SETTINGS, strict=True):
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, reference(X, W, **settings), rtol=1e-4, atol=1e-5)


def test_convolutions_of_three_axes():
    settings = [{}, {"border_mode": (1, 0, 2), "subsample": (2, 1, 2), "conv_mode": "cross"}]
    got = computed([dnn_conv3d(T.constant(X3), T.constant(W3), **s) for s in settings])
    for y, s in zip(got, settings, strict=True):
        np.testing.assert_allclose(y, reference(X3, W3, **s), rtol=1e-4, atol=1e-5)


def test_a_direction_hint_does_not_change_the_numbers():
    hints = ("bprop weights", "forward", "bprop inputs")
    modes = ("valid", "valid", "full")
    got = computed(
        [
            dnn_conv(T.constant(X), T.constant(W), border_mode=m, direction_hint=h)
            for m, h in zip(modes, hints, strict=True)
        ]
    )
    for y, m in zip(got, modes, strict=True):
        np.testing.assert_allclose(y, conv(X, W, m), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="direction_hint"):
        dnn_conv(T.constant(X), T.constant(W), direction_hint="sideways")


def of_linear(convolve, x, w, top):
    """The gradients of sum(top * convolve(x, w)), which is linear in x and in w: exactly."""
    by_x, by_w = np.zeros(x.shape), np.zeros(w.shape)
    for place in np.ndindex(x.shape):
        one = np.zeros(x.shape)
        one[place] = 1
        by_x[place] = (top * convolve(one, w)).sum()
    for place in np.ndindex(w.shape):
        one = np.zeros(w.shape)
        one[place] = 1
        by_w[place] = (top * convolve(x, one)).sum()
    return by_x, by_w


@pytest.mark.parametrize("settings", [SETTINGS[2], SETTINGS[3]], ids=str)
def test_gradients_by_name(settings):
    x, w = X[:1, :2, :5, :4], W[:2, :2]
    top = RANDOM.normal(size=reference(x, w, **settings).shape).astype("float32")
    desc = GpuDnnConvDesc(**({"border_mode": "valid"} | settings))(x.shape, w.shape)
    empty_x, empty_w = gpu_alloc_empty(*x.shape), gpu_alloc_empty(*w.shape)
    v = T.constant
    got = computed(
        [
            dnn_gradinput(v(w), v(top), x.shape, **settings),
            GpuDnnConvGradI()(v(w), v(top), empty_x, desc),
            GpuDnnConvGradI()(v(w), v(top), v(x), desc, alpha=2.0, beta=3.0),
            dnn_gradweight(v(x), v(top), w.shape, **settings),
            GpuDnnConvGradW()(v(x), v(top), empty_w, desc),
            GpuDnnConv()(v(x), v(w), gpu_alloc_empty(*top.shape), desc),
        ]
    )
    by_x, by_w = of_linear(lambda x, w: reference(x, w, **settings), x, w, top)
    wanted = [by_x, by_x, 2 * by_x + 3 * x, by_w, by_w, reference(x, w, **settings)]
    for y, want in zip(got, wanted, strict=True):
        np.testing.assert_allclose(y, want, rtol=1e-3, atol=1e-4)


def test_gradients_of_three_axes_by_name():
    x, w = X3[:, :1, :3, :3, :4], W3[:2, :1]
    settings = {"border_mode": (1, 1, 0), "subsample": (2, 1, 1)}
    top = RANDOM.normal(size=reference(x, w, **settings).shape).astype("float32")
    v = T.constant
    desc = GpuDnnConvDesc(**settings)(x.shape, w.shape)
    got = computed(
        [
            dnn_gradinput3d(v(w), v(top), x.shape, **settings),
            dnn_gradweight3d(v(x), v(top), w.shape, **settings),
            GpuDnnConv3dGradW()(v(x), v(top), gpu_alloc_empty(*w.shape), desc),
        ]
    )
    by_x, by_w = of_linear(lambda x, w: reference(x, w, **settings), x, w, top)
    for y, want in zip(got, [by_x, by_w, by_w], strict=True):
        np.testing.assert_allclose(y, want, rtol=1e-3, atol=1e-4)


def test_deconvolution_of_2015():
    """The function that generators of images were made of, in its usual words."""

    def deconv(X, w, subsample=(2, 2), border_mode=(2, 2), conv_mode="conv"):
        img, kerns = gpu_contiguous(X), gpu_contiguous(w)
        shape = (
            img.shape[0], kerns.shape[1],
            img.shape[2] * subsample[0], img.shape[3] * subsample[1],
        )  # fmt: skip
        desc = GpuDnnConvDesc(border_mode=border_mode, subsample=subsample, conv_mode=conv_mode)(
            gpu_alloc_empty(*shape).shape, kerns.shape
        )
        out = gpu_alloc_empty(*shape)
        return host_from_gpu(GpuDnnConvGradI()(kerns, img, out, desc))

    x, w = T.tensor4(), T.tensor4()
    values = RANDOM.normal(size=(1, 2, 3, 3)), RANDOM.normal(size=(2, 1, 5, 5))
    image, filters = (v.astype("float32") for v in values)
    y = deconv(x, w)
    got, by_w = theano.function([x, w], [y, T.grad((y**2).sum(), w)], mode=MODE)(image, filters)
    assert got.shape == (1, 1, 6, 6)
    assert by_w.shape == filters.shape

    def convolve(big, w):
        return conv(big, w, (2, 2), (2, 2))

    want, _ = of_linear(convolve, np.zeros((1, 1, 6, 6)), filters.astype(float), image)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_shapes_of_outputs():
    for border_mode in ("valid", "full", "half", (1, 2), 1):
        want = conv(X, W, border_mode, (2, 1)).shape
        assert tuple(GpuDnnConv.get_out_shape(X.shape, W.shape, border_mode, (2, 1))) == want
    symbolic = T.lvector(), T.lvector()
    shape = T.stack(GpuDnnConv.get_out_shape(*symbolic, "valid", (2, 1)))
    got = theano.function(symbolic, shape, mode=MODE)(X.shape, W.shape)
    assert tuple(got) == conv(X, W, "valid", (2, 1)).shape


def test_what_is_no_convolution():
    with pytest.raises(ValueError, match='"valid", "full", "half"'):
        dnn_conv(T.constant(X), T.constant(W), border_mode="same")
    with pytest.raises(ValueError, match="conv_mode"):
        dnn_conv(T.constant(X), T.constant(W), conv_mode="convolve")
    with pytest.raises(TypeError, match="GpuDnnConvDesc"):
        GpuDnnConv()(T.constant(X), T.constant(W), T.constant(X), (1, 1))
    with pytest.raises(ValueError, match="not both"):
        GpuDnnConv(workmem="small", algo="large")
    with pytest.warns(UserWarning, match="Use 'algo' instead"):
        dnn_conv(T.constant(X), T.constant(W), workmem="small")


def test_no_version_without_a_gpu():
    with pytest.raises(RuntimeError, match="not available"):
        version()
    assert version(raises=False) == -1
