"""GpuCorrMM with its gradients, the products and the pool against NumPy."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox.cuda import blas

from tests.numpy_layers import conv, pool

MODE = theano.Mode(linker="py", optimizer=None)
RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(2, 3, 7, 6)).astype("float32")
W = RANDOM.normal(size=(4, 3, 3, 2)).astype("float32")
X3 = RANDOM.normal(size=(1, 2, 4, 4, 5)).astype("float32")
W3 = RANDOM.normal(size=(3, 2, 2, 3, 2)).astype("float32")


def computed(outputs):
    return theano.function([], outputs, mode=MODE)()


def close(got, wanted):
    for y, want in zip(got, wanted, strict=True):
        np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-4)


def test_correlations():
    x, w = T.constant(X), T.constant(W)
    got = computed(
        [
            blas.GpuCorrMM()(x, w),
            blas.GpuCorrMM(border_mode=(2, 1), subsample=(2, 3))(x, w),
            blas.GpuCorrMM(border_mode="half")(x, w),
            blas.GpuCorrMM(border_mode=1, filter_dilation=(2, 1))(x, w),
            blas.GpuCorrMM(pad=(1, 0))(x, w),
            blas.GpuCorr3dMM(subsample=(1, 2, 1), border_mode=(1, 0, 1))(
                T.constant(X3), T.constant(W3)
            ),
            blas.GpuConv("full")(x, w),
            blas.GpuConv("valid", subsample=(2, 1))(x, w),
        ]
    )
    close(
        got,
        [
            conv(X, W, flip=False),
            conv(X, W, (2, 1), (2, 3), flip=False),
            conv(X, W, "half", flip=False),
            conv(X, W, 1, dilation=(2, 1), flip=False),
            conv(X, W, (1, 0), flip=False),
            conv(X3, W3, (1, 0, 1), (1, 2, 1), flip=False),
            conv(X, W, "full"),
            conv(X, W, 0, (2, 1)),
        ],
    )


@pytest.mark.parametrize("border_mode", ["valid", "full", "half", (1, 0)])
def test_gradients_of_a_correlation(border_mode):
    top = RANDOM.normal(size=conv(X, W, border_mode, flip=False).shape).astype("float32")
    x, w, g = T.constant(X), T.constant(W), T.constant(top)
    outputs = [
        blas.GpuCorrMM_gradInputs(border_mode)(w, g, X.shape[2:]),
        blas.GpuCorrMM_gradWeights(border_mode)(x, g, W.shape[2:]),
        blas.GpuCorrMM_gradInputs(border_mode)(w, g),
    ]
    if border_mode == "half":
        with pytest.raises(ValueError, match="shape must be given"):
            blas.GpuCorrMM_gradWeights(border_mode)(x, g)
    else:
        outputs.append(blas.GpuCorrMM_gradWeights(border_mode)(x, g))
    by_x, by_w, *again = computed(outputs)
    # In every direction, or at least in random ones: each operand by itself is linear.
    for _ in range(5):
        dx, dw = RANDOM.normal(size=X.shape), RANDOM.normal(size=W.shape)
        want = (conv(dx, W, border_mode, flip=False) * top).sum()
        np.testing.assert_allclose((dx * by_x).sum(), want, rtol=1e-3, atol=1e-3)
        want = (conv(X, dw, border_mode, flip=False) * top).sum()
        np.testing.assert_allclose((dw * by_w).sum(), want, rtol=1e-3, atol=1e-3)
    if border_mode == "half":  # filters of two columns: sizes of 5 and 6 have outputs of 6
        assert again[0].shape[2] == X.shape[2]
    else:
        np.testing.assert_array_equal(again[0], by_x)
        np.testing.assert_array_equal(again[1], by_w)


def test_gradients_with_a_stride_need_the_size():
    stride = {"border_mode": (1, 0, 0), "subsample": (2, 1, 1)}
    top = RANDOM.normal(size=conv(X3, W3, (1, 0, 0), (2, 1, 1), flip=False).shape)
    g = T.constant(top.astype("float32"))
    by_x, by_w = computed(
        [
            blas.GpuCorr3dMM_gradInputs(**stride)(T.constant(W3), g, X3.shape[2:]),
            blas.GpuCorr3dMM_gradWeights(**stride)(T.constant(X3), g, W3.shape[2:]),
        ]
    )
    for _ in range(3):
        dx, dw = RANDOM.normal(size=X3.shape), RANDOM.normal(size=W3.shape)
        want = (conv(dx, W3, (1, 0, 0), (2, 1, 1), flip=False) * top).sum()
        np.testing.assert_allclose((dx * by_x).sum(), want, rtol=1e-3, atol=1e-3)
        want = (conv(X3, dw, (1, 0, 0), (2, 1, 1), flip=False) * top).sum()
        np.testing.assert_allclose((dw * by_w).sum(), want, rtol=1e-3, atol=1e-3)
    for op, first in ((blas.GpuCorr3dMM_gradInputs, W3), (blas.GpuCorr3dMM_gradWeights, X3)):
        with pytest.raises(ValueError, match="shape must be given"):
            op(**stride)(T.constant(first), g)


def test_products_and_the_pool():
    a, b, c = (RANDOM.normal(size=(3, 3)).astype("float32") for _ in range(3))
    u, v = a[0], b[1]
    batch = RANDOM.normal(size=(2, 3, 4)), RANDOM.normal(size=(2, 4, 2))
    batch = [m.astype("float32") for m in batch]
    two, half = np.float32(2), np.float32(0.5)
    got = computed(
        [
            blas.gpu_dot22(a, b),
            blas.gpu_dot22scalar(a, b, two),
            blas.gpu_gemm_no_inplace(c, two, a, b, half),
            blas.gpu_gemm_inplace(c, two, a, b, half),
            blas.gpu_gemv_no_inplace(u, two, a, v, half),
            blas.gpu_ger_no_inplace(c, two, u, v),
            blas.GpuDownsampleFactorMax((2, 3))(X),
            blas.GpuDownsampleFactorMax((2, 4), ignore_border=True)(X),
        ]
    )
    close(
        got,
        [
            a @ b, 2 * (a @ b), 0.5 * c + 2 * (a @ b), 0.5 * c + 2 * (a @ b),
            0.5 * u + 2 * (a @ v), c + 2 * np.outer(u, v),
            pool(X, (2, 3), ignore_border=False), pool(X, (2, 4)),
        ],
    )  # fmt: skip
    assert blas.batched_dot is blas.BatchedDotOp
    (got,) = computed([blas.batched_dot(*batch)])
    np.testing.assert_allclose(got, np.matmul(*batch), rtol=1e-4, atol=1e-5)


def test_what_is_no_correlation():
    with pytest.raises(ValueError, match="border_mode"):
        blas.GpuCorrMM("same")
    with pytest.raises(ValueError, match="pad is border_mode's old name"):
        blas.GpuCorrMM("full", pad=(1, 1))
    with pytest.raises(ValueError, match="must have 2 elements"):
        blas.GpuCorrMM(subsample=(1, 1, 1))
    with pytest.raises(ValueError, match="must have 3 numbers"):
        blas.GpuCorr3dMM((1, 1))
    with pytest.raises(TypeError, match="needs 4 axes, got 2"):
        blas.GpuCorrMM()(T.matrix(), T.tensor4())
    with pytest.raises(NotImplementedError, match="logical_img_hw"):
        blas.GpuConv("valid", logical_img_hw=(3, 3))
    with pytest.raises(ValueError, match="'valid' or 'full'"):
        blas.GpuConv("half")
