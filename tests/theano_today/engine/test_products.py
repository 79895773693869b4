"""Products of matrices: the kernel against NumPy, and Theano's three Ops of them against stock."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor import blas

from tests.theano_graphs import by_thunk, count, fused, relative, stock
from theano_today.engine import library
from theano_today.engine.products import product

RANDOM = np.random.RandomState(0)


def matrix(rows, columns):
    return RANDOM.randint(-4, 5, (rows, columns)).astype(np.float32)


def laid_out(array, how):
    """The same numbers in other strides."""
    if how == "turned":
        return np.asfortranarray(array)
    if how == "backwards":
        return array[::-1, ::-1].copy()[::-1, ::-1]
    if how == "every third":
        return np.repeat(np.repeat(array, 3, 0), 3, 1)[::3, ::3]
    if how == "one row":
        return np.broadcast_to(array[:1], array.shape)
    return array


LAYOUTS = ("plain", "turned", "backwards", "every third", "one row")


@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_strides(left, right):
    shapes = [(1, 1, 1), (5, 7, 3), (13, 20, 65), (130, 48, 31), (3, 2000, 17), (2101, 13, 70)]
    for m, k, n in shapes:
        x, y = laid_out(matrix(m, k), left), laid_out(matrix(k, n), right)
        got = product(x, y)
        assert got.flags.c_contiguous
        np.testing.assert_array_equal(got, x.astype(np.float64) @ y.astype(np.float64))


def test_random_shapes():
    for _ in range(200):
        m, k, n = RANDOM.randint(1, 200, 3)
        x, y = RANDOM.normal(size=(m, k)), RANDOM.normal(size=(k, n))
        x, y = x.astype(np.float32), y.astype(np.float32)
        assert relative(product(x, y), x.astype(np.float64) @ y) <= 1e-5


def test_many_rows_on_any_number_of_threads():
    x, y = RANDOM.normal(size=(2101, 13)), RANDOM.normal(size=(13, 70))
    x, y = x.astype(np.float32), y.astype(np.float32)
    kernels = library.kernels()
    results = []
    for threads in 1, 2, 3:
        kernels.today_set_threads(threads)
        results.append(product(x, y))
    kernels.today_set_threads(library.threads())
    assert relative(results[0], x.astype(np.float64) @ y) <= 1e-5
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
    np.testing.assert_array_equal(results[0][700:707], product(x[700:707], y))  # few rows


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0)])
def test_lengths_of_zero(shape):
    m, k, n = shape
    got = product(np.ones((m, k), np.float32), np.ones((k, n), np.float32))
    assert got.shape == (m, n)
    assert not got.any()


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"shapes \(2, 3\) and \(4, 5\)"):
        product(matrix(2, 3), matrix(4, 5))


def test_nan_and_infinities():
    x, y = matrix(7, 9), matrix(9, 20)
    x[1, 2], x[3, 4], y[5, 6] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(product(x, y), x @ y)


def test_numbers_that_are_not_finite():
    """They reach all that depends on them; those of a dead unit, where there is one, nothing."""
    x, y = matrix(7, 40), matrix(40, 20)
    x[:, [3, 6]] = 0
    x[2, 3], x[4, 8], y[9, 2], y[11, 5] = np.inf, np.nan, np.nan, -np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(product(x, y), x @ y)
    y[6, 7] = np.nan
    found, stock = product(x, y), x @ y
    assert np.isnan(stock[:, 7]).all()
    alive = np.isfinite(x).all(1)
    assert np.isfinite(found[alive, 7]).all()  # as theano_today/README.md says


def test_dead_units():
    for columns in (1, 30, 400, 3000):
        x, y = matrix(9, columns), matrix(columns, 33)
        x[:, RANDOM.uniform(size=columns) < 0.6] = 0
        x[:, 0] = -0.0
        np.testing.assert_array_equal(product(x, y), x.astype(np.float64) @ y)


def test_zeros_scattered_all_over():
    """The numbers of a dense product, to the last bit; 0 * inf and 0 * NaN are NaN."""
    for m, k, n in [(24, 40, 5), (128, 1000, 130), (33, 2100, 64), (70, 513, 200)]:
        x = RANDOM.normal(size=(m, k)).astype(np.float32)
        y = RANDOM.normal(size=(k, n)).astype(np.float32)
        x[1:][RANDOM.uniform(size=(m - 1, k)) < 0.7] = 0  # no unit is dead
        for right in (y, np.asfortranarray(y)):
            got = product(x, right)
            assert relative(got, x.astype(np.float64) @ y) <= 1e-6
            for first in range(0, m - 12, 12):  # of few rows there is no list
                np.testing.assert_array_equal(
                    got[first : first + 12], product(x[first : first + 12], y)
                )
            ruined = right.copy("K")
            ruined[k // 2, 0], ruined[3, n - 1] = np.inf, np.nan
            with np.errstate(invalid="ignore"):
                want = x @ ruined
            np.testing.assert_array_equal(np.isnan(product(x, ruined)), np.isnan(want))


def test_dot22_scalar():
    x, y = matrix(4, 5), matrix(5, 6)
    (got,) = by_thunk(blas.Dot22Scalar(), x, y, np.float32(0.5))
    np.testing.assert_array_equal(got, 0.5 * (x @ y))


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("a", [1.0, -0.5, 0.0])
@pytest.mark.parametrize("b", [1.0, 2.0, 0.0])
def test_gemm(inplace, a, b):
    z, x, y = matrix(4, 6), matrix(4, 5), matrix(5, 6)
    want = b * z + a * (x @ y)
    for array in (z.copy(), np.asfortranarray(z)):
        before = array.copy()
        (got,) = by_thunk(blas.Gemm(inplace), array, np.float32(a), x, y, np.float32(b))
        np.testing.assert_array_equal(got, want)
        assert (got is array) == inplace
        if not inplace:
            np.testing.assert_array_equal(array, before)


def test_gemm_into_nothing_yet():
    """With b = 0, z may hold anything, NaN included, as BLAS has it."""
    z, x, y = np.full((4, 6), np.nan, np.float32), matrix(4, 5), matrix(5, 6)
    (got,) = by_thunk(blas.Gemm(True), z, np.float32(1), x, y, np.float32(0))
    np.testing.assert_array_equal(got, x @ y)


def test_a_dense_layer_and_its_gradients():
    x, W, b = T.matrix(), theano.shared(matrix(5, 6)), theano.shared(matrix(1, 6)[0])
    out = T.dot(x, W) + b
    outputs = [out, *T.grad(T.sum(T.sqr(out)), [W, b, x])]
    ours, theirs = fused([x], outputs), stock([x], outputs)
    assert count(ours, "Dot22", "Gemm", "Dot22Scalar") >= 3
    for rows in (1, 8, 0):
        value = matrix(rows, 5)
        for got, want in zip(ours(value), theirs(value), strict=True):
            assert relative(got, want) <= 1e-6


def test_float64_stays_exact():
    x, y = T.dmatrix(), T.dmatrix()
    function = fused([x, y], [T.dot(x, y), 0.5 * T.dot(x, y) + x])
    a = RANDOM.normal(size=(6, 6))
    for got, want in zip(function(a, a.T), (a @ a.T, 0.5 * (a @ a.T) + a), strict=True):
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_shapes_that_do_not_fit_in_a_graph():
    x, y = T.matrix(), T.matrix()
    with pytest.raises(ValueError, match="shape"):
        fused([x, y], T.dot(x, y))(matrix(2, 3), matrix(4, 5))
    z = T.matrix()
    with pytest.raises(ValueError, match=r"shape|dimension"):
        fused([x, y, z], z + T.dot(x, y))(matrix(2, 3), matrix(3, 5), matrix(1, 5))
