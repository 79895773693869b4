"""Pooling against Theano's own loops, ties included: whole numbers from a small range."""

from tests.theano_today.torch_link.compare import FAST_RUN, TORCH, agree  # isort: skip  (skips)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.signal.pool import Pool, pool_2d

GEOMETRIES = [
    # window, stride, padding, ignore_border
    ((2, 2), (2, 2), (0, 0), True),
    ((2, 2), (2, 2), (0, 0), False),
    ((3, 2), (3, 2), (0, 0), False),
    ((3, 3), (2, 2), (0, 0), True),
    ((3, 3), (2, 1), (0, 0), False),
    ((2, 2), (3, 3), (0, 0), True),
    ((2, 2), (3, 3), (0, 0), False),
    ((3, 3), (2, 2), (1, 1), True),
    ((3, 2), (3, 2), (2, 1), True),
]


def images(rows, columns):
    # Of 5 numbers, so that most windows have ties; negative ones below the padding's zeros.
    return np.random.RandomState(rows).randint(-4, 1, (2, 3, rows, columns)).astype(np.float32)


@pytest.mark.parametrize(("window", "stride", "padding", "ignore_border"), GEOMETRIES)
@pytest.mark.parametrize("mode", ["max", "sum", "average_inc_pad", "average_exc_pad"])
def test_forward_and_gradient(window, stride, padding, ignore_border, mode):
    x = T.tensor4("x")
    y = pool_2d(x, ws=window, ignore_border=ignore_border, stride=stride, pad=padding, mode=mode)
    outputs = [y]
    if not (mode == "average_exc_pad" and any(padding)):  # which Theano cannot do either
        weights = T.cast(T.arange(y.size).reshape(y.shape) % 7 - 3, "float32")
        outputs.append(theano.grad(T.sum(y * weights), x))
    for rows, columns in ((8, 6), (7, 9)):
        agree([x], outputs, images(rows, columns), rtol=1e-6, atol=1e-6, stock=FAST_RUN)


def test_all_tied_maxima_get_the_gradient():
    x = T.tensor4("x")
    gradient = theano.grad(T.sum(pool_2d(x, (2, 2), True)), x)
    (found,) = agree([x], [gradient], np.ones((1, 1, 4, 4), np.float32), stock=FAST_RUN)
    np.testing.assert_array_equal(found, 1)


def test_not_a_number_where_theano_has_it():
    x = T.tensor4("x")
    values = images(4, 4)
    values[0, 0, 1, 1] = np.nan
    function = theano.function([x], pool_2d(x, (2, 2), True), mode=TORCH)
    assert np.isnan(function(values)[0, 0, 0, 0])


@pytest.mark.parametrize("leading", [(), (3,), (2, 1, 3)])
def test_other_numbers_of_axes(leading):
    x = T.TensorType("float32", (False,) * (len(leading) + 2))("x")
    y = pool_2d(x, (2, 2), False)
    values = np.random.RandomState(0).randint(0, 3, (*leading, 5, 4)).astype(np.float32)
    agree([x], [y, theano.grad(T.sum(y * y), x)], values, stock=FAST_RUN)


def test_sizes_known_only_when_called():
    x, size = T.tensor4("x"), T.iscalar("size")
    # pool_2d asks for the padding to be smaller, which it cannot tell of such a size.
    y = Pool(ignore_border=True)(x, T.stack([size, size]))
    agree([x, size], [y, theano.grad(y.sum(), x)], images(6, 6), np.int32(2), stock=FAST_RUN)
    agree([x, size], [y, theano.grad(y.sum(), x)], images(6, 6), np.int32(3), stock=FAST_RUN)


def test_float64():
    x = T.tensor4("x", "float64")
    y = pool_2d(x, (2, 2), True)
    agree([x], [y, theano.grad(y.sum(), x)], images(6, 6).astype(float), stock=FAST_RUN)
