"""What runs on the host: shape arithmetic, and Ops that torch has no function for."""

from tests.theano_today.torch_link.compare import torch  # isort: skip  # noqa: F401  (skips)

import logging

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.opt import MakeVector

from theano_today.torch_link import host


def test_arithmetic_on_sizes():
    n, m = T.lscalar(), T.lscalar()
    for expression, want in ((n + m, 9), (n * m, 14), (n // m, 3), (T.minimum(n, m), 2)):
        got = host.shape_arithmetic(expression.owner)(np.asarray(7), np.asarray(2))
        assert (got, got.dtype, got.ndim) == (want, np.dtype("int64"), 0)


def test_vectors_of_sizes_and_sizes_of_numbers():
    n, m = T.lscalar(), T.lscalar()
    vector = host.shape_arithmetic(MakeVector("int64")(n, m).owner)(np.asarray(7), np.asarray(2))
    assert (vector.tolist(), vector.dtype) == ([7, 2], np.dtype("int64"))
    scalar = T.scalar_from_tensor(n)
    assert host.shape_arithmetic(scalar.owner)(np.asarray(7)) == 7


def test_an_op_without_a_function_is_mentioned_once(caplog):
    x = T.dvector()

    class Odd(theano.Op):
        __props__ = ()

        def make_node(self, x):
            return theano.Apply(self, [x], [x.type(), x.type()])

        def perform(self, node, inputs, outputs):
            outputs[0][0], outputs[1][0] = inputs[0] + 1, inputs[0] + 2

    with caplog.at_level(logging.WARNING, "theano_today"):
        functions = [host.fallback(Odd()(x)[0].owner) for _ in range(2)]
    (line,) = caplog.messages
    assert line == "torch link: Odd has no torch function; it runs on the host"
    first = functions[0](np.array([1.0]))
    second = functions[0](np.array([5.0]))
    assert [r.tolist() for r in first] == [[2], [3]]  # not what the second call left there
    assert [r.tolist() for r in second] == [[6], [7]]


def test_values_are_given_in_the_nodes_dtype():
    x = T.fvector()
    sort = host.thunk(T.sort(x).owner, "py")
    found = sort(np.array([3, 1, 2], "int64"), np.asarray(-1))
    assert (found.dtype, found.tolist()) == (np.float32, [1, 2, 3])


def test_errors_are_theanos():
    x = T.dmatrix()
    with pytest.raises(np.linalg.LinAlgError):
        host.thunk(T.nlinalg.matrix_inverse(x).owner, "py")(np.zeros((2, 2)))
