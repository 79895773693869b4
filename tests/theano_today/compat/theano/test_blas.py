"""Ops whose C code calls BLAS, without a BLAS to link to, against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import theano_today  # noqa: F401  (first: it mends what follows)

import theano  # isort: skip
import theano.sparse
import theano.tensor as T
from scipy import sparse
from theano.tensor.blas import BatchedDot

from tests.theano_graphs import by_perform, engine

DTYPES = ["float32", "float64", "float16", "int8", "int32", "uint64", "complex64", "complex128"]


def array(shape, dtype, seed=0):
    random = np.random.RandomState(seed)
    values = random.uniform(-4, 4, size=shape)
    if dtype.startswith("complex"):
        values = values + 1j * random.uniform(-4, 4, size=shape)
    return np.abs(values).astype(dtype) if dtype.startswith("u") else values.astype(dtype)


def one_by_one(x, y):
    """The definition: dot(x[i], y[i]) for each i."""
    shape = (len(x), *x.shape[1:-1], *y.shape[2:])
    products = [np.dot(a, b) for a, b in zip(x, y, strict=True)]
    return np.array(products, np.result_type(x, y)).reshape(shape)


def close(got, want):
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    if want.dtype.kind in "fc":
        tolerance = {"float16": 1e-2, "float32": 1e-5, "complex64": 1e-5}.get(
            str(want.dtype), 1e-12
        )
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=10 * tolerance)
    else:
        np.testing.assert_array_equal(got, want)


SHAPES = [
    ((3, 2, 4), (3, 4, 5)),
    ((3, 4), (3, 4, 5)),
    ((3, 2, 4), (3, 4)),
    ((3, 4), (3, 4)),
    ((1, 2, 4), (1, 4, 5)),
    ((3, 1, 1), (3, 1, 1)),
    ((0, 2, 4), (0, 4, 5)),
    ((3, 0, 4), (3, 4, 5)),
    ((3, 2, 0), (3, 0, 5)),
    ((3, 0), (3, 0)),
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_batched_dot_of_all_dtypes_and_shapes(dtype):
    for x_shape, y_shape in SHAPES:
        x, y = array(x_shape, dtype, 1), array(y_shape, dtype, 2)
        close(by_perform(BatchedDot(), x, y)[0], one_by_one(x, y))


def test_batched_dot_of_all_strides():
    cut = (slice(None), slice(None, None, 2), slice(None, None, -1))
    views = [
        lambda a: a,
        lambda a: a.swapaxes(1, 2).copy().swapaxes(1, 2),
        lambda a: np.repeat(np.repeat(a, 2, 1), 2, 2)[:, ::2, ::2],
        lambda a: a[:, ::-1, ::-1].copy()[:, ::-1, ::-1],
        lambda a: np.broadcast_to(a[:1], a.shape),
        lambda a: np.broadcast_to(a[:, :, :1], a.shape),
        lambda a: a[::-1],
    ]
    x, y = array((3, 4, 6), "float32", 1), array((3, 6, 5), "float32", 2)
    for first, second in itertools.product(views, views):
        close(by_perform(BatchedDot(), first(x), second(y))[0], one_by_one(first(x), second(y)))
    assert x[cut].shape == (3, 2, 6)


@pytest.mark.parametrize("how", ["fused", pytest.param("stock", marks=pytest.mark.long)])
def test_batched_dot_compiled_with_gradients(how):
    pairs = [("float32", "float32"), ("float32", "int8"), ("float64", "float32")]
    ranks = [(1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3)]
    inputs, outputs, expected, arrays = [], [], [], []
    for (one, other), (m, n) in itertools.product(pairs, ranks):
        x, y = T.TensorType(one, (False,) * m)(), T.TensorType(other, (False,) * n)()
        a = array((3, 2, 4)[:m] if m != 2 else (3, 4), one, 1)
        b = array((3, 4, 5)[:n], other, 2)
        z = T.batched_dot(x, y)
        inputs += [x, y]
        arrays += [a, b]
        if m == 1 or n == 1:
            want = (
                a.reshape(-1, *[1] * (n - 1)) * b if m == 1 else a * b.reshape(-1, *[1] * (m - 1))
            )
        else:
            want = one_by_one(a, b)
        outputs += [z, z.shape]
        expected += [want, np.array(want.shape)]
        # d sum(z * c) / d x at a, by the linearity of z in x: sum(batched_dot(d, b) * c)
        c = array(want.shape, str(want.dtype), 3)
        direction = array(a.shape, one, 4)
        outputs += [(T.grad((z * c).sum(), x) * direction).sum()]
        if m == 1:
            along = direction.reshape(-1, *[1] * (n - 1)) * b
        elif n == 1:
            along = direction * b.reshape(-1, *[1] * (m - 1))
        else:
            along = one_by_one(direction, b)
        expected += [np.asarray((along * c).sum(dtype="float64"))]
    with engine(how):
        got = theano.function(inputs, outputs)(*arrays)
    for one, want in zip(got, expected, strict=True):
        assert one.shape == want.shape
        np.testing.assert_allclose(one, want, rtol=1e-4, atol=1e-4)


def test_batched_tensordot_of_many_axes():
    x, y = array((3, 2, 4, 5), "float32", 1), array((3, 5, 6, 4), "float32", 2)
    a, b = T.ftensor4(), T.ftensor4()
    outputs = [
        T.batched_tensordot(a, b, [[2, 3], [3, 1]]),
        T.batched_dot(a, b.dimshuffle(0, 2, 1, 3)),
        T.grad(T.batched_tensordot(a, b, [[2, 3], [3, 1]]).sum(), a),
    ]
    first, second, gradient = theano.function([a, b], outputs)(x, y)
    close(first, np.einsum("nijk,nkmj->nim", x, y))
    close(second, np.einsum("nijk,nmkl->nijml", x, y.swapaxes(1, 2)))
    close(gradient, np.broadcast_to(np.einsum("nkmj->njk", y)[:, None], x.shape))


def test_batched_dot_of_sizes_that_differ():
    x, y = T.ftensor3(), T.ftensor3()
    f = theano.function([x, y], T.batched_dot(x, y))
    with pytest.raises(TypeError, match=r"shapes \(2, 2, 3\) and \(3, 3, 2\)"):
        f(array((2, 2, 3), "float32"), array((3, 3, 2), "float32"))
    with pytest.raises(ValueError, match="mismatch"):
        f(array((2, 2, 3), "float32"), array((2, 2, 2), "float32"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparse_product_added_to_a_matrix(dtype):
    a = theano.sparse.csc_matrix("a", dtype=dtype)
    y, z, alpha = T.matrix(dtype=dtype), T.matrix(dtype=dtype), T.matrix(dtype=dtype)
    f = theano.function(
        [alpha, a, y, z],
        theano.sparse.usmm(T.addbroadcast(alpha, 0, 1), a, y, z),
        mode=theano.Mode(optimizer="fast_run").excluding("fusion"),
    )
    assert "UsmmCscDense" in str(f.maker.fgraph.toposort())
    A = sparse.random(5, 4, 0.5, "csc", dtype=dtype, random_state=0)
    Y, Z, half = array((4, 7), dtype, 1), array((5, 7), dtype, 2), np.full((1, 1), 0.5, dtype)
    for y_, z_ in [
        (Y, Z),
        (Y[:, ::-1], Z[:, ::-1]),
        (np.asfortranarray(Y), Z[::-1]),
        (Y[:, ::2], Z[:, ::2]),
    ]:
        want = 0.5 * (A @ y_) + z_  # before: Theano adds to z in place, an argument or not
        np.testing.assert_allclose(f(half, A, y_, z_), want, rtol=1e-5)
