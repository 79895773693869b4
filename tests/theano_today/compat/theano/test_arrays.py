"""Theano's Python code that calls what NumPy changed, against NumPy itself and recorded results."""

import hashlib
import warnings

import numpy as np
import pytest

import theano_today  # noqa: F401

# Theano 1.0.5 on NumPy 1.19.5 (Debian 11), for what TestFFT.test_recorded computes.
RECORDED_FFT = [
    [
        "0x1.0cccce0000000p+1",
        "0x0.0p+0",
        "-0x1.271d080000000p-2",
        "0x1.c59d4c0000000p+0",
        "-0x1.060b180000000p-1",
        "-0x1.c0a4ee0000000p+1",
        "0x1.e000000000000p+2",
        "0x0.0p+0",
        "0x1.398c480000000p+1",
        "0x1.e32dda0000000p+2",
        "-0x1.d98c480000000p+1",
        "0x1.3308660000000p+2",
    ],
    [
        "0x1.03058c0000000p-2",
        "-0x1.dd36e00000000p-3",
        "0x1.15114a0000000p-1",
        "0x1.89f6700000000p+0",
        "0x1.1663120000000p+1",
        "-0x1.f32b200000000p-1",
        "-0x1.1949b00000000p-2",
        "0x1.a4c8760000000p+2",
    ],
]


@pytest.fixture(autouse=True)
def no_warnings():
    """None of these says anything: what is deprecated today is gone tomorrow."""
    import theano
    import theano.gpuarray
    import theano.tensor.fourier
    import theano.tensor.nnet.conv3d2d  # noqa: F401

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def in_python(inputs, outputs):
    import theano

    return theano.function(inputs, outputs, mode=theano.Mode("py", None))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "float32"])
def test_functions_of_small_integers_are_float32(dtype):
    import theano.tensor as T

    one = T.TensorType(dtype, (False,))()
    names = "log log2 log10 log1p exp exp2 expm1 sqrt deg2rad rad2deg cos arccos sin arcsin tan"
    names += " arctan cosh sinh arcsinh tanh"
    value = np.array([1, 0, 1], dtype)
    outputs = [getattr(T, name)(one) for name in names.split()]
    outputs += [T.nnet.sigmoid(one), T.nnet.softplus(one), T.arctan2(one, one), T.arccosh(one + 1)]
    got = in_python([one], outputs)(value)
    for out, result in zip(outputs, got, strict=True):
        node = out.owner
        assert result.dtype == out.dtype == "float32", node
        # Theano's own sigmoid of a uint8 negates it as one.
        if node.inputs == [one] and (dtype, node.op) != ("uint8", T.nnet.sigmoid):
            single = node.op.scalar_op.impl(value[0])
            np.testing.assert_allclose(single, result[0], rtol=1e-6, err_msg=str(node))
            assert np.asarray(single).dtype != "float16"
    exact = [getattr(np, name)(value.astype("float64")) for name in names.split()]
    for name, one_result, right in zip(names.split(), got, exact, strict=False):
        np.testing.assert_allclose(one_result, right, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("steer", ["zero_grad_", "consider_constant_"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_that_is_zero(steer, dtype):
    from theano import gradient
    from theano import tensor as T

    x = T.vector("x", dtype)
    steered = getattr(gradient, steer)(T.exp(x))
    slope = T.grad(T.sum(x**2 + steered * x), x)
    assert slope.dtype == dtype
    values = np.array([0.5, -1.5], dtype)
    [got] = in_python([x], [slope])(values)
    np.testing.assert_allclose(got, 2 * values + np.exp(values), rtol=1e-6)


def test_ceil_intdiv():
    import theano.tensor as T
    from theano.tensor.nnet.neighbours import images2neibs

    x, y = T.lvector(), T.iscalar()
    out = T.ceil_intdiv(x, y)
    assert out.dtype == "int64"
    assert in_python([x, y], out)([0, 1, 3, 4, -1, 9], 3).tolist() == [0, 1, 1, 2, 0, 3]
    # images2neibs asks it for shapes
    image = T.tensor4()
    neighbours = images2neibs(image, (3, 3), mode="wrap_centered")
    shape = in_python([image], neighbours.shape)(np.zeros((1, 1, 5, 5), "float32"))
    assert shape.tolist() == [4, 9]


class TestUnique:
    @pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 2, 3), (0,), ()])
    def test_the_inverse_is_a_vector(self, shape):
        import theano.tensor as T
        from theano.tensor.extra_ops import Unique

        value = np.random.RandomState(0).randint(0, 4, shape).astype("float32")
        x = T.TensorType("float32", (False,) * len(shape))()
        outputs = Unique(return_index=True, return_inverse=True, return_counts=True)(x)
        values, index, inverse, counts = in_python([x], outputs)(value)
        assert [v.ndim for v in (values, index, inverse, counts)] == [1, 1, 1, 1]
        np.testing.assert_array_equal(values, sorted(set(value.ravel().tolist())))
        np.testing.assert_array_equal(values[inverse], value.ravel())
        np.testing.assert_array_equal(value.ravel()[index], values)
        assert counts.tolist() == [np.sum(value == v) for v in values]

    def test_along_an_axis(self):
        import theano.tensor as T
        from theano.tensor.extra_ops import Unique

        value = np.array([[1, 2], [0, 5], [1, 2]], "float32")
        x = T.matrix()
        for axis, wanted in ((0, [1, 0, 1]), (1, [0, 1])):
            values, inverse = in_python([x], Unique(return_inverse=True, axis=axis)(x))(value)
            assert inverse.tolist() == wanted
            np.testing.assert_array_equal(np.take(values, inverse, axis), value)

    def test_each_nan_is_a_value(self):
        import theano.tensor as T
        from theano.tensor.extra_ops import Unique

        x = T.matrix()
        value = np.array([[2, np.nan, 1], [np.nan, 2, 2]], "float32")
        outputs = in_python([x], Unique(True, True, True)(x))(value)
        wanted = [[1, 2, np.nan, np.nan], [2, 0, 1, 3], [1, 2, 0, 3, 1, 1], [1, 3, 1, 1]]
        for one, other in zip(outputs, wanted, strict=True):
            np.testing.assert_array_equal(one, other)


class TestFFT:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_computed_in_double_precision(self, dtype):
        import theano.tensor as T
        from theano.tensor import fft

        x = T.TensorType(dtype, (False,) * 3)()
        there = fft.rfft(x)
        run = in_python([x], [there, fft.rfft(x, norm="ortho"), fft.irfft(there)])
        for size in ((2, 5, 4), (1, 8, 7), (3, 1, 2)):
            value = np.random.RandomState(1).normal(size=size).astype(dtype)
            outputs = run(value)
            exact = np.fft.rfftn(value.astype("float64"), axes=(1, 2))
            as_reals = np.stack([exact.real, exact.imag], -1).astype(dtype)
            np.testing.assert_array_equal(outputs[0], as_reals)
            scaled = as_reals / np.sqrt(np.prod(size[1:]))
            np.testing.assert_allclose(outputs[1], scaled, rtol=1e-6)
            if size[2] % 2 == 0:
                np.testing.assert_allclose(outputs[2], value, atol=1e-6)
            assert {out.dtype.name for out in outputs[:1]} == {dtype}

    def test_recorded(self):
        # Theano 1.0.5 on NumPy 1.19.5
        import theano.tensor as T
        from theano.tensor import fft

        x = T.matrix()
        value = np.array([[0.1, 0.7, -1.3, 2.2, 0.4], [1, -1, 0.3, 0.2, 7]], "float32")
        there = fft.rfft(x)
        outputs = in_python([x], [there, fft.irfft(there)])(value)
        assert [[v.hex() for v in out.ravel().tolist()] for out in outputs] == RECORDED_FFT

    def test_fourier_is_complex128(self):
        import theano.tensor as T
        from theano.tensor import fourier

        x = T.matrix()
        value = np.random.RandomState(1).normal(size=(3, 4)).astype("float32")
        for axis in (0, 1):
            got = in_python([x], fourier.fft(x, 4, axis))(value)
            assert got.dtype == np.complex128
            np.testing.assert_array_equal(got, np.fft.fft(value.astype("complex128"), 4, axis))


def test_real_eigenvalues_are_real(monkeypatch):
    import theano.tensor as T
    from theano.tensor import nlinalg

    eig = np.linalg.eig

    def as_numpy_2_5_does(a):
        return [part.astype("complex128") for part in eig(a)]

    value = np.array([[2, 1], [0, 3]], "float32")
    x = T.matrix()
    for always_complex in (False, True):
        if always_complex:
            monkeypatch.setattr(np.linalg, "eig", as_numpy_2_5_does)
        values, vectors = in_python([x], nlinalg.eig(x))(value)
        assert (values.dtype, vectors.dtype) == ("float32", "float32")
        np.testing.assert_allclose(value @ vectors, values * vectors, rtol=1e-6)


def test_complex_eigenvalues_still_lose_their_imaginary_part_audibly():
    import theano.tensor as T
    from theano.tensor import nlinalg

    x = T.matrix()
    with pytest.warns(np.exceptions.ComplexWarning):
        in_python([x], nlinalg.eig(x))(np.array([[0, 1], [-1, 0]], "float32"))


def test_solve_decomposes_into_lu():
    import scipy.linalg
    import theano.tensor as T
    from theano.tensor import slinalg

    A, b = T.dmatrix(), T.dvector()
    run = in_python([A, b], slinalg.solve(A, b))
    random = np.random.RandomState(0)
    values = random.normal(size=(6, 6))
    right = random.normal(size=6)
    for matrix in (values @ values.T, np.triu(values), np.tril(values), np.diag(right), values):
        wanted = scipy.linalg.lu_solve(scipy.linalg.lu_factor(matrix), right)
        np.testing.assert_array_equal(run(matrix, right), wanted)


def test_conv3d2d():
    import theano.tensor as T
    from theano.tensor.nnet.conv3d2d import DiagonalSubtensor, IncDiagonalSubtensor

    x, y = T.tensor3(), T.tensor3()
    value = np.arange(24, dtype="float32").reshape(4, 2, 3)
    diagonal, added = in_python(
        [x, y], [DiagonalSubtensor()(x, 0, 1), IncDiagonalSubtensor()(x, 0, 1, y)]
    )(value, np.ones((3, 2, 3), "float32"))
    # Along the second axis the first one is shifted: x[i + 1 - j, j]
    wanted = value.copy()
    for i in range(3):
        for j in range(2):
            np.testing.assert_array_equal(diagonal[i, j], value[i + 1 - j, j])
            wanted[i + 1 - j, j] += 1
    np.testing.assert_array_equal(added, wanted)


def test_a_column_in_front():
    import theano
    import theano.tensor as T
    from theano.tensor.nnet import nnet

    x, y = T.matrix(), T.scalar()
    run = in_python(
        [x, y],
        [
            nnet.Prepend_scalar_to_each_row()(y, x),
            nnet.Prepend_scalar_constant_to_each_row(theano.scalar.constant(4.0, dtype="float32"))(
                x
            ),
        ],
    )
    for rows in (2, 5, 3):  # what one call returned is not touched by the next
        value = np.full((rows, 2), rows, "float32")
        variable, constant = run(value, 7)
        assert variable.tolist() == [[7, rows, rows]] * rows
        assert constant.tolist() == [[4, rows, rows]] * rows


def test_hex_digest():
    from theano.printing import hex_digest

    x = np.arange(6, dtype="float32").reshape(2, 3)
    # Recorded with Theano 1.0.5 on NumPy 1.19.5
    assert hex_digest(x).startswith(hashlib.sha256(x.tobytes()).hexdigest())
    assert hex_digest(x).endswith("|strides=[12,4]|shape=[2,3]")


def test_gemm_of_numbers_alone():
    # Not reached by T.dot, but Gemm.perform has a branch for it.
    from theano.tensor.blas import gemm_inplace

    z, out = np.array(3.0), [None]
    values = [z, *(np.array(v) for v in (2.0, 5.0, 7.0, 0.5))]
    gemm_inplace.perform(
        None,
        values,
        [out],
        gemm_inplace.params_type.filter_params
        if hasattr(gemm_inplace.params_type, "filter_params")
        else gemm_inplace,
    )
    assert out[0] is z
    assert z == 3 * 2 + 0.5 * 5 * 7


def test_a_number_changed_in_place_in_debugmode():
    import theano
    import theano.tensor as T
    from theano.compile.debugmode import DebugMode

    total = theano.shared(np.float64(1))
    x = T.dscalar()
    step = theano.function(
        [x],
        total * 2,
        updates=[(total, total + x)],
        mode=DebugMode(check_c_code=False, optimizer="fast_run"),
    )
    assert step(3) == 2
    assert step(3) == 8
    assert total.get_value() == 7
