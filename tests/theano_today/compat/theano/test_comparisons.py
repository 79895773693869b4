"""Ops with properties: what is equal, and their hashes."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import itertools
import pickle

import numpy as np
import pytest
import theano.scalar as ts
import theano.tensor as T
from theano.gof import LocalOptimizer, Op, Optimizer
from theano.tensor.elemwise import DimShuffle, Elemwise, Sum


class None_(Op):
    __props__ = ()


class One(Op):
    __props__ = ("a",)

    def __init__(self, a):
        self.a = a


class Two(Op):
    __props__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


class Derived(One):
    pass


class Own(One):
    __props__ = ("a",)

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 5


NAN = float("nan")
OPS = [
    None_(), None_(), One(1), One(1), One(2), One((1,)), One(1.0), One(NAN), One(NAN),
    One(float("nan")), Derived(1), Derived(1), Two(1, 2), Two(1, 2), Two((1, 2), None), Two(1, 3),
    T.add, T.mul, Elemwise(ts.add), Elemwise(ts.Add(ts.transfer_type(0)), {0: 0}),
    DimShuffle((False,), (0, "x")), DimShuffle((False,), [0, "x"]), DimShuffle((True,), (0, "x")),
    Sum(), Sum(0), Sum([0]), Sum(dtype="float64"), ts.float32, ts.float64, "an Op", 1, None,
]  # fmt: skip


def by_properties(a, b):
    """As theano.gof.utils.MetaObject has it."""
    properties = type(a).__props__
    return type(a) is type(b) and tuple(getattr(a, p) for p in properties) == tuple(
        getattr(b, p) for p in properties
    )


@pytest.mark.parametrize(
    ("a", "b"), [(a, b) for a, b in itertools.product(OPS, OPS) if hasattr(a, "__props__")]
)
def test_equal_by_properties(a, b):
    assert (a == b) is by_properties(a, b)
    assert (a != b) is not by_properties(a, b)


@pytest.mark.parametrize("op", [op for op in OPS if hasattr(op, "__props__")])
def test_hashes(op):
    assert hash(op) == hash((type(op), tuple(getattr(op, p) for p in op.__props__)))
    assert copy.copy(op) == op
    for again in (copy.deepcopy(op), pickle.loads(pickle.dumps(op))):
        assert type(again) is type(op)
        assert hash(again) == hash((type(op), tuple(getattr(again, p) for p in op.__props__)))


def test_what_a_class_says_itself_counts():
    assert Own(1) == 3
    assert hash(Own(1)) == 5
    assert One.__eq__.__qualname__ == "One.__eq__"
    assert One.__hash__.__module__ == __name__


def test_properties_that_are_arrays():
    """They can be compared no more than before, but with themselves."""
    one = One(np.arange(3))
    assert one == one
    with pytest.raises(ValueError, match="ambiguous"):
        assert one == One(np.arange(3))
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


@pytest.mark.parametrize("base", [Optimizer, LocalOptimizer])
def test_optimisations_are_numbered(base):
    class Mine(base):
        pass

    first, second = Mine(), Mine()
    numbers = hash(first), hash(second)
    assert numbers[1] == numbers[0] + 1
    assert (hash(first), hash(second)) == numbers
    assert first != second


INF = float("inf")
NUMBERS = [0, -0.0, 1, 2.5, -1, NAN, INF, -INF, 1e300, True]
CONSTANTS = [
    *(T.constant(n, dtype=d) for n in NUMBERS for d in ("float32", "float64")
      if d != "float32" or n != 1e300),
    *(T.constant(n, dtype=d) for n in (0, 1, 100) for d in ("int8", "int64", "uint8")),
    *(T.constant(np.complex128(n)) for n in (1, 1j, complex(NAN, 1), complex(1, NAN))),
    T.constant([1.0]), T.constant([NAN]), T.constant([NAN, 1]), T.constant([NAN, 2]),
    T.constant(np.zeros((0,))), T.constant(np.ones((1, 1))),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("a", CONSTANTS)
def test_constants(a):
    """By their signatures, as Theano compares them."""
    for b in [*CONSTANTS, a.clone()]:
        assert bool(a.equals(b)) is bool(a.signature() == b.signature())
    assert not a.equals(T.vector())


def test_constants_and_numbers():
    one = T.constant(1.0, dtype="float64")
    assert one.equals(np.array(1.0))
    assert not one.equals(2.0)
    assert not one.equals("1.0")
