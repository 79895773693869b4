"""Small patterns of graphs that the rewrites look for."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import theano.tensor as T
from theano import scalar
from theano.compile.mode import optdb
from theano.sandbox import rng_mrg  # noqa: F401  (has one of its own)

from theano_today.engine import patterns

# What else runs the graphs of these is as well off with the Ops that they make.
ANYWHERE = {"legacy_conv"}


def module_of(rewrite):
    """The module of a rewrite of a graph, or of what looks at its nodes."""
    local = getattr(rewrite, "local_opt", rewrite)
    function = vars(local).get("transform")
    return function.__module__ if function else type(local).__module__


def test_rewrites_for_the_kernels_can_be_excluded():
    rewrites = {name: optdb[name] for name in optdb._names}
    ours = {n for n, r in rewrites.items() if module_of(r).startswith("theano_today.engine")}
    assert {"conv_pool", "mrg_mask", "momentum_inplace"} <= ours
    assert ours - ANYWHERE == {r.name for r in optdb.__db__[patterns.ON_KERNELS]}


def test_operands_of_one_kind_of_op_only():
    x, y = T.matrix("x"), T.matrix("y")
    assert patterns.operands(x * y, scalar.Mul, 2) == [x, y]
    assert patterns.operands(x + y, scalar.Mul, 2) is None
    assert patterns.operands(x * y * x, scalar.Mul, 3) is None  # two products of two
    assert patterns.operands(x, scalar.Mul, 2) is None
    assert patterns.operands(T.dot(x, y), scalar.Mul, 2) is None


def test_operands_of_what_is_theanos_own(monkeypatch):
    class Product(scalar.Mul):
        pass

    class Negated(T.Elemwise):
        pass

    x, y = T.matrix("x"), T.matrix("y")
    derived = T.Elemwise(Product(scalar.upcast_out, "product"))
    assert patterns.operands(derived(x, y), scalar.Mul, 2) is None
    assert patterns.operands(Negated(scalar.mul)(x, y), scalar.Mul, 2) is None
    assert patterns.operands((x * y), scalar.Mul, 2) == [x, y]
    monkeypatch.setattr(scalar.Mul, "impl", lambda self, *numbers: 7)
    assert patterns.operands((x * y), scalar.Mul, 2) is None


def test_either_order_of_two():
    assert patterns.either_way(["a", "b"]) == [("a", "b"), ("b", "a")]
    assert patterns.either_way(None) == []


def test_a_number_broadcast_or_not():
    half = T.constant(np.float32(0.5))
    assert patterns.is_number(half, 0.5)
    assert patterns.is_number(half.dimshuffle("x", "x"), 0.5)
    assert not patterns.is_number(half, 0.25)
    assert not patterns.is_number(T.constant(np.float32([0.5])), 0.5)
    assert not patterns.is_number(T.scalar(), 0.5)
