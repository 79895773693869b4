"""Function.copy: its Ops run in an order in which nothing is overwritten that is still read."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.theano_graphs import engine

X = np.random.RandomState(0).rand(2, 3).astype(np.float32)
W = np.array([1, 2, 3], np.float32)
LINKERS = ["py", pytest.param("cvm", marks=pytest.mark.long)]


def graph(linker):
    """tanh(x w) is overwritten by its own gradient, after the loss is computed of it."""
    w, x = theano.shared(W), T.fmatrix("x")
    made = T.tanh(x * w)
    loss = T.sqr(made - 0.5).mean()
    gradient = T.grad(loss, w)
    with engine("stock"):
        function = theano.function(
            [x], [made, loss, gradient], updates=[(w, w - gradient)],
            mode=theano.Mode(linker, "fast_run"),
        )  # fmt: skip
    assert any(node.op.destroy_map for node in function.maker.fgraph.apply_nodes
               if hasattr(node.op, "destroy_map"))  # fmt: skip
    return function, w


def by_numpy(w):
    made = np.tanh(X * w)
    slope = (2 * (made - 0.5) / made.size * (1 - made**2) * X).sum(0)
    return [made, np.square(made - 0.5).mean(), slope]


COPIES = {
    "copy": lambda f: f.copy(),
    "sharing memory": lambda f: f.copy(share_memory=True),
    "without updates": lambda f: f.copy(delete_updates=True),
    "copy of a copy": lambda f: f.copy().copy(),
    "copy.copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("linker", LINKERS)
@pytest.mark.parametrize("how", COPIES)
def test_numbers(how, linker):
    function, w = graph(linker)
    for got, want in zip(COPIES[how](function)(X), by_numpy(W), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-3)
    changed = how not in ("without updates", "deepcopy")
    start = W - by_numpy(W)[2] if changed else W
    np.testing.assert_allclose(w.get_value(), start, rtol=1e-5)
    for got, want in zip(function(X), by_numpy(start), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-3)


def test_swapped_variables():
    function, w = graph("py")
    other = theano.shared(2 * W)
    again = function.copy(swap={w: other})
    for got, want in zip(again(X), by_numpy(2 * W), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-3)
    np.testing.assert_allclose(other.get_value(), 2 * W - by_numpy(2 * W)[2], rtol=1e-5)
    np.testing.assert_array_equal(w.get_value(), W)
