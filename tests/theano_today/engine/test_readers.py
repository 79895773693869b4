"""Who reads a variable."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano.scalar as ts
import theano.tensor as T
from theano.gof import FunctionGraph
from theano.tensor.blas import _dot22
from theano.tensor.elemwise import Elemwise
from theano.tensor.subtensor import IncSubtensor

from theano_today.engine.readers import only_added_up, stays_as_it_is

GRAPHS = []  # that hold their variables


def in_graph(inputs, build):
    """Return v, in a graph, of the function v = exp(inputs[0]) and what is built of it."""
    v = T.exp(inputs[0])
    GRAPHS.append(FunctionGraph(inputs, build(v)))
    nodes = GRAPHS[-1].toposort()
    (node,) = (n for n in nodes if n.op == v.owner.op)
    return node.outputs[0]


ADDED_UP = {
    "a sum": (lambda v, m: [v.sum(0, acc_dtype="float64")], True),
    "products": (lambda v, m: [_dot22(v, m), _dot22(m, v.T)], True),
    "parts and shapes of it": (lambda v, m: [_dot22(v[::-1].reshape((3, 3)).T, m)], True),
    "zeros that it is added to": (
        lambda v, m: [T.inc_subtensor(T.zeros((4, 3), "float32")[1:], v).sum(acc_dtype="float64")],
        True,
    ),
    "it is returned": (lambda v, m: [v, v.sum(acc_dtype="float64")], False),
    "so is a part": (lambda v, m: [v[1:]], False),
    "a function of it": (lambda v, m: [1 / v], False),
    "what it is added to": (
        lambda v, m: [T.inc_subtensor(m[:], v).sum(acc_dtype="float64")],
        False,
    ),
    "what is added to it": (
        lambda v, m: [T.inc_subtensor(v[:1], m[:1]).sum(acc_dtype="float64")],
        False,
    ),
    "a sum in its own type": (lambda v, m: [v.sum(acc_dtype="float32")], False),
}


@pytest.mark.parametrize("name", ADDED_UP)
def test_only_added_up(name):
    build, wanted = ADDED_UP[name]
    x, m = T.fmatrices("x", "m")
    assert only_added_up(in_graph([x, m], lambda v: build(v, m))) == wanted


def test_other_types():
    assert not only_added_up(in_graph([T.dmatrix()], lambda v: [v.sum()]))


def in_place(v):
    return Elemwise(ts.Exp(ts.transfer_type(0)), {0: 0})(v)


STAYS = {
    "it is read": (lambda v: [v + 1, v[1:].sum()], True),
    "it is overwritten": (lambda v: [in_place(v)], False),
    "a part is overwritten": (lambda v: [in_place(v[::-1]), v + 1], False),
    "a part of a part is increased": (
        lambda v: [
            IncSubtensor([slice(None)], inplace=True)(v.T[1:], np.ones((1, 3), "float32")),
        ],
        False,
    ),
}


@pytest.mark.parametrize("name", STAYS)
def test_stays_as_it_is(name):
    build, wanted = STAYS[name]
    v = in_graph([T.fmatrix()], lambda v: [*build(v), v[::-1][1:].sum()])
    assert stays_as_it_is(v) == wanted
    assert stays_as_it_is(v.clients[-1][0].outputs[0]) == wanted


def test_arguments_are_not_known():
    v = in_graph([T.fmatrix()], lambda v: [v[::-1].sum()])
    assert not stays_as_it_is(v.owner.inputs[0])
