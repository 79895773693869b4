"""library/tensor/{nlinalg, slinalg, fft, extra_ops, sort, utils, io}."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import scipy.linalg
import theano
import theano.tensor as T
from theano.tensor import extra_ops, fft, nlinalg, slinalg

RNG = np.random.RandomState(8)


def run(outputs, *pairs):
    """Evaluate `outputs` where each variable has the value beside it."""
    f = theano.function([v for v, _ in pairs], outputs, on_unused_input="ignore")
    return f(*[value for _, value in pairs])


def close(got, want, rtol=1e-8):
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=rtol, atol=1e-10)
        assert np.shape(g) == np.shape(w)


class TestMatrices:
    A = RNG.randn(4, 4) + 4 * np.eye(4)
    S = A @ A.T

    def test_inverses_determinants_traces(self):
        x = T.dmatrix("x")
        outputs = [
            nlinalg.matrix_inverse(x), nlinalg.pinv(x[:, :2]), nlinalg.det(x), nlinalg.trace(x),
            nlinalg.diag(x), nlinalg.diag(x[0]), nlinalg.matrix_power(x, 3),
            nlinalg.matrix_dot(x, x, x), nlinalg.norm(x, "fro"), nlinalg.norm(x, "inf"),
            nlinalg.norm(x[0], 1), nlinalg.norm(x, -1),
        ]  # fmt: skip
        a = self.A
        want = [
            np.linalg.inv(a), np.linalg.pinv(a[:, :2]), np.linalg.det(a), np.trace(a), np.diag(a),
            np.diag(a[0]), np.linalg.matrix_power(a, 3), a @ a @ a, np.linalg.norm(a),
            np.linalg.norm(a, np.inf), np.linalg.norm(a[0], 1), np.linalg.norm(a, -1),
        ]  # fmt: skip
        close(run(outputs, (x, a)), want)

    def test_decompositions(self):
        x = T.dmatrix("x")
        q, r = nlinalg.qr(x)
        u, s, v = nlinalg.svd(x)
        values, vectors = nlinalg.eigh(x)
        w, z = nlinalg.eig(x)
        only = nlinalg.svd(x, compute_uv=False)
        got = run([q, r, u, s, v, values, vectors, w, z, only], (x, self.S))
        close([got[0] @ got[1], got[2] * got[3] @ got[4]], [self.S] * 2)
        close([got[6] * got[5] @ got[6].T, got[9]], [self.S, got[3]])
        close([np.sort(got[7]), self.S @ got[8]], [got[5], got[8] * got[7]])

    def test_solutions(self):
        x, b = T.dmatrix("x"), T.dmatrix("b")
        right = RNG.randn(4, 2)
        lower = slinalg.cholesky(x)
        outputs = [
            slinalg.solve(x, b), lower, slinalg.solve_lower_triangular(lower, b),
            slinalg.solve_upper_triangular(lower.T, b), slinalg.kron(x, b), slinalg.expm(x / 30),
            slinalg.eigvalsh(x, T.eye(4, dtype="float64")), nlinalg.lstsq()(x, b, -1.0)[0],
            nlinalg.tensorsolve(x, b[:, 0]), nlinalg.tensorinv(x, 1),
        ]  # fmt: skip
        s = self.S
        low = np.linalg.cholesky(s)
        want = [
            np.linalg.solve(s, right), low, np.linalg.solve(low, right),
            np.linalg.solve(low.T, right), np.kron(s, right), scipy.linalg.expm(s / 30),
            np.linalg.eigvalsh(s), np.linalg.solve(s, right), np.linalg.solve(s, right[:, 0]),
            np.linalg.inv(s),
        ]  # fmt: skip
        close(run(outputs, (x, s), (b, right)), want, 1e-6)

    @pytest.mark.long
    @pytest.mark.parametrize(
        "expression",
        [
            lambda x: nlinalg.matrix_inverse(x),
            lambda x: nlinalg.det(x),
            lambda x: slinalg.cholesky(T.dot(x, x.T)),
            lambda x: slinalg.solve(x, T.constant(np.arange(4.0))),
            lambda x: nlinalg.eigh(T.dot(x, x.T))[0],
            lambda x: slinalg.expm(x / 10),
            lambda x: nlinalg.pinv(x),
            lambda x: slinalg.kron(x, x[:2]),
        ],
    )
    def test_gradients(self, expression):
        weights = np.random.RandomState(3).rand(128)
        x = T.dmatrix("x")
        y = expression(x).flatten()
        cost = (y * T.constant(weights)[: y.shape[0]]).sum()
        f, g = theano.function([x], cost), theano.function([x], T.grad(cost, x))
        a, e = self.A, 1e-6
        want = np.zeros_like(a)
        for i in np.ndindex(*a.shape):
            step = np.zeros_like(a)
            step[i] = e
            want[i] = (f(a + step) - f(a - step)) / 2 / e
        np.testing.assert_allclose(g(a), want, rtol=2e-4, atol=1e-6)

    def test_errors(self):
        x = T.dmatrix("x")
        with pytest.raises(np.linalg.LinAlgError):
            run(nlinalg.matrix_inverse(x), (x, np.zeros((2, 2))))
        with pytest.raises(np.linalg.LinAlgError):
            run(slinalg.cholesky(x), (x, -np.eye(2)))
        nan = run(slinalg.Cholesky(lower=True, on_error="nan")(x), (x, -np.eye(2)))
        assert np.isnan(nan).all()
        with pytest.raises(NotImplementedError):
            nlinalg.norm(T.dtensor4(), "fro")


class TestExtraOps:
    def test_like_numpys(self):
        x, v, i = T.dmatrix("x"), T.dvector("v"), T.lvector("i")
        a, b, n = RNG.randn(3, 4), np.array([0.5, -1, 2, 300]), np.array([0, 3, 3, 260])
        outputs = [
            extra_ops.cumsum(x), extra_ops.cumsum(x, axis=1), extra_ops.cumprod(x, axis=0),
            extra_ops.diff(x, n=2, axis=1), extra_ops.bincount(i), extra_ops.bincount(i, v),
            extra_ops.bincount(i, minlength=600), extra_ops.repeat(v, i[:2].repeat(2)),
            extra_ops.repeat(x, 2, axis=0), extra_ops.squeeze(x.dimshuffle(0, "x", 1)),
            extra_ops.compress(T.constant([1, 0, 1]), x, axis=0), extra_ops.fill_diagonal(x, 9.0),
            extra_ops.fill_diagonal_offset(x, 9.0, 1), extra_ops.to_one_hot(i[:3], 4),
            extra_ops.searchsorted(T.sort(v), x), extra_ops.bartlett(T.constant(7)),
        ]  # fmt: skip
        filled, shifted = a.copy(), a.copy()
        np.fill_diagonal(filled, 9.0)
        shifted[[0, 1, 2], [1, 2, 3]] = 9
        want = [
            a.cumsum(), a.cumsum(1), a.cumprod(0), np.diff(a, 2, 1), np.bincount(n),
            np.bincount(n, b), np.bincount(n, minlength=600), b.repeat([0, 0, 3, 3]),
            a.repeat(2, 0), a, a[[0, 2]], filled, shifted, np.eye(4)[[0, 3, 3]],
            np.sort(b).searchsorted(a), np.bartlett(7),
        ]  # fmt: skip
        close(run(outputs, (x, a), (v, b), (i, n)), want)

    def test_squeeze_takes_what_broadcasts(self):
        x = T.TensorType("float64", (True, False, True))()
        assert run(T.extra_ops.squeeze(x), (x, np.ones((1, 3, 1)))).shape == (3,)

    def test_unique(self):
        x = T.lvector("x")
        unique = extra_ops.Unique(True, True, True)
        values = [300, 5, 300, -1]
        for g, w in zip(run(unique(x), (x, values)),
                        np.unique(values, True, True, True), strict=True):  # fmt: skip
            np.testing.assert_array_equal(g, w)
        one = run(extra_ops.Unique()(x), (x, values))
        np.testing.assert_array_equal(one, [-1, 5, 300])

    def test_flat_indices(self):
        i, shape = T.lvector("i"), (20, 30)
        got = run(list(extra_ops.unravel_index(i, shape)), (i, [0, 599, 31]))
        close(got, np.unravel_index([0, 599, 31], shape))
        back = extra_ops.ravel_multi_index((i, i + 1), shape)
        assert run(back, (i, [0, 19])).tolist() == [1, 590]
        wrapped = extra_ops.ravel_multi_index((i, i), shape, mode="wrap")
        assert run(wrapped, (i, [21, -1])).tolist() == [1 * 30 + 21, 19 * 30 + 29]


class TestSorting:
    def test_sort_and_argsort(self):
        x = T.dmatrix("x")
        a = RNG.randn(4, 5)
        got = run([T.sort(x), T.sort(x, axis=0), T.sort(x, axis=None), T.argsort(x, axis=0),
                   T.argsort(x, axis=None)], (x, a))  # fmt: skip
        close(got, [np.sort(a), np.sort(a, 0), np.sort(a, None), a.argsort(0), a.argsort(None)])

    @pytest.mark.parametrize("k", [1, 3, -2, 5])
    def test_the_largest(self, k):
        x = T.dmatrix("x")
        a = RNG.randn(4, 5)
        values, where = T.topk_and_argtopk(x, k, sorted=False)
        got = run([values, where, T.topk(x, k, sorted=False), T.argtopk(x, k, sorted=False)],
                  (x, a))  # fmt: skip
        order = np.sort(a, 1)
        want = order[:, -k:] if k > 0 else order[:, :-k]
        np.testing.assert_allclose(np.sort(got[0], 1), want)
        np.testing.assert_allclose(np.sort(got[2], 1), want)
        np.testing.assert_allclose(np.take_along_axis(a, got[1], 1), got[0])
        np.testing.assert_array_equal(np.sort(got[1], 1), np.sort(got[3], 1))


class TestFourier:
    def test_there_and_back(self):
        x = T.dmatrix("x")
        a = RNG.randn(2, 8)
        box = fft.rfft(x)
        got = run([box, fft.irfft(box), fft.rfft(x, norm="ortho"), fft.rfft(x, norm="no_norm")],
                  (x, a))  # fmt: skip
        want = np.fft.rfft(a)
        np.testing.assert_allclose(got[0][..., 0], want.real, atol=1e-6)
        np.testing.assert_allclose(got[0][..., 1], want.imag, atol=1e-6)
        np.testing.assert_allclose(got[1], a, atol=1e-6)
        np.testing.assert_allclose(got[2][..., 0], np.fft.rfft(a, norm="ortho").real, atol=1e-6)
        np.testing.assert_allclose(got[3], got[0])

    def test_odd_lengths_and_more_dimensions(self):
        x = T.dtensor3("x")
        a = RNG.randn(2, 4, 5)
        box = fft.rfft(x)
        got = run([box, fft.irfft(box, is_odd=True)], (x, a))
        want = np.fft.rfftn(a, axes=(1, 2))
        np.testing.assert_allclose(got[0][..., 0], want.real, atol=1e-6)
        np.testing.assert_allclose(got[0][..., 1], want.imag, atol=1e-6)
        np.testing.assert_allclose(got[1], a, atol=1e-6)

    def test_gradient(self):
        x = T.dmatrix("x")
        a = RNG.randn(2, 6)
        weights = RNG.randn(2, 4, 2)
        cost = (fft.rfft(x) * weights).sum()
        g = run(T.grad(cost, x), (x, a))
        want = np.zeros_like(a)
        for i in np.ndindex(*a.shape):
            e = np.zeros_like(a)
            e[i] = 1
            f = np.fft.rfft(e)
            want[i] = (np.stack([f.real, f.imag], -1) * weights).sum()
        np.testing.assert_allclose(g, want, atol=1e-6)


def test_arrays_from_files(tmp_path):
    # library/tensor/io
    file = tmp_path / "x.npy"
    np.save(file, np.arange(6.0).reshape(2, 3))
    path = theano.Variable(theano.gof.generic)
    loaded = T.load(path, "float64", (False, False))
    got = theano.function([path], loaded * 2)(str(file))
    np.testing.assert_array_equal(got, np.arange(6.0).reshape(2, 3) * 2)


def test_utils():
    from theano.tensor.utils import hash_from_ndarray, shape_of_variables

    assert hash_from_ndarray(np.arange(3)) == hash_from_ndarray(np.arange(3))
    assert hash_from_ndarray(np.arange(3)) != hash_from_ndarray(np.arange(3.0))
    assert hash_from_ndarray(np.zeros((2, 3))) != hash_from_ndarray(np.zeros((3, 2)))
    x = T.dmatrix("x")
    y = x[300:]
    y.name = "y"
    graph = theano.FunctionGraph([x], [y], clone=False)
    assert shape_of_variables(graph, {x: (1024, 1024)})[y] == (724, 1024)
