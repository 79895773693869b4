"""Walks through random graphs, in the order of Theano's own functions."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import importlib.util
import itertools
import random

import pytest
from theano.gof import Apply, FunctionGraph, Op, destroyhandler, generic, graph


@pytest.fixture(scope="module")
def stock():
    """Return theano.gof.graph as it was installed."""
    spec = importlib.util.spec_from_file_location("stock_graph", graph.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.Apply, module.Variable = graph.Apply, graph.Variable
    return module


class Several(Op):
    """Some outputs of some inputs."""

    __props__ = ("count",)

    def __init__(self, count):
        self.count = count

    def make_node(self, *inputs):
        return Apply(self, list(inputs), [generic() for _ in range(self.count)])


def drawn(seed):
    """Return a random graph: its inputs, all its variables, some outputs."""
    draw = random.Random(seed)
    inputs = [generic() for _ in range(draw.randint(1, 4))]
    variables = list(inputs)
    for _ in range(draw.randint(1, 40)):
        recent = variables[-6:] if draw.random() < 0.7 else variables
        read = [draw.choice(recent) for _ in range(draw.randint(1, 4))]
        variables += Several(draw.choice([1, 1, 1, 2, 3])).make_node(*read).outputs
    outputs = [draw.choice(variables) for _ in range(draw.randint(1, 5))]
    return inputs, variables, outputs, draw


@pytest.mark.parametrize("seed", range(60))
def test_the_order_of_nodes(stock, seed):
    inputs, variables, outputs, draw = drawn(seed)
    assert graph.io_toposort(inputs, outputs) == stock.io_toposort(inputs, outputs)
    assert graph.io_toposort([], outputs) == stock.io_toposort([], outputs)
    # Of nodes that are known all outputs are, as in a graph to which some are added.
    nodes = list(dict.fromkeys(v.owner for v in variables if v.owner))
    known = {v for node in draw.sample(nodes, len(nodes) // 3) for v in node.outputs}
    before = set(known)
    assert graph.io_toposort(known, outputs) == stock.io_toposort(known, outputs)
    assert known == before


def test_a_second_output_that_is_known_does_not_make_the_first_known(stock):
    x, y = generic(), generic()
    first, second = Several(2).make_node(x).outputs
    third = Several(1).make_node(y).outputs[0]
    out = Several(1).make_node(second, third).outputs
    found = graph.io_toposort([second, x, y], out)
    assert found == stock.io_toposort([second, x, y], out)
    assert first.owner in found


@pytest.mark.parametrize("seed", range(60))
def test_ancestors(stock, seed):
    _, variables, outputs, draw = drawn(seed)
    blockers = draw.sample(variables, len(variables) // 3)
    for given in (outputs, outputs[:1], []):
        for blocked in (None, [], blockers, set(blockers)):
            assert graph.ancestors(given, blocked) == stock.ancestors(given, blocked)
        assert graph.inputs(given, blockers) == stock.inputs(given, blockers)


def test_a_node_that_reads_what_is_computed_from_it():
    x = generic()
    first = Several(1).make_node(x, x)
    second = Several(1).make_node(*first.outputs)
    first.inputs[1] = second.outputs[0]
    with pytest.raises(ValueError, match="cycles"):
        graph.io_toposort([x], second.outputs)


def stock_cycles():
    """Return what theano.gof.destroyhandler looked for cycles with."""
    spec = importlib.util.spec_from_file_location("stock_handler", destroyhandler.__file__)
    module = importlib.util.module_from_spec(spec)
    module.__package__ = "theano.gof"
    spec.loader.exec_module(module)
    return module._contains_cycle


def test_cycles():
    """As Theano's own, among random orders besides those of the graph."""
    stock, found = stock_cycles(), []
    for seed in range(100):
        inputs, _, outputs, draw = drawn(seed)
        fgraph = FunctionGraph(inputs, outputs)
        nodes = graph.io_toposort(fgraph.inputs, fgraph.outputs)
        orderings = {}
        for _ in range(draw.randint(0, 3)):
            if len(nodes) > 1:
                orderings.setdefault(draw.choice(nodes), []).append(draw.choice(nodes))
        found.append(destroyhandler._contains_cycle(fgraph, orderings))
        assert found[-1] is stock(fgraph, orderings)
        forwards = {b: [a] for a, b in itertools.pairwise(nodes)}
        assert not destroyhandler._contains_cycle(fgraph, forwards)
    assert 20 < sum(found) < 80


def test_orders_that_are_asked_for(stock):
    x = generic()
    first, second = (Several(1).make_node(x) for _ in range(2))
    outputs = [*first.outputs, *second.outputs]
    for orderings in ({first: [second]}, {second: [first]}, {}, None):
        clients = {}
        assert graph.io_toposort([x], outputs, orderings, clients) == stock.io_toposort(
            [x], outputs, orderings, {}
        )
        assert clients
    with pytest.raises(ValueError, match="cycles"):
        graph.io_toposort([x], outputs, {first: [second], second: [first]})


def test_features_hear_what_they_listen_to():
    heard = []

    class Listening:
        def on_import(self, fgraph, node, reason):
            heard.append((node, reason))

    class Deaf:
        pass

    x = generic()
    (out,) = Several(1).make_node(x).outputs
    fgraph = FunctionGraph([x], [out], clone=False)
    for feature in (Deaf(), Listening()):
        fgraph.attach_feature(feature)
    new = Several(1).make_node(out).outputs[0]
    fgraph.change_input("output", 0, new, reason="test")
    assert heard == [(new.owner, "test")]
    fgraph.check_integrity()
