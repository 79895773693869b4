"""tutorial/sparse, library/sparse: formats, conversions, arithmetic, products, slices."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import scipy.sparse as sp
import theano
import theano.tensor as T
from theano import sparse
from theano.sparse.sandbox import sp2

DENSE = np.array([[0, 2, -1.5], [0, 0, 0], [300, 0, 4], [0, 5, 0]])
FORMATS = ["csc", "csr"]


def run(outputs, *pairs):
    """Evaluate `outputs` where each variable has the value beside it."""
    f = theano.function([v for v, _ in pairs], outputs, on_unused_input="ignore")
    return f(*[value for _, value in pairs])


def dense(value):
    return value.toarray() if sp.issparse(value) else value


def make(kind, dtype="float64", name="x"):
    return getattr(sparse, f"{kind}_matrix")(name, dtype=dtype)


def value(kind, dtype="float64"):
    return getattr(sp, f"{kind}_matrix")(DENSE.astype(dtype))


def test_types():
    assert set(sparse.all_dtypes) >= {"float32", "float64", "int8", "int64", "complex128"}
    x = make("csc", "float32")
    assert (x.type.format, x.dtype, x.ndim) == ("csc", "float32", 2)
    with pytest.raises(NotImplementedError, match="unsupported dtype"):
        sparse.csc_matrix("x", dtype="text")


@pytest.mark.parametrize("kind", FORMATS)
def test_to_and_fro(kind):
    x = make(kind)
    y = sparse.dense_from_sparse(x)
    z = getattr(sparse, f"{kind}_from_dense")(y)
    got = run([y, z, x.toarray()], (x, value(kind)))
    np.testing.assert_array_equal(got[0], DENSE)
    np.testing.assert_array_equal(got[2], DENSE)
    assert (sp.issparse(got[1]), got[1].format) == (True, kind)
    np.testing.assert_array_equal(got[1].toarray(), DENSE)


@pytest.mark.parametrize("kind", FORMATS)
def test_properties_and_construction(kind):
    x = make(kind)
    data, indices, indptr, shape = sparse.csm_properties(x)
    other = sparse.CSR if kind == "csc" else sparse.CSC
    y = other(data, indices, indptr, shape[::-1])
    got = run([data, indices, indptr, shape, y, x.shape], (x, value(kind)))
    want = value(kind)
    for g, w in zip(got, [want.data, want.indices, want.indptr, want.shape], strict=False):
        np.testing.assert_array_equal(g, w)
    np.testing.assert_array_equal(got[4].toarray(), DENSE.T)
    assert list(got[5]) == [4, 3]


@pytest.mark.parametrize("kind", FORMATS)
def test_arithmetic(kind):
    x, d = make(kind), T.dmatrix("d")
    other = np.arange(12.0).reshape(4, 3)
    v, r = T.dvector("v"), T.dvector("r")
    outputs = [
        x + x, x - x, -x, x * x, x * d, x + d, x * 300.0, x.T, sparse.col_scale(x, v),
        sparse.row_scale(x, r), sparse.sp_sum(x), sparse.sp_sum(x, axis=0),
        sparse.sp_sum(x, axis=1),
        sparse.structured_add(x, 2), sparse.structured_exp(x), sparse.structured_sigmoid(x),
        sparse.structured_pow(x, 2.0), sparse.structured_maximum(x, 1.0), sparse.sqr(x),
        sparse.sgn(x), sparse.ceil(x), sparse.tanh(x), sparse.sin(x), sparse.cast(x, "float32"),
        sparse.sp_ones_like(x), sparse.sp_zeros_like(x), sparse.hstack([x, x]),
        sparse.vstack([x, x]),
        sparse.remove0(x - x),
    ]  # fmt: skip
    a, there = DENSE, DENSE != 0
    c, rr = np.array([1.0, -2, 3]), np.array([1.0, 0, -1, 2])
    got = run(outputs, (x, value(kind)), (d, other), (v, c), (r, rr))
    want = [
        a + a, a * 0, -a, a * a, a * other, a + other, a * 300, a.T, a * c, a * rr[:, None],
        a.sum(), a.sum(0), a.sum(1), np.where(there, a + 2, 0), np.where(there, np.exp(a), 0),
        np.where(there, 1 / (1 + np.exp(-a)), 0), a**2, np.where(there, np.maximum(a, 1), 0), a**2,
        np.sign(a), np.ceil(a), np.tanh(a), np.sin(a), a.astype("float32"), there * 1.0, a * 0,
        np.hstack([a, a]), np.vstack([a, a]), a * 0,
    ]  # fmt: skip
    for o, g, w in zip(outputs, got, want, strict=True):
        np.testing.assert_allclose(dense(g), w, rtol=1e-12, err_msg=str(o.owner.op))
    assert got[23].dtype == "float32"
    assert got[28].nnz == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_products(kind):
    x, d, y = make(kind), T.dmatrix("d"), make(kind, name="y")
    other = np.arange(6.0).reshape(3, 2)
    small = DENSE[:3, :3]
    outputs = [
        sparse.dot(x, d), sparse.dot(d.T, x.T), sparse.structured_dot(x, d),
        sparse.structured_dot(x, y), sparse.true_dot(x, y), sparse.basic.dot(x, y),
    ]  # fmt: skip
    second = getattr(sp, f"{kind}_matrix")(small)
    got = run(outputs, (x, value(kind)), (d, other), (y, second))
    want = [DENSE @ other, other.T @ DENSE.T, DENSE @ other, *[DENSE @ small] * 3]
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(dense(g), w)
    assert sp.issparse(got[3])
    assert sp.issparse(got[4])
    assert isinstance(got[0], np.ndarray)


def test_sampled_products():
    p, a, b = make("csr", name="p"), T.dmatrix("a"), T.dmatrix("b")
    pattern = sp.csr_matrix((DENSE != 0).astype(float))
    u, v = np.arange(8.0).reshape(4, 2), np.arange(6.0).reshape(3, 2) - 2
    got = run(sparse.sampling_dot(a, b, p), (p, pattern), (a, u), (b, v))
    np.testing.assert_allclose(got.toarray(), (u @ v.T) * (DENSE != 0))


def test_a_gemm_of_sparse_matrices():
    x, d, z = make("csc"), T.dmatrix("d"), T.dmatrix("z")
    other, start = np.arange(6.0).reshape(3, 2), np.ones((4, 2))
    got = run(z - 0.5 * sparse.dot(x, d), (x, value("csc")), (d, other), (z, start))
    np.testing.assert_allclose(got, start - 0.5 * DENSE @ other)


def test_slices_and_diagonals():
    x = make("csr")
    square = make("csc", name="s")
    diagonal = sparse.diag(square)
    got = run([x[2, 0], x[1:3, 0:2], diagonal, sparse.square_diagonal(diagonal), x[2:300]],
              (x, value("csr")), (square, sp.csc_matrix(DENSE[:3])))  # fmt: skip
    assert float(got[0]) == 300
    np.testing.assert_array_equal(got[1].toarray(), DENSE[1:3, :2])
    np.testing.assert_array_equal(got[2], DENSE[:3].diagonal())
    np.testing.assert_array_equal(got[3].toarray(), np.diag(DENSE[:3].diagonal()))
    np.testing.assert_array_equal(got[4].toarray(), DENSE[2:])


def test_comparisons():
    x, y = make("csr"), make("csr", name="y")
    other = sp.csr_matrix(DENSE * [1, 0, 2])
    ops = {"eq": np.equal, "neq": np.not_equal, "gt": np.greater, "lt": np.less,
           "ge": np.greater_equal, "le": np.less_equal}  # fmt: skip
    got = run([getattr(sparse, n)(x, y) for n in ops], (x, value("csr")), (y, other))
    for (name, f), g in zip(ops.items(), got, strict=True):
        np.testing.assert_array_equal(
            dense(g).astype(bool), f(DENSE, other.toarray()), err_msg=name
        )


def test_gradients_structured_and_not():
    x, d = make("csr"), T.dmatrix("d")
    other = np.arange(6.0).reshape(3, 2)
    regular = T.grad(sparse.dot(x, d).sum(), [d])[0]
    structured, by_d = T.grad(sparse.structured_dot(x, d).sum(), [x, d])
    whole = T.grad(sparse.sp_sum(sparse.sqr(x), sparse_grad=True), x)
    got = run([regular, structured, by_d, whole], (x, value("csr")), (d, other))
    want = np.repeat(DENSE.sum(0)[:, None], 2, 1)
    np.testing.assert_allclose(got[0], want)
    np.testing.assert_allclose(got[2], want)
    # Only where there are elements.
    np.testing.assert_allclose(got[1].toarray(), np.where(DENSE != 0, other.sum(1), 0))
    np.testing.assert_allclose(got[3].toarray(), 2 * DENSE)


def test_shared_sparse_matrices():
    s = theano.shared(value("csr"), name="s")
    assert s.type.format == "csr"
    x = T.dmatrix("x")
    f = theano.function([x], sparse.dot(s, x), updates=[(s, s * 2.0)])
    np.testing.assert_allclose(f(np.eye(3)), DENSE)
    np.testing.assert_allclose(f(np.eye(3)), 2 * DENSE)
    copy = s.get_value()
    copy.data[:] = 0
    np.testing.assert_allclose(s.get_value().toarray(), 4 * DENSE)


def test_an_embedding_with_a_sparse_gradient():
    w, i = theano.shared(np.arange(1000.0).reshape(500, 2)), T.lvector("i")
    g = T.grad((w[i] ** 2).sum(), w)
    got = theano.function([i], g)([300, 499, 300])
    want = np.zeros((500, 2))
    np.add.at(want, [300, 499, 300], 2 * np.arange(1000.0).reshape(500, 2)[[300, 499, 300]])
    np.testing.assert_allclose(got, want)
    s = theano.sparse_grad(w[i])
    sparse_g = T.grad((s**2).sum(), w)
    np.testing.assert_allclose(dense(theano.function([i], sparse_g)([300, 499, 300])), want)


def test_random_sparse_matrices():
    x = make("csr")
    got = run(sp2.poisson(x), (x, abs(value("csr"))))
    assert got.shape == (4, 3)
    assert (got.toarray()[DENSE == 0] == 0).all()
