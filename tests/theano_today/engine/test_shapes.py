"""Shapes, indices and views: as Theano's own Ops have them."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.scalar as ts
import theano.tensor as T
from theano.tensor.elemwise import DimShuffle, Elemwise

from theano_today.engine import elemwise, shapes

RANDOM = np.random.RandomState(0)


def performed(node, *inputs):
    """What Theano's own perform() makes of copies of the inputs."""
    cells = [[None] for _ in node.outputs]
    params = [node.run_params()] if hasattr(node.op, "params_type") else []
    node.op.perform(node, [np.array(a) for a in inputs], cells, *params)
    return cells[0][0]


def scalars(*dtypes):
    return [T.TensorType(d, ())() for d in dtypes]


def expressions():
    a, b, c = scalars("int64", "int64", "int64")
    yield from (a + b, a - b, a * b, -a, abs(a), T.eq(a, b), a < b, a >= b, T.maximum(a, b))
    yield from (T.minimum(a, b), T.switch(T.lt(a, b), a, c), T.cast(a, "int8"), a // b)
    t, u = scalars("bool", "bool")
    yield from (t & u, t | u, T.switch(t, a, b), T.cast(t, "int64"))
    small, other = scalars("int8", "int8")
    yield from (small + other, small * other, small - other, T.cast(small, "int64") + a)


@pytest.mark.parametrize("out", list(expressions()), ids=str)
def test_integers(out):
    node = out.owner
    run = elemwise.elemwise(node)
    for _ in range(40):
        arrays = []
        for v in node.inputs:
            most = {"bool": 2, "int8": 128}.get(v.dtype, 2**40 if RANDOM.rand() < 0.3 else 9)
            low = 0 if v.dtype == "bool" else -most
            arrays.append(np.array(RANDOM.randint(low, most), v.dtype))
        if "//" in str(node) or "IntDiv" in str(node) or "int_div" in str(node):
            arrays[1] = np.where(arrays[1] == 0, 1, arrays[1])
        want = performed(node, *arrays)
        (got,) = run(*[a.copy() for a in arrays])
        assert isinstance(got, np.ndarray)
        assert got.shape == ()
        assert got.dtype == node.outputs[0].dtype
        assert got == want, (node, arrays)


def test_integers_that_overflow_wrap():
    a, b = scalars("int64", "int64")
    most = np.array(2**63 - 1)
    (got,) = elemwise.elemwise((a + b).owner)(most, np.array(1))
    assert got == -(2**63)
    assert shapes.integers((a * b).owner)(2**62, 6) == -(2**63)
    assert shapes.integers((-a).owner)(-(2**63)) == -(2**63)
    assert shapes.integers(T.cast(a, "int8").owner)(200) == -56
    with pytest.raises(ZeroDivisionError, match="integer division by zero"):
        shapes.integers((a // b).owner)(1, 0)


def test_the_larger_of_two_is_a_double_in_c():
    a, b = scalars("int64", "int64")
    run = shapes.integers(T.maximum(a, b).owner)
    assert run(2**53 + 1, 0) == 2**53
    assert run(2**53 - 1, 0) == 2**53 - 1
    assert run(-(2**53) - 1, -(2**60)) == -(2**53)


def test_fused_integers():
    x, y = ts.int64(), ts.int64()
    op = ts.Composite([x, y], [ts.switch(ts.lt(x + y, 0), x - 2, ts.minimum(x * y, 7))])
    node = Elemwise(op).make_node(*scalars("int64", "int64"))
    for a, b in RANDOM.randint(-9, 9, (30, 2)):
        assert shapes.integers(node)(a, b) == (a - 2 if a + b < 0 else min(a * b, 7))
        assert elemwise.elemwise(node)(np.array(a), np.array(b))[0] == performed(node, a, b)


def test_fused_integers_within_others():
    """As Theano writes the lengths of scans: Composites in Composites, sums of several."""
    x, y = ts.int64(), ts.int8()
    inner = ts.Composite([x, y], [ts.switch(ts.lt(x, y), x + y, x)])
    a, b, c = ts.int64(), ts.int64(), ts.int8()
    once = inner.make_node(a, c).outputs[0]
    twice = inner.make_node(once * b * c, c).outputs[0]
    op = ts.Composite([a, b, c], [ts.maximum(twice + a + b + 3, once)])
    node = Elemwise(op).make_node(*scalars("int64", "int64", "int8"))
    run = shapes.integers(node)
    assert run is not None
    for numbers in RANDOM.randint(-9, 9, (60, 3)):
        arrays = [np.array(n, d) for n, d in zip(numbers, ("int64", "int64", "int8"), strict=True)]
        assert run(*map(int, numbers)) == performed(node, *arrays)


def test_a_function_within_that_is_not_covered():
    x = ts.int64()
    inner = ts.Composite([x], [ts.sqr(x)])
    a = ts.int64()
    op = ts.Composite([a], [inner.make_node(a + 1).outputs[0] + 1])
    assert shapes.integers(Elemwise(op).make_node(*scalars("int64"))) is None


def test_others_are_none():
    a, b = scalars("float32", "float32")
    assert shapes.integers((a + b).owner) is None
    assert shapes.integers((T.lvector() + 1).owner) is None
    a, b = scalars("uint64", "int64")
    assert shapes.integers((a < b).owner) is None


ORDERS = [
    ((False, False), (1, 0)), ((False, False), (0, "x", 1)), ((False, False), ("x", 1, "x", 0)),
    ((False,) * 3, (2, 0, 1)), ((False,) * 3, (0, 1, 2)), ((), ("x", "x")), ((False,), ("x", 0)),
    ((), ()),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "order"), ORDERS)
def test_dimshuffle(pattern, order):
    node = DimShuffle(pattern, order)(T.TensorType("float32", pattern)()).owner
    x = RANDOM.normal(size=(2, 3, 4)[: len(pattern)]).astype("float32")
    (got,) = shapes.dimshuffle(node)(x)
    assert isinstance(got, np.ndarray)
    np.testing.assert_array_equal(got, performed(node, x))
    assert np.shares_memory(got, x)


def test_dropped_dimensions_are_theanos():
    node = DimShuffle((True, False), (1,))(T.TensorType("float32", (True, False))()).owner
    assert shapes.dimshuffle(node) is None


def test_subtensor():
    x = T.tensor3()
    i, j = T.lscalar(), T.iscalar()
    value = RANDOM.normal(size=(5, 6, 7)).astype("float32")
    for part in (
        x[1], x[-1, 2], x[1, 2, 3], x[::-1], x[:, 1:4], x[i], x[i:j], x[:, i, j:], x[:, ::i],
        x[i:, 2:j:2, -1], x[3:1], x[100:],
    ):  # fmt: skip
        node = part.owner
        run = shapes.subtensor(node)
        for a, b in ((1, 4), (-1, -2), (2, 100)):
            rest = []
            for v in node.inputs[1:]:
                data = getattr(v, "data", None)
                leaf = v.owner.inputs[0] if v.owner else v
                rest.append(np.int64(data if data is not None else a if leaf is i else b))
            try:
                want = performed(node, value, *rest)
            except IndexError:
                with pytest.raises(IndexError):
                    run(value, *rest)
                continue
            (got,) = run(value, *rest)
            assert isinstance(got, np.ndarray)
            assert got.shape == want.shape
            np.testing.assert_array_equal(got, want)


def test_lengths():
    x = T.matrix()
    value = np.ones((3, 4), "float32")
    function = theano.function([x], [x.shape[0], x.shape, x.shape[1] + 1])
    got = function(value)
    assert [g.dtype for g in got] == ["int64"] * 3
    assert got[0] == 3
    assert list(got[1]) == [3, 4]
    assert got[2] == 5


def test_make_vector():
    a, b = scalars("int64", "int64")
    node = T.stack([a, b]).owner
    run = shapes.make_vector(node)
    if run is not None:
        (got,) = run(np.array(3), np.int64(4))
        np.testing.assert_array_equal(got, [3, 4])
        assert got.dtype == "int64"
    assert shapes.make_vector(T.stack(scalars("float32", "float32")).owner) is None
