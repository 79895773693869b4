"""Transposed convolutions on the kernels, against loops by the definition and stock Theano."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import logging

import numpy as np
import pytest
import theano.tensor as T
from theano.tensor.nnet import abstract_conv

from tests.theano_graphs import by_perform, by_thunk, count, fused, relative, stock
from theano_today.engine.conv_pool.transposed import ConvTransposed, transposed


def drawn(random):
    """Return an Op, w, g, and rows and columns of a result that fits them."""
    size = tuple(map(int, random.randint(1, 6, 2)))
    step, apart = tuple(map(int, random.randint(1, 4, 2))), (1, 1)
    if random.randint(4) == 0:
        apart = tuple(map(int, random.randint(1, 3, 2)))
    border = tuple(int(random.randint(n)) for n in np.repeat(size, 2))
    n, f, c = random.randint(1, 4), random.randint(1, 40), random.randint(1, 40)
    out = random.randint(1, 8, 2)
    rest = random.randint(0, 3, 2) % step  # pixels that no filter reached
    reach = [(k - 1) * a + 1 for k, a in zip(size, apart, strict=True)]
    ends = border[0] + border[1], border[2] + border[3]
    rows, columns = (int(v) for v in (out - 1) * step + reach - np.array(ends) + rest)
    if min(rows, columns) < 1:
        return drawn(random)
    op = ConvTransposed(size, border, bool(random.randint(2)), step, apart)
    w = random.randint(-3, 4, (f, c, *size)).astype(np.float32)
    g = random.randint(-3, 4, (n, f, *out)).astype(np.float32)
    return op, w, g, np.int64(rows), np.int64(columns)


def test_by_definition():
    """Of integers: to the last bit."""
    random = np.random.RandomState(0)
    for _ in range(150):
        op, *arrays = drawn(random)
        (got,), (want,) = by_thunk(op, *arrays), by_perform(op, *arrays)
        np.testing.assert_array_equal(got, want)


def test_not_finite():
    random = np.random.RandomState(1)
    for _ in range(60):
        op, w, g, *size = drawn(random)
        for array in (w, g):
            if random.randint(2):
                array.flat[random.randint(array.size)] = (np.nan, np.inf)[random.randint(2)]
        (got,), (want,) = by_thunk(op, w, g, *size), by_perform(op, w, g, *size)
        np.testing.assert_array_equal(got, want)


def layer(x, w, flip=True, subsample=(2, 2), border=(1, 1), size=(8, 8)):
    op = abstract_conv.AbstractConv2d_gradInputs(
        (None, w.get_value().shape[1], *size), w.get_value().shape, border, subsample, flip
    )
    return op(w, x, T.as_tensor(size))


def test_as_layers_of_a_net():
    """Two of them, and the gradients of both: stock Theano, and nothing of its own is left."""
    import theano

    random = np.random.RandomState(2)
    first, second = (
        theano.shared(random.normal(size=s).astype(np.float32), n)
        for s, n in (((20, 17, 4, 4), "first"), ((17, 3, 4, 4), "second"))
    )
    x = T.tensor4("x")
    y = layer(T.nnet.relu(layer(x, first)), second, size=(16, 16))
    loss = (y**2).mean()
    outputs = [y, *T.grad(loss, [first, second, x])]
    ours, theirs = fused([x], outputs), stock([x], outputs)
    value = random.normal(size=(3, 20, 4, 4)).astype(np.float32)
    for got, want in zip(ours(value), theirs(value), strict=True):
        assert relative(got, want) <= 2e-5
    assert count(ours, "ConvTransposed") == 2
    assert count(ours, "CorrMM_gradInputs", "CorrMM_gradWeights", "CorrMM") == 0
    again = copy.deepcopy(ours)
    for got, want in zip(again(value), ours(value), strict=True):
        np.testing.assert_array_equal(got, want)


def test_what_is_said(caplog):
    import theano

    x, w = T.tensor4("x"), theano.shared(np.ones((4, 4, 3, 3), np.float32), "w")
    with caplog.at_level(logging.INFO, "theano_today"):
        fused([x], layer(x, w))
    assert "w transposed: fused" in caplog.messages


def test_what_is_left_to_theano():
    x, w = T.tensor4("x"), T.tensor4("w")
    op = abstract_conv.AbstractConv2d_gradInputs(None, None, "valid")
    reason = "a filter size that is not known before the net runs"
    assert transposed(op(w, x, T.lvector()).owner) == reason
    op = abstract_conv.AbstractConv2d_gradInputs(None, (4, 4, 3, 3), "valid")
    double = T.tensor4(dtype="float64")
    assert transposed(op(double, double, T.lvector()).owner) == "not float32"


def test_shapes_that_do_not_fit():
    op = ConvTransposed((3, 3), (0, 0, 0, 0), True, (2, 2))
    w, g = np.ones((4, 5, 3, 3), np.float32), np.ones((2, 4, 3, 3), np.float32)
    assert by_thunk(op, w, g, np.int64(7), np.int64(8))[0].shape == (2, 5, 7, 8)
    with pytest.raises(ValueError, match=r"to 9x7 .* expected \(2, 4, 4, 3\)"):
        by_thunk(op, w, g, np.int64(9), np.int64(7))
    with pytest.raises(ValueError, match="is smaller than the filters"):
        by_thunk(op, w, g, np.int64(2), np.int64(7))
    empty = by_thunk(op, w, g[:0], np.int64(7), np.int64(7))[0]
    assert empty.shape == (0, 5, 7, 7)
