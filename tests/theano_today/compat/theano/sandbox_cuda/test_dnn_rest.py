"""dnn_pool, GpuDnnSoftmax and batch normalization against NumPy."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox.cuda.dnn import (
    GpuDnnBatchNorm,
    GpuDnnBatchNormInference,
    GpuDnnPool,
    GpuDnnPoolDesc,
    GpuDnnSoftmax,
    dnn_batch_normalization_test,
    dnn_batch_normalization_train,
    dnn_pool,
)

from tests.numpy_layers import pool

MODE = theano.Mode(linker="py", optimizer=None)
RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(2, 3, 7, 6)).astype("float32")
X3 = RANDOM.normal(size=(2, 1, 5, 4, 6)).astype("float32")
MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")


def computed(outputs):
    return theano.function([], outputs, mode=MODE)()


def test_pools():
    settings = [
        {"mode": mode, **more}
        for mode in MODES
        for more in ({"size": (2, 3)}, {"size": (3, 3), "stride": (2, 1), "pad": (1, 2)})
    ]
    got = computed(
        [
            dnn_pool(T.constant(X), s["size"], s.get("stride"), s["mode"], s.get("pad"))
            for s in settings
        ]
    )
    for y, s in zip(got, settings, strict=True):
        # Without a stride cuDNN steps by one, where Theano's pool_2d steps by a window.
        want = pool(X, **({"stride": (1, 1)} | s))
        np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6)


def test_pools_of_three_axes():
    got = computed([dnn_pool(T.constant(X3), (2, 2, 3), (2, 1, 2), m, (1, 0, 1)) for m in MODES])
    for y, mode in zip(got, MODES, strict=True):
        want = pool(X3, (2, 2, 3), (2, 1, 2), (1, 0, 1), mode=mode)
        np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6)


def test_windows_that_depend_on_the_image():
    """As spatial pyramids have them, in images whose size is not known before."""
    x, sizes = T.tensor4(), T.lvector()
    window = tuple((x.shape[i] + 1) // 2 for i in (2, 3))
    stride = tuple(x.shape[i] // 2 for i in (2, 3))
    outputs = [
        dnn_pool(x, window, stride, "max", (0, 0)),
        dnn_pool(x, window, stride, "sum"),
        dnn_pool(x, sizes, sizes, "average_exc_pad", (1, 0)),
    ]
    got = theano.function([x, sizes], outputs, mode=MODE)(X, [3, 2])
    wanted = [
        pool(X, (4, 3), (3, 3)), pool(X, (4, 3), (3, 3), mode="sum"),
        pool(X, (3, 2), (3, 2), (1, 0), mode="average_exc_pad"),
    ]  # fmt: skip
    for y, want in zip(got, wanted, strict=True):
        np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6)


def test_pools_as_ops():
    desc = GpuDnnPoolDesc(ws=(2, 2), stride=(2, 2), mode="average")()
    x = T.constant(X)
    old, new = computed(
        [GpuDnnPool()(x, desc), GpuDnnPool(mode="average")(x, (2, 2), (2, 2), (0, 0))]
    )
    np.testing.assert_allclose(old, pool(X, (2, 2), mode="average_inc_pad"), rtol=1e-5)
    np.testing.assert_array_equal(old, new)


def test_what_is_no_pool():
    with pytest.raises(ValueError, match="mode must be one of"):
        dnn_pool(T.constant(X), (2, 2), mode="median")
    with pytest.raises(TypeError, match="four or five axes"):
        dnn_pool(T.matrix(), (2, 2), (1, 1), pad=(0, 0))
    with pytest.raises(ValueError, match="two or three numbers"):
        GpuDnnPoolDesc(ws=(2, 2), stride=(2,))
    with pytest.raises(TypeError, match="or a descriptor"):
        GpuDnnPool()(T.constant(X), (2, 2))


def softmax(x, axes):
    e = np.exp(x - x.max(axes, keepdims=True))
    return e / e.sum(axes, keepdims=True)


def test_softmax():
    x = T.constant(X)
    got = computed(
        [
            GpuDnnSoftmax("bc01", algo, mode)(x)
            for algo in ("accurate", "log")
            for mode in ("instance", "channel")
        ]
    )
    want = [softmax(X, (1, 2, 3)), softmax(X, 1)]
    want += [np.log(w) for w in want]
    for y, w in zip(got, want, strict=True):
        np.testing.assert_allclose(y, w, rtol=1e-4, atol=1e-5)
    for wrong in (("b01c", "fast", "channel"), ("bc01", "slow", "channel"), ("bc01", "fast", "c")):
        with pytest.raises(ValueError, match="must be"):
            GpuDnnSoftmax(*wrong)


@pytest.mark.parametrize("mode", ["per-activation", "spatial"])
def test_batch_normalization(mode):
    axes = (0,) if mode == "per-activation" else (0, 2, 3)
    shape = [1 if i in axes else n for i, n in enumerate(X.shape)]
    gamma, beta, mean, var = (
        RANDOM.uniform(0.5, 2, size=shape).astype("float32") for _ in range(4)
    )
    pattern = [n == 1 for n in shape]
    v = [T.patternbroadcast(T.constant(a), pattern) for a in (gamma, beta, mean, var)]
    trained = dnn_batch_normalization_train(
        T.constant(X), v[0], v[1], mode, 1e-3, 0.25, running_mean=v[2], running_var=v[3]
    )
    by_op = GpuDnnBatchNorm(mode, 1e-3)(T.constant(X), v[0], v[1])
    tested = [
        dnn_batch_normalization_test(T.constant(X), *v, mode, 1e-3),
        GpuDnnBatchNormInference(mode, 1e-3)(T.constant(X), *v),
    ]
    got = theano.function([], [*trained, *by_op, *tested], mode="FAST_COMPILE")()

    m, s = X.mean(axes, keepdims=True), X.var(axes, keepdims=True)
    invstd = 1 / np.sqrt(s + 1e-3)
    out = (X - m) * gamma * invstd + beta
    n = X.size / m.size
    running = [mean * 0.75 + m * 0.25, var * 0.75 + n / (n - 1) * s * 0.25]
    wanted = [out, m, invstd, *running, out, m, invstd]
    wanted += [(X - mean) * gamma / np.sqrt(var + 1e-3) + beta] * 2
    for y, want in zip(got, wanted, strict=True):
        np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="at least 1e-5"):
        dnn_batch_normalization_test(T.constant(X), *v, mode, 1e-6)
    with pytest.raises(ValueError, match="mode must be one of"):
        dnn_batch_normalization_train(T.constant(X), v[0], v[1], "per-channel")
