"""What Theano calls to run a node."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest
import theano.tensor as T

from theano_today.engine.thunks import thunk_of


def pieces():
    x, y = T.scalar(), T.scalar()
    node = T.add(x, y).owner
    storage = {x: [2.0], y: [3.0], node.outputs[0]: [None]}
    return node, storage, [storage[v] for v in node.outputs], x


def test_it_reads_writes_and_says_that_it_has():
    node, storage, outputs, x = pieces()
    computed = {v: [False] for v in node.outputs}
    thunk = thunk_of(lambda a, b: (a + b,), node, storage, computed)
    assert (thunk.inputs, thunk.outputs) == ([storage[v] for v in node.inputs], outputs)
    assert thunk.lazy is False
    thunk()
    assert outputs == [[5.0]]
    assert list(computed.values()) == [[True]]
    storage[x][0] = 10.0  # what is there when it is called
    thunk()
    assert outputs == [[13.0]]


def test_without_a_compute_map():
    """As Theano's PerformLinker calls make_thunk."""
    node, storage, outputs, _ = pieces()
    thunk_of(lambda a, b: (a * b,), node, storage, None)()
    assert outputs == [[6.0]]


def test_too_few_outputs_are_an_error():
    node, storage, _, _ = pieces()
    with pytest.raises(ValueError, match="shorter"):
        thunk_of(lambda a, b: (), node, storage, None)()
