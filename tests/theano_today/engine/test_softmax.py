"""Softmax, cross-entropy of class labels and their gradients beside Theano's C code."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import nnet

from tests.theano_graphs import stock
from theano_today.engine import dispatch

DTYPES = ["float32", "float64"]


def outputs(dtype):
    """One function of all five Ops; dy of the cross-entropy is a vector, and one number for all."""
    x, b, g = T.matrix("x", dtype), T.vector("b", dtype), T.matrix("g", dtype)
    y, dy, one = T.ivector("y"), T.vector("dy", dtype), T.scalar("one", dtype)
    gradient = nnet.CrossentropySoftmax1HotWithBiasDx()
    given = [
        nnet.Softmax()(x), nnet.SoftmaxWithBias()(x, b), nnet.SoftmaxGrad()(g, x),
        *nnet.CrossentropySoftmaxArgmax1HotWithBias()(x, b, y),
        gradient(dy, x, y), gradient(one, x, y),
    ]  # fmt: skip
    return [x, b, g, y, dy, one], given


@pytest.fixture(scope="module", params=DTYPES)
def both(request):
    inputs, given = outputs(request.param)
    ours = theano.function(inputs, given)
    return request.param, ours, stock(inputs, given)


def compare(both, x, b=None, y=None, seed=0):
    dtype, ours, theirs = both
    random = np.random.RandomState(seed)
    rows, columns = x.shape
    arguments = [
        x.astype(dtype),
        (random.normal(size=columns) if b is None else b).astype(dtype),
        random.normal(size=x.shape).astype(dtype),
        (random.randint(columns, size=rows) if y is None else y).astype("int32"),
        random.normal(size=rows).astype(dtype),
        np.asarray(random.normal(), dtype),
    ]
    found, expected = ours(*arguments), theirs(*arguments)
    rtol = 1e-6 if dtype == "float32" else 1e-14
    for a, e in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (e.dtype, e.shape)
        np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol)


def test_no_c_code_is_needed(both):
    nodes = [n for n in both[1].maker.fgraph.toposort() if "oftmax" in type(n.op).__name__]
    assert len(nodes) >= 5
    for node in nodes:
        assert dispatch._functions()[type(node.op)](node) is not None


@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (1, 9), (33, 10), (5, 1000), (0, 4)])
def test_random(both, shape):
    compare(both, 5 * np.random.RandomState(1).normal(size=shape))


def test_strides(both):
    x = np.random.RandomState(2).normal(size=(20, 12))
    for view in (x.T, x[::2, ::-1], x[::-1, 1::3], np.asfortranarray(x), x[:1].repeat(4, 0)):
        compare(both, view)


def test_ties_take_the_first_column(both):
    compare(both, np.random.RandomState(3).randint(3, size=(50, 6)), b=np.zeros(6))


def test_large_numbers(both):
    compare(both, 1e4 * np.random.RandomState(4).normal(size=(20, 5)))


@pytest.mark.parametrize("seed", range(4))
def test_nan_and_infinities(both, seed):
    random = np.random.RandomState(seed)
    x = random.normal(size=(60, 4))
    for value in (np.nan, np.inf, -np.inf):
        x[random.uniform(size=x.shape) < 0.15] = value
    x[:3] = [[np.nan], [-np.inf], [np.inf]]
    x[3] = [-np.inf, np.nan, -np.inf, -np.inf]
    compare(both, x)


@pytest.mark.parametrize("label", [-1, 4])
def test_labels_out_of_range(both, label):
    for function in both[1:]:
        dtype = both[0]
        x = np.zeros((2, 4), dtype)
        with pytest.raises(ValueError, match=r"out of bounds|y_i >= dx"):
            function(x, x[0], x, np.array([0, label], "int32"), x[:, 0], np.asarray(1, dtype))


@pytest.mark.parametrize("which", ["b", "y", "dy", "g"])
def test_lengths_that_do_not_agree(both, which):
    for function in both[1:]:
        x = np.zeros((3, 4), both[0])
        given = {
            "x": x, "b": x[0], "g": x, "y": np.zeros(3, "int32"), "dy": x[:, 0],
            "one": np.asarray(1, both[0]),
        }  # fmt: skip
        given[which] = given[which][:2]
        with pytest.raises(ValueError, match=r"does not match|shape\[0\]"):
            function(*given.values())


@pytest.mark.parametrize("labels", ["int8", "uint8", "int64", "uint16"])
def test_labels_of_other_dtypes(labels):
    x, b, y = T.fmatrix(), T.fvector(), T.vector(dtype=labels)
    given = nnet.CrossentropySoftmaxArgmax1HotWithBias()(x, b, y)
    arrays = (
        np.random.RandomState(5).normal(size=(9, 3)).astype("float32"),
        np.zeros(3, "float32"), np.arange(9).astype(labels) % 3,
    )  # fmt: skip
    found = theano.function([x, b, y], given)(*arrays)
    expected = stock([x, b, y], given)(*arrays)
    for a, e in zip(found, expected, strict=True):
        assert a.dtype == e.dtype
        np.testing.assert_allclose(a, e, rtol=1e-6)


def test_mixed_floats():
    x, b, g, y = T.fmatrix(), T.dvector(), T.dmatrix(), T.ivector()
    given = [
        nnet.SoftmaxWithBias()(x, b), nnet.SoftmaxGrad()(g, x),
        nnet.CrossentropySoftmax1HotWithBiasDx()(b, x, y),
    ]  # fmt: skip
    random = np.random.RandomState(6)
    arrays = (
        random.normal(size=(4, 4)).astype("float32"), random.normal(size=4),
        random.normal(size=(4, 4)), np.arange(4, dtype="int32"),
    )  # fmt: skip
    found, expected = theano.function([x, b, g, y], given), stock([x, b, g, y], given)
    for a, e in zip(found(*arrays), expected(*arrays), strict=True):
        assert a.dtype == e.dtype
        np.testing.assert_allclose(a, e, rtol=1e-6, atol=1e-7)
