"""z + bias is repeated where that lets Theano fuse it."""

from tests.theano_today.torch_link.compare import TORCH, agree, torch  # isort: skip  # noqa: F401

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile import mode as modes
from theano.gof import FunctionGraph
from theano.scan_module.scan_op import Scan

from benchmarks.contestants import nets_lasagne
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


def ops_of(fgraph):
    """Return the Ops of a graph, those in its loops included."""
    for node in fgraph.apply_nodes:
        yield node.op
        if isinstance(node.op, Scan):
            yield from ops_of(FunctionGraph(node.op.inputs, node.op.outputs, clone=True))


LONG = (pytest.param(net, marks=pytest.mark.long) for net in ("gru", "alexnet", "autoencoder"))


@pytest.mark.parametrize("net", ["mnist_cnn", "mlp", "resnet20", "lstm", *LONG])
def test_no_op_of_the_engines_is_in_a_net(net, monkeypatch):
    """It would run on the host, and its arrays would go there and back."""
    monkeypatch.setattr(theano.config, "engine", "fused")  # as for users
    monkeypatch.setattr(modes, "instantiated_default_mode", TORCH)
    steps = nets_lasagne.learner(net, 2)
    assert np.isfinite(steps.step())
    modules = {type(op).__module__ for op in ops_of(steps.function.maker.fgraph)}
    assert not {m for m in modules if m.startswith("theano_today.engine")}
