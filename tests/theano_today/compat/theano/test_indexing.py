"""Pooling and top-k in Python, as mode=FAST_COMPILE and cxx= run them, and against C."""

import itertools

import numpy as np
import pytest

import theano_today  # noqa: F401

MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")
# Windows, strides, padding, ignore_border and the size of the image, by dimensions pooled.
GEOMETRIES = [
    ((2,), (2,), (0,), True, (5,)),
    ((3,), (2,), (1,), True, (7,)),
    ((3,), (1,), (0,), False, (5,)),
    ((2, 3), (2, 3), (0, 0), True, (5, 7)),
    ((2, 2), (2, 2), (0, 0), False, (5, 7)),
    ((3, 2), (1, 2), (2, 1), True, (4, 5)),
    ((2, 3), (3, 1), (0, 0), False, (4, 6)),
    ((1, 1), (1, 1), (0, 0), False, (3, 2)),
    ((2, 1, 2), (2, 1, 2), (0, 0, 0), False, (3, 2, 5)),
    ((2, 3, 2), (1, 2, 2), (1, 2, 0), True, (3, 4, 4)),
]
PYTHON = {"linker": "py", "optimizer": None}


def pooled_size(n, window, stride, pad, ignore_border):
    """The size that Theano's documentation of pool_2d states for one axis."""
    if ignore_border:
        return (n + 2 * pad - window) // stride + 1
    if stride >= window:
        return (n - 1) // stride + 1
    return max(0, (n - 1 - window + stride) // stride) + 1


def pooling_matrix(image, mode, ws, stride, pad, ignore_border):
    """Return the matrix that maps the raveled image to the raveled result, and its shape.

    Equal maxima each have a 1 in their row: that is what Theano's gradients see.
    """
    shape = tuple(map(pooled_size, image.shape, ws, stride, pad, [ignore_border] * image.ndim))
    rows = []
    for place in np.ndindex(shape):
        begins = [at * s for at, s in zip(place, stride, strict=True)]
        # A window at the far end is cut where the padded image ends.
        ends = [
            min(b + w, n + 2 * p)
            for b, w, n, p in zip(begins, ws, image.shape, pad, strict=True)
        ]  # fmt: skip
        inside = [
            [at - p for at in range(b, e) if 0 <= at - p < n]
            for b, e, n, p in zip(begins, ends, image.shape, pad, strict=True)
        ]
        members = list(itertools.product(*inside))
        row = np.zeros(image.shape)
        for member in members:
            row[member] = 1
        if mode == "max":
            row *= image == max(image[member] for member in members)
        elif mode == "average_inc_pad":
            row /= np.prod([e - b for b, e in zip(begins, ends, strict=True)])
        elif mode == "average_exc_pad":
            row /= len(members)
        rows.append(row.ravel())
    return np.array(rows), shape


def graph(mode, ws, stride, pad, ignore_border):
    """Return inputs x, g, v and pooling, its gradient along g, and that one's along v."""
    import theano
    import theano.tensor as T
    from theano.tensor.signal import pool

    x, g, v = (T.TensorType("float64", (False,) * (len(ws) + 1))(name) for name in "xgv")
    y = pool.Pool(ndim=len(ws), mode=mode, ignore_border=ignore_border)(x, ws, stride, pad)
    if mode == "average_exc_pad" and any(pad):
        return [x], [y]  # Theano has no gradient of it
    gx = theano.grad(None, x, known_grads={y: g})
    outputs = [y, gx, theano.grad((gx * v).sum(), g)]
    if mode == "max":
        outputs.append(T.Rop(y, x, v))
    return [x, g, v], outputs


def by_matrix(mode, values, *geometry):
    """What `graph` must give, by NumPy."""
    x, *rest = values
    results = []
    for number, image in enumerate(x):
        matrix, shape = pooling_matrix(image, mode, *geometry)
        # Of equal maxima one is the maximum.
        once = matrix / matrix.sum(axis=1, keepdims=True) if mode == "max" else matrix
        row = [(once @ image.ravel()).reshape(shape)]
        if rest:
            g, v = (array[number] for array in rest)
            row.append((matrix.T @ g.ravel()).reshape(image.shape))
            row.append((matrix @ v.ravel()).reshape(shape))
        results.append(row)
    return [np.array(column) for column in zip(*results, strict=True)]


def cases(ties):
    random = np.random.RandomState(5)
    for (*geometry, size), mode in itertools.product(GEOMETRIES, MODES):
        if ties and mode == "max" and any(geometry[2]):
            # Theano's MaxPoolGrad.perform looks past the end of a window that begins in the
            # padding, in contrast to its C code, and finds equal values there.
            continue
        size = (2, *size)
        x = random.randint(0, 3, size).astype("float64") if ties else random.normal(size=size)
        _, shape = pooling_matrix(x[0], mode, *geometry)
        yield mode, geometry, [x, random.normal(size=(2, *shape)), random.normal(size=size)]


@pytest.mark.parametrize("ties", [False, True])
def test_pooling_and_its_gradients_in_python(ties):
    import theano

    for mode, geometry, values in cases(ties):
        inputs, outputs = graph(mode, *geometry)
        values = values[: len(inputs)]
        got = theano.function(inputs, outputs, mode=theano.Mode(**PYTHON))(*values)
        for one, other in zip(got, by_matrix(mode, values, *geometry), strict=False):
            np.testing.assert_allclose(one, other, rtol=1e-12, err_msg=f"{mode} {geometry}")
        if mode == "max" and not ties:  # Rop: along v, where the maxima are
            np.testing.assert_allclose(got[3], got[2])


def test_average_without_padding_has_no_gradient_where_there_is_padding():
    import theano
    import theano.tensor as T
    from theano.tensor.signal import pool

    x = T.matrix()
    y = pool.pool_2d(x, (2, 2), ignore_border=True, pad=(1, 1), mode="average_exc_pad")
    gradient = theano.function([x], theano.grad(y.sum(), x), mode=theano.Mode(**PYTHON))
    with pytest.raises(NotImplementedError):
        gradient(np.ones((4, 4), "float32"))


@pytest.mark.long  # compiles some forty modules of C
def test_pooling_and_its_gradients_in_c():
    import theano

    for mode, geometry, values in cases(ties=True):
        inputs, outputs = graph(mode, *geometry)
        values = values[: len(inputs)]
        python, c = (
            theano.function(inputs, outputs, mode=theano.Mode(linker, optimizer=None))(*values)
            for linker in ("py", "c|py")
        )
        for one, other in zip(python, c, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, err_msg=f"{mode} {geometry}")


def test_pooling_in_the_modes_that_run_python():
    import theano
    import theano.tensor as T
    from theano.compile.debugmode import DebugMode
    from theano.tensor.signal.pool import pool_2d

    x = T.matrix()
    y = pool_2d(x, (2, 2), ignore_border=True)
    value = np.arange(24, dtype="float32").reshape(4, 6)
    for mode in ("FAST_COMPILE", DebugMode(check_c_code=False)):
        got, gradient = theano.function([x], [y, theano.grad(y.sum(), x)], mode=mode)(value)
        assert got.tolist() == [[7, 9, 11], [19, 21, 23]], mode
        np.testing.assert_array_equal(np.flatnonzero(gradient), [7, 9, 11, 19, 21, 23])


def largest(x, k, axis):
    """The |k| largest or, of a negative k, smallest along an axis, sorted."""
    x = np.sort(x, axis=axis)
    return np.take(x, range(-k, 0) if k > 0 else range(-k), axis=axis)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint16", "int64"])
def test_topk(dtype):
    import theano
    import theano.tensor as T

    random = np.random.RandomState(3)
    for shape in [(7,), (4, 5), (3, 1, 4)]:
        size = int(np.prod(shape))
        x = random.permutation(size * 3)[:size].reshape(shape).astype(dtype)
        symbol, k = T.TensorType(dtype, (False,) * x.ndim)(), T.iscalar()
        outputs, wanted = [], []
        for axis, index in itertools.product(range(-x.ndim, x.ndim), ("int64", "int16")):
            outputs += [
                T.topk(symbol, k, axis=axis, sorted=False),
                T.argtopk(symbol, k, axis=axis, sorted=False, idx_dtype=index),
                *T.topk_and_argtopk(symbol, k, axis=axis, sorted=False, idx_dtype=index),
            ]
            wanted.append((axis, index))
        run = theano.function([symbol, k], outputs, mode=theano.Mode(**PYTHON))
        for number in {1, -1, 2, -2, *(sign * n for n in shape for sign in (1, -1))}:
            few = [axis for axis, _ in wanted if x.shape[axis] < abs(number)]
            if few:
                with pytest.raises(ValueError, match="kth cannot be larger"):
                    run(x, max(abs(number), *(n + 1 for n in shape)))
                continue
            results = iter(run(x, number))
            for axis, index in wanted:
                values, places, both_values, both_places = itertools.islice(results, 4)
                right = largest(x, number, axis)
                assert places.dtype == both_places.dtype == index
                for at in (places, both_places):
                    found = np.take_along_axis(x, at.astype("int64"), axis)
                    np.testing.assert_array_equal(np.sort(found, axis=axis), right)
                for found in (values, both_values):
                    assert found.dtype == dtype
                    np.testing.assert_array_equal(np.sort(found, axis=axis), right)
                np.testing.assert_array_equal(
                    both_values, np.take_along_axis(x, both_places.astype("int64"), axis)
                )


def test_gradient_of_topk():
    import theano
    import theano.tensor as T

    x = T.matrix()
    y = T.topk(x, 2, axis=0, sorted=False)
    value = np.array([[1, 6], [4, 2], [3, 5]], "float32")
    for mode in ("FAST_COMPILE", "FAST_RUN"):
        gradient = theano.function([x], theano.grad((y**2).sum(), x), mode=mode)(value)
        assert gradient.tolist() == [[0, 12], [8, 0], [6, 10]], mode
