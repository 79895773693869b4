"""Parts of arrays, taken, set and increased."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano.tensor as T
from lasagne.layers import InputLayer

from tests.exported import Expression, agree, agree_on, draw
from theano_today.errors import DataError

X = draw(3, 6, 5)


def test_taken():
    agree_on(
        {
            "one": lambda x: x[1],
            "ones": lambda x: x[-1, 2, 3],
            "mixed": lambda x: x[:, 2, 1:],
            "reversed": lambda x: x[:, ::-1, ::-2],
            "steps": lambda x: x[:, 1:-1:2, -2:],
            "beyond": lambda x: x[:, 2:100, -100:3],
            "nothing": lambda x: x[:, 4:2],
            "by shape": lambda x: x[:, 1 : x.shape[1] - 1, x.shape[0] - 2],
            "vector": lambda x: x[T.as_tensor_variable([2, 0, 0])],
            "matrix": lambda x: x[T.as_tensor_variable([[2, 0], [1, -1]])],
            "second": lambda x: x[:, T.as_tensor_variable([5, 0])],
            "take": lambda x: T.take(x, [1, 3], axis=1),
        },
        X,
    )


def test_set_and_increased():
    agree_on(
        {
            "set": lambda x: T.set_subtensor(x[:, 1:3], 0.5),
            "box": lambda x: T.set_subtensor(x[:, 1:-1, 2:4], x[:, 2:, :2]),
            "steps": lambda x: T.set_subtensor(x[:, ::2], x[:, 1::2]),
            "backwards": lambda x: T.set_subtensor(x[:, ::-1, 1::3], x[:, :, :2]),
            "index": lambda x: T.set_subtensor(x[:, 2], x[:, 0]),
            "last": lambda x: T.inc_subtensor(x[:, -1, 1:], 2.0),
            "increased": lambda x: T.inc_subtensor(x[:, 1:3], x[:, 3:5]),
            "stretched": lambda x: T.inc_subtensor(x[:, 1:3], x[:, :1, :]),
            "row": lambda x: T.set_subtensor(x[:, 1:3, :], T.arange(5)),
            "all": lambda x: T.set_subtensor(x[:], 1.0),
        },
        X,
    )


def padded(x, filled, *more):
    return T.set_subtensor(filled((x.shape[0], x.shape[1] + 3, 7))[:, 1 : 1 + x.shape[1], 2:7], x)


def test_padding_is_one_node():
    incoming = InputLayer((None, 6, 5), name="x")
    for filled, value in [(T.zeros, 0), (T.ones, 1), (lambda s: T.ones(s) * -2.5, -2.5)]:
        proto = agree([Expression(incoming, lambda x, f=filled: padded(x, f))], X)
        kinds = [node.op_type for node in proto.graph.node]
        assert "Pad" in kinds, value
        assert "ScatterElements" not in kinds, value


def test_refused():
    def by_array(x):
        return x[T.as_tensor_variable([0, 1]), T.as_tensor_variable([1, 2])]

    def by_mask(x):
        return x[(x > 0).nonzero()]

    incoming = InputLayer((None, 6, 5))
    for function in (by_array, by_mask):
        with pytest.raises(DataError, match="layer 'odd' \\(Expression\\) cannot be written"):
            agree([Expression(incoming, function, name="odd")], np.abs(X))
