"""Graphs compiled by the engine and by stock Theano, and single Ops without a graph."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import theano
import theano.tensor as T


@contextlib.contextmanager
def engine(name):
    """Compile with THEANO_FLAGS=engine=`name` inside."""
    before = theano.config.engine
    theano.config.engine = name
    try:
        yield
    finally:
        theano.config.engine = before


def needs_a_compiler(engine):
    """Skip a test of C code where tests/theano_docs runs it without a compiler."""
    if engine == "stock-python":
        pytest.skip("needs a compiler")


def unregister(database, name):
    """Take an optimisation out of one of Theano's databases, which can only take them in."""
    optimisation = database[name]
    database._names.remove(name)
    for tag, tagged in list(database.__db__.items()):
        if optimisation in tagged:
            tagged.remove(optimisation)
        if not tagged:
            del database.__db__[tag]


def fused(inputs, outputs, **more):
    """Return the function as the engine compiles it."""
    with engine("fused"):
        return theano.function(inputs, outputs, **more)


def stock(inputs, outputs, **more):
    """Return the function as Theano compiles it without the engine.

    Every operation by itself: nothing is fused or in place, so that the tests of a fresh
    machine compile few C modules.
    """
    with engine("stock"):
        mode = theano.compile.get_default_mode().excluding("fusion", "inplace")
        return theano.function(inputs, outputs, mode=mode, **more)


def ops(function):
    """Return a function's Ops in the order in which they run; of a chain of stages, those."""
    nodes = function.maker.fgraph.toposort()
    return [op for node in nodes for op in getattr(node.op, "stages", (node.op,))]


def names(function):
    """Return the type names of a function's `ops`."""
    return [type(op).__name__ for op in ops(function)]


def count(function, *kinds):
    """Return how many Ops of these kinds a function has."""
    return sum(name in kinds for name in names(function))


def by_thunk(op, *arrays):
    """Return what `op` computes when a function runs it."""
    node, values = _node(op, arrays)
    outputs = [[None] for _ in node.outputs]
    storage = dict(zip(node.inputs, [[v] for v in values], strict=True))
    storage |= dict(zip(node.outputs, outputs, strict=True))
    computed = {v: [False] for v in node.outputs}
    op.make_thunk(node, storage, computed, [])()
    assert all(flag == [True] for flag in computed.values())
    return [cell[0] for cell in outputs]


def by_perform(op, *arrays):
    """Return what `op` computes by its perform()."""
    node, values = _node(op, arrays)
    outputs = [[None] for _ in node.outputs]
    op.perform(node, values, outputs)
    return [cell[0] for cell in outputs]


def _node(op, arrays):
    variables = [T.TensorType(str(a.dtype), (False,) * a.ndim)() for a in arrays]
    return op.make_node(*variables), list(arrays)


def relative(got, want):
    """Return the largest difference as a part of the largest element of `want`."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape
    if not want.size:
        return 0.0
    difference, scale = np.abs(got - want).max(), np.abs(want).max()
    return difference / scale if scale else difference


def same_kind(got, want):
    """Assert that NaN and infinities are in the same places; return the finite places."""
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_array_equal(np.isposinf(got), np.isposinf(want))
    np.testing.assert_array_equal(np.isneginf(got), np.isneginf(want))
    return np.isfinite(want)
