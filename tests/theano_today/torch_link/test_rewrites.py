"""z + bias is repeated where that lets Theano fuse it."""

from tests.theano_today.torch_link.compare import TORCH, agree, torch  # isort: skip  # noqa: F401

import numpy as np
import theano
import theano.tensor as T
from theano.gof import FunctionGraph

from theano_today.torch_link.rewrites import RepeatCheapElemwise

Z = np.float32([[1, -2, 3], [-4, 5, -6]])
B = np.float32([1, 1, 1])


def sums(inputs, outputs):
    """How many additions a graph has after the rewrite alone."""
    graph = FunctionGraph(inputs, outputs, clone=True)
    RepeatCheapElemwise().optimize(graph)
    scalars = [getattr(n.op, "scalar_op", None) for n in graph.apply_nodes]
    return sum(type(op) is theano.scalar.Add for op in scalars)


def test_a_sum_with_a_vector_is_computed_at_each_of_its_uses():
    z, b = T.matrix(), T.vector()
    s = z + b
    assert sums([z, b], [T.tanh(s) * 2, T.exp(s)]) == 2


def test_a_sum_of_two_matrices_is_not():
    """It would be read twice."""
    z, y = T.matrix(), T.matrix()
    s = z + y
    assert sums([z, y], [T.tanh(s), T.exp(s)]) == 1


def test_neither_is_one_that_is_a_result_or_goes_into_a_product():
    z, b = T.matrix(), T.vector()
    s = z + b
    assert sums([z, b], [s, T.tanh(s), T.exp(s)]) == 1
    assert sums([z, b], [T.tanh(s), T.dot(s, s.T)]) == 1


def test_one_use_only():
    z, b = T.matrix(), T.vector()
    assert sums([z, b], [T.tanh(z + b)]) == 1


def test_the_numbers_stay():
    z, b = T.matrix(), T.vector()
    s = z + b
    rectified = T.nnet.relu(s)
    outputs = [rectified, theano.grad(T.sum(T.sqr(rectified)), z), theano.grad(rectified.sum(), b)]
    agree([z, b], outputs, Z, B, stock="FAST_COMPILE")
