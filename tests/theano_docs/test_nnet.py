"""library/tensor/nnet, library/tensor/signal: activations, losses, convolutions, pooling, norms."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor import nnet
from theano.tensor.nnet import abstract_conv, bn, neighbours
from theano.tensor.signal import pool

RNG = np.random.RandomState(6)


def run(outputs, *pairs):
    """Evaluate `outputs` where each variable has the value beside it."""
    f = theano.function([v for v, _ in pairs], outputs, on_unused_input="ignore")
    return f(*[value for _, value in pairs])


class TestActivations:
    def test_formulas(self):
        x = T.dvector("x")
        value = np.array([-40.0, -3, -0.5, 0, 0.25, 2, 30])
        s = 1 / (1 + np.exp(-value))
        alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
        negative = np.expm1(np.minimum(value, 0))
        table = [
            (nnet.sigmoid(x), s),
            (nnet.hard_sigmoid(x), np.clip(0.2 * value + 0.5, 0, 1)),
            (nnet.softplus(x), np.log1p(np.exp(value))),
            (nnet.nnet.softsign(x), value / (1 + abs(value))),
            (nnet.relu(x), np.maximum(value, 0)),
            (nnet.relu(x, 0.25), np.where(value > 0, value, 0.25 * value)),
            (nnet.relu(x, np.float64(-1)), abs(value)),
            (nnet.elu(x), np.where(value > 0, value, negative)),
            (nnet.elu(x, 3), np.where(value > 0, value, 3 * negative)),
            (nnet.selu(x), scale * np.where(value > 0, value, alpha * negative)),
        ]
        got = run([e for e, _ in table], (x, value))
        for (e, want), g in zip(table, got, strict=True):
            np.testing.assert_allclose(g, want, rtol=1e-6, atol=1e-12, err_msg=str(e))

    def test_sigmoids_at_their_ends(self):
        x = T.dvector("x")
        s, fast, hard, plus = run(
            [nnet.sigmoid(x), nnet.ultra_fast_sigmoid(x), nnet.hard_sigmoid(x), nnet.softplus(x)],
            (x, [-1000, 0, 1000]),
        )
        assert s.tolist() == [0, 0.5, 1]
        assert hard.tolist() == [0, 0.5, 1]
        assert plus[0] == 0
        assert plus[2] == 1000
        np.testing.assert_allclose(fast, [0.00247262315663, 0.5, 0.997527376843], rtol=1e-9)
        grid = np.linspace(-6, 6, 50)
        close = run(nnet.ultra_fast_sigmoid(x), (x, grid))
        assert abs(close - 1 / (1 + np.exp(-grid))).max() < 0.03

    def test_softmax(self):
        x, v = T.dmatrix("x"), T.dvector("v")
        value = RNG.randn(3, 5) * 10
        e = np.exp(value - value.max(1, keepdims=True))
        want = e / e.sum(1, keepdims=True)
        got = run([nnet.softmax(x), nnet.logsoftmax(x), nnet.softmax(v)], (x, value), (v, value[0]))
        np.testing.assert_allclose(got[0], want)
        np.testing.assert_allclose(got[1], np.log(want))
        np.testing.assert_allclose(got[2], want[:1])  # a vector is one row
        huge = run(nnet.softmax(x), (x, [[1e4, 0], [-1e4, -1e4]]))
        assert huge.tolist() == [[1, 0], [0.5, 0.5]]
        with pytest.raises(ValueError, match="1-d or 2-d"):
            nnet.softmax(T.dtensor3())


class TestLosses:
    def test_binary(self):
        x, t = T.dvector("x"), T.dvector("t")
        value, target = np.array([-2.0, 0.5, 3]), np.array([0.0, 1, 0.25])
        p = 1 / (1 + np.exp(-value))
        want = -(target * np.log(p) + (1 - target) * np.log(1 - p))
        a, b = (
            nnet.binary_crossentropy(nnet.sigmoid(x), t),
            nnet.sigmoid_binary_crossentropy(x, t),
        )
        got = run([a, b, T.grad(a.sum(), x), T.grad(b.sum(), x)], (x, value), (t, target))
        np.testing.assert_allclose(got[0], want)
        np.testing.assert_allclose(got[1], want)
        np.testing.assert_allclose(got[2], p - target)
        np.testing.assert_allclose(got[3], p - target)
        far = run([b, T.grad(b.sum(), x)], (x, [-1000, 1000]), (t, [1, 0]))
        assert [f.tolist() for f in far] == [[1000, 1000], [-1, 1]]

    def test_categorical(self):
        q, p, y = T.dmatrix("q"), T.dmatrix("p"), T.ivector("y")
        coding = np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
        true = np.array([[0.2, 0.3, 0.5], [0, 1, 0]])
        got = run(
            [nnet.categorical_crossentropy(q, p), nnet.categorical_crossentropy(q, y)],
            (q, coding), (p, true), (y, np.array([2, 0], "int32")),
        )  # fmt: skip
        np.testing.assert_allclose(got[0], -(true * np.log(coding)).sum(1))
        np.testing.assert_allclose(got[1], -np.log([0.25, 0.1]))
        with pytest.raises(TypeError):
            nnet.categorical_crossentropy(q, T.dtensor3())

    def test_confusion_matrix(self):
        a, b = T.lvector("a"), T.lvector("b")
        matrix, order = nnet.confusion_matrix(a, b)
        got = run([matrix, order], (a, [2, 0, 300, 0]), (b, [0, 0, 300, 2]))
        assert got[0].tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 1]]
        assert got[1].tolist() == [0, 2, 300]

    def test_h_softmax(self):
        batch, size, classes, per_class = 4, 3, 3, 2
        x, target = T.dmatrix("x"), T.lvector("t")
        w1, b1 = RNG.randn(size, classes), RNG.randn(classes)
        w2, b2 = RNG.randn(classes, size, per_class), RNG.randn(classes, per_class)
        shared = [theano.shared(v) for v in (w1, b1, w2, b2)]
        args = (x, batch, classes * per_class, classes, per_class, *shared)
        value, labels = RNG.randn(batch, size), np.array([0, 5, 2, 3])
        some, every = run([nnet.h_softmax(*args, target), nnet.h_softmax(*args)],
                          (x, value), (target, labels))  # fmt: skip

        def softmax(z):
            e = np.exp(z - z.max(-1, keepdims=True))
            return e / e.sum(-1, keepdims=True)

        outer = softmax(value @ w1 + b1)
        inner = softmax(np.einsum("ns,csp->ncp", value, w2) + b2)
        want = (outer[:, :, None] * inner).reshape(batch, -1)
        np.testing.assert_allclose(every, want)
        np.testing.assert_allclose(some.ravel(), want[np.arange(4), labels])

    def test_ctc_needs_its_library(self):
        from theano.tensor.nnet import ctc

        assert not ctc.ctc_available()
        with pytest.raises(Exception, match=r"ctc|CTC"):
            theano.function(
                [], ctc.ctc(T.ftensor3(), T.imatrix(), T.ivector()), on_unused_input="ignore"
            )


def convolved(x, w, pad=(0, 0), step=(1, 1), dilation=(1, 1), flip=True):
    """Convolve by loops: x (n, c, h, w), w (k, c, r, s)."""
    if flip:
        w = w[:, :, ::-1, ::-1]
    full = np.zeros((*w.shape[:2], *[(s - 1) * d + 1 for s, d in zip(w.shape[2:], dilation)]))  # noqa: B905
    full[:, :, :: dilation[0], :: dilation[1]] = w
    (top, bottom), (left, right) = [p if isinstance(p, tuple) else (p, p) for p in pad]
    x = np.pad(x, [(0, 0), (0, 0), (top, bottom), (left, right)])
    r, s = full.shape[2:]
    rows = range(0, x.shape[2] - r + 1, step[0])
    columns = range(0, x.shape[3] - s + 1, step[1])
    out = np.zeros((len(x), len(w), len(rows), len(columns)))
    for i, a in enumerate(rows):
        for j, b in enumerate(columns):
            out[:, :, i, j] = np.einsum("ncrs,kcrs->nk", x[:, :, a : a + r, b : b + s], full)
    return out


class TestConv2d:
    @pytest.fixture(autouse=True)
    def needs_a_compiler(self, engine):
        if engine == "stock-python":
            pytest.skip("Theano has no CorrMM in Python")

    X, W = RNG.randn(2, 3, 7, 6).astype("float32"), RNG.randn(4, 3, 3, 2).astype("float32")

    def check(self, want, **options):
        x, w = T.ftensor4("x"), T.ftensor4("w")
        got = run(nnet.conv2d(x, w, **options), (x, self.X), (w, self.W))
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize(
        ("mode", "pad"),
        [("valid", (0, 0)), ("full", (2, 1)), ("half", (1, 1)), (2, (2, 2)), ((1, 2), (1, 2)),
         (((1, 0), (2, 1)), ((1, 0), (2, 1)))],
    )  # fmt: skip
    def test_borders(self, mode, pad):
        self.check(convolved(self.X, self.W, pad), border_mode=mode)

    def test_steps_dilation_and_correlation(self):
        self.check(convolved(self.X, self.W, step=(2, 3)), subsample=(2, 3))
        self.check(convolved(self.X, self.W, dilation=(2, 3)), filter_dilation=(2, 3))
        self.check(convolved(self.X, self.W, flip=False), filter_flip=False)

    def test_shapes_are_taken_at_their_word(self):
        x, w = T.ftensor4("x"), T.ftensor4("w")
        shapes = {"input_shape": (2, 3, 7, 6), "filter_shape": (4, 3, 3, 2)}
        self.check(convolved(self.X, self.W), **shapes)
        y = nnet.conv2d(x, w, input_shape=(None, 3, 7, 6), filter_shape=(4, 3, 3, 2))
        assert y.ndim == 4
        with pytest.warns(UserWarning, match="image_shape"):
            nnet.conv2d(x, w, image_shape=(2, 3, 7, 6), filter_shape=(4, 3, 3, 2))

    @pytest.mark.long
    def test_groups(self):
        x, w = T.ftensor4("x"), T.ftensor4("w")
        a, b = RNG.randn(2, 4, 6, 6).astype("float32"), RNG.randn(6, 2, 3, 3).astype("float32")
        got = run(nnet.conv2d(x, w, num_groups=2), (x, a), (w, b))
        want = np.concatenate([convolved(a[:, :2], b[:3]), convolved(a[:, 2:], b[3:])], axis=1)
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)

    @pytest.mark.long
    def test_unshared(self):
        x, w = T.ftensor4("x"), T.TensorType("float32", (False,) * 6)("w")
        a = RNG.randn(2, 3, 5, 4).astype("float32")
        b = RNG.randn(4, 3, 3, 3, 3, 2).astype("float32")
        got = run(nnet.conv2d(x, w, unshared=True), (x, a), (w, b))
        want = np.zeros((2, 4, 3, 3))
        for i in range(3):
            for j in range(3):
                patch = a[:, :, i : i + 3, j : j + 2]
                want[:, :, i, j] = np.einsum("ncrs,kcrs->nk", patch, b[:, i, j, :, ::-1, ::-1])
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)

    def test_transposed(self):
        x, w = T.ftensor4("x"), T.ftensor4("w")
        small = RNG.randn(2, 4, 3, 4).astype("float32")
        filters = RNG.randn(4, 3, 4, 3).astype("float32")
        y = nnet.conv2d_transpose(
            x, w, output_shape=(2, 3, 6, 7), border_mode=(1, 1), input_dilation=(2, 2)
        )
        got = run(y, (x, small), (w, filters))
        big = T.ftensor4("big")
        forward = nnet.conv2d(big, w, border_mode=(1, 1), subsample=(2, 2))
        back = T.grad((forward * x).sum(), big)
        want = run(back, (big, np.zeros((2, 3, 6, 7), "float32")), (w, filters), (x, small))
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)

    @pytest.mark.long
    def test_separable(self):
        x, d, p = T.ftensor4("x"), T.ftensor4("d"), T.ftensor4("p")
        a, b, c = (
            RNG.randn(*s).astype("float32") for s in [(2, 2, 5, 5), (4, 1, 3, 3), (3, 4, 1, 1)]
        )
        got = run(nnet.separable_conv2d(x, d, p, num_channels=2), (x, a), (d, b), (p, c))
        middle = np.concatenate([convolved(a[:, :1], b[:2]), convolved(a[:, 1:], b[2:])], axis=1)
        np.testing.assert_allclose(got, convolved(middle, c), rtol=1e-4, atol=1e-5)

    @pytest.mark.long
    def test_conv3d(self):
        x, w = T.ftensor5("x"), T.ftensor5("w")
        a, b = (
            RNG.randn(2, 2, 5, 4, 4).astype("float32"),
            RNG.randn(3, 2, 2, 2, 3).astype("float32"),
        )
        got = run(nnet.conv3d(x, w, subsample=(2, 1, 1)), (x, a), (w, b))
        want = np.zeros((2, 3, 2, 3, 2))
        flipped = b[:, :, ::-1, ::-1, ::-1]
        for i, j, k in np.ndindex(2, 3, 2):
            patch = a[:, :, 2 * i : 2 * i + 2, j : j + 2, k : k + 3]
            want[:, :, i, j, k] = np.einsum("ncxyz,kcxyz->nk", patch, flipped)
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)

    def test_bilinear_upsampling(self):
        x = T.ftensor4("x")
        value = np.arange(8.0, dtype="float32").reshape(1, 2, 2, 2)
        y = abstract_conv.bilinear_upsampling(x, ratio=2, batch_size=1, num_input_channels=2)
        got = run(y, (x, value))
        assert got.shape == (1, 2, 4, 4)
        # In the middle of four pixels the mean; edges repeat.
        rows = np.array([[1, 0], [0.5, 0.5], [0, 1], [0, 1]])
        want = np.einsum("ai,ncij,bj->ncab", rows, value, rows)
        np.testing.assert_allclose(got, want, rtol=1e-5)


class TestPooling:
    def by_loops(self, x, size, step, pad, mode, ignore_border):
        (r, s), (a, b), (p, q) = size, step, pad
        fill = -np.inf if mode == "max" else 0.0
        h, w = x.shape[-2] + 2 * p, x.shape[-1] + 2 * q
        padded = np.full((*x.shape[:-2], h, w), fill)
        padded[..., p : h - p, q : w - q] = x

        def starts(length, size, step):
            if ignore_border:
                return range(0, length - size + 1, step)
            # A window at each start that is inside, but the last may hang over.
            ends = list(range(0, length, step))
            while len(ends) > 1 and step < size and ends[-2] + size >= length:
                ends.pop()
            return ends

        out = [
            [padded[..., i : i + r, j : j + s] for j in starts(w, s, b)] for i in starts(h, r, a)
        ]

        def reduce(v):
            if mode == "max":
                return v.max((-2, -1))
            if mode == "sum":
                return v.sum((-2, -1))
            return v.mean((-2, -1))

        return np.stack([np.stack([reduce(v) for v in row], -1) for row in out], -2)

    @pytest.mark.parametrize("mode", ["max", "sum", "average_inc_pad", "average_exc_pad"])
    @pytest.mark.parametrize(
        ("size", "step", "ignore"),
        [
            ((2, 2), None, True),
            ((3, 2), (2, 1), True),
            ((2, 3), None, False),
            ((3, 3), (2, 2), False),
        ],
    )
    def test_windows(self, mode, size, step, ignore):
        x = T.ftensor4("x")
        value = RNG.randn(2, 2, 7, 8).astype("float32")
        y = pool.pool_2d(x, ws=size, stride=step, ignore_border=ignore, mode=mode)
        want = self.by_loops(value, size, step or size, (0, 0), mode, ignore)
        np.testing.assert_allclose(run(y, (x, value)), want, rtol=1e-5, atol=1e-6)

    def test_padded(self):
        x = T.ftensor4("x")
        value = RNG.randn(1, 2, 5, 6).astype("float32")
        for mode in "max", "sum", "average_inc_pad":
            y = pool.pool_2d(x, ws=(3, 3), stride=(2, 2), pad=(1, 1), ignore_border=True, mode=mode)
            want = self.by_loops(value, (3, 3), (2, 2), (1, 1), mode, True)
            np.testing.assert_allclose(run(y, (x, value)), want, rtol=1e-5, atol=1e-6)
        with pytest.raises(NotImplementedError):
            pool.pool_2d(x, ws=(2, 2), pad=(1, 1), ignore_border=False)

    def test_gradients_go_to_the_maxima(self):
        x = T.ftensor4("x")
        value = np.array([[[[1, 5, 2, 2], [0, 3, 2, 2]]]], "float32")
        g = T.grad(pool.pool_2d(x, ws=(2, 2), ignore_border=True).sum(), x)
        assert run(g, (x, value))[0, 0].tolist() == [[0, 1, 1, 1], [0, 0, 1, 1]]

    def test_other_dimensions(self):
        x, v = T.fmatrix("x"), T.ftensor3("v")
        value = RNG.randn(4, 6).astype("float32")
        got = run([pool.pool_2d(x, ws=(2, 3), ignore_border=True),
                   pool.pool_3d(v, ws=(2, 2, 2), ignore_border=True),
                   pool.max_pool_2d_same_size(x.dimshuffle("x", "x", 0, 1), (2, 3))],
                  (x, value), (v, value.reshape(2, 2, 6)))  # fmt: skip
        np.testing.assert_allclose(got[0], value.reshape(2, 2, 2, 3).max((1, 3)))
        np.testing.assert_allclose(got[1], value.reshape(2, 2, 3, 2).max((0, 1, 3))[None, None])
        blocks = value.reshape(2, 2, 2, 3).max((1, 3), keepdims=True)
        want = np.where(value.reshape(2, 2, 2, 3) == blocks, blocks, 0).reshape(4, 6)
        np.testing.assert_allclose(got[2][0, 0], want)

    def test_the_older_names(self):
        from theano.tensor.signal import downsample

        x = T.ftensor4("x")
        value = RNG.randn(1, 1, 4, 4).astype("float32")
        got = run(downsample.max_pool_2d(x, (2, 2), ignore_border=True), (x, value))
        np.testing.assert_allclose(got[0, 0], value[0, 0].reshape(2, 2, 2, 2).max((1, 3)))
        with pytest.raises(ValueError, match="window"):
            pool.pool_2d(x)  # no window at all


class TestNeighbours:
    def test_to_and_fro(self):
        x = T.ftensor4("x")
        value = np.arange(2 * 3 * 4 * 6, dtype="float32").reshape(2, 3, 4, 6)
        n = neighbours.images2neibs(x, (2, 3))
        back = neighbours.neibs2images(n, (2, 3), x.shape)
        got = run([n, back], (x, value))
        want = value.reshape(2, 3, 2, 2, 2, 3).transpose(0, 1, 2, 4, 3, 5).reshape(-1, 6)
        np.testing.assert_array_equal(got[0], want)
        np.testing.assert_array_equal(got[1], value)

    def test_steps_and_modes(self):
        x = T.ftensor4("x")
        value = np.arange(30, dtype="float32").reshape(1, 1, 5, 6)
        got = run([neighbours.images2neibs(x, (2, 2), neib_step=(3, 2)),
                   neighbours.images2neibs(x, (2, 4), mode="ignore_borders")],
                  (x, value))  # fmt: skip
        want = [value[0, 0, i : i + 2, j : j + 2].ravel() for i in (0, 3) for j in (0, 2, 4)]
        np.testing.assert_array_equal(got[0], want)
        want = [value[0, 0, i : i + 2, :4].ravel() for i in (0, 2)]
        np.testing.assert_array_equal(got[1], want)
        with pytest.raises(TypeError):
            run(neighbours.images2neibs(x, (2, 2)), (x, value))  # 5 rows are no pairs


class TestBatchNormalization:
    @pytest.mark.parametrize("axes", ["per-activation", "spatial"])
    def test_training_and_testing(self, axes):
        x = T.ftensor4("x")
        over = (0,) if axes == "per-activation" else (0, 2, 3)
        shape = [1 if i in over else s for i, s in enumerate((5, 3, 2, 4))]
        gamma, beta, mean, var = (RNG.rand(*shape).astype("float32") for _ in range(4))
        value = RNG.randn(5, 3, 2, 4).astype("float32")
        out, m, inv, new_mean, new_var = bn.batch_normalization_train(
            x, gamma, beta, axes=axes, epsilon=1e-3, running_average_factor=0.25,
            running_mean=theano.shared(mean), running_var=theano.shared(var),
        )  # fmt: skip
        tested = bn.batch_normalization_test(x, gamma, beta, mean, var, axes=axes, epsilon=1e-3)
        got = run([out, m, inv, new_mean, new_var, tested], (x, value))
        mu, v = value.mean(over, keepdims=True), value.var(over, keepdims=True)
        n = value.size / mu.size
        want = [
            gamma * (value - mu) / np.sqrt(v + 1e-3) + beta, mu, 1 / np.sqrt(v + 1e-3),
            0.75 * mean + 0.25 * mu, 0.75 * var + 0.25 * v * n / (n - 1),
            gamma * (value - mean) / np.sqrt(var + 1e-3) + beta,
        ]  # fmt: skip
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-3, atol=1e-4)

    def test_the_older_function(self):
        x = T.dmatrix("x")
        value = RNG.randn(4, 3)
        y = bn.batch_normalization(x, 2.0, 0.5, x.mean(0), x.std(0))
        want = 2 * (value - value.mean(0)) / value.std(0) + 0.5
        for mode in "low_mem", "high_mem":
            y = bn.batch_normalization(
                x, T.constant(2.0), T.constant(0.5), x.mean(0), x.std(0), mode=mode
            )
            np.testing.assert_allclose(run(y, (x, value)), want, rtol=1e-6)
