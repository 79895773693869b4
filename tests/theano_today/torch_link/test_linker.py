"""The Linker as Theano calls it."""

from tests.theano_today.torch_link.compare import TORCH, torch  # isort: skip  (skips)

import copy

import numpy as np
import theano
import theano.tensor as T
from theano.gof import FunctionGraph

from theano_today.torch_link.linker import TorchLinker
from theano_today.torch_link.program import Program
from theano_today.torch_link.target import Target


def test_one_linker_for_each_graph():
    x = T.vector()
    one, other = (FunctionGraph([x], [x * k], clone=True) for k in (2, 3))
    linker = TorchLinker(Target(torch.device("cpu")))
    assert linker.accept(one) is linker
    second = linker.accept(other)
    assert second is not linker
    assert (linker.fgraph, second.fgraph) == (one, other)
    assert second.target is linker.target


def test_thunks_of_a_graph_by_hand():
    x, y = T.vector(), T.vector()
    linker = TorchLinker(Target(torch.device("cpu"))).accept(FunctionGraph([x, y], [x + y * x]))
    program, inputs, outputs, thunks, order = linker.make_all()
    assert type(program) is Program
    assert thunks == []
    assert set(order) == set(linker.fgraph.apply_nodes)
    for container, value in zip(inputs, ([1.0, 2.0], [3.0, 4.0]), strict=True):
        container.data = np.float32(value)
    program()
    np.testing.assert_array_equal(outputs[0].data, [4, 10])


def test_a_function_that_returns_what_it_updates_and_its_copies():
    count, x = theano.shared(np.float32(1)), T.scalar()
    f = theano.function([x], [count, count + x], updates=[(count, count + x)], mode=TORCH)
    g = copy.deepcopy(f)
    assert [float(r) for r in f(2)] == [1, 3]
    assert [float(r) for r in f(2)] == [3, 5]
    assert [float(r) for r in g(5)] == [1, 6]  # a copy has a variable of its own
