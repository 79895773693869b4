"""Formulas for the kernels: which scalar Ops they cover, and where results are stored."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano.scalar as ts
import theano.tensor as T
from theano.tensor.elemwise import Elemwise

from theano_today.engine.formulas import OPERANDS, Formula, Uncovered, number


def node_of(op, *dtypes):
    return Elemwise(op).make_node(*(T.TensorType(d, (False,))() for d in dtypes))


def chain(length):
    x = ts.float32()
    out = x
    for _ in range(length):
        out = ts.tanh(out)
    return ts.Composite([x], [out])


def test_what_is_covered():
    for op, *dtypes in (
        (ts.add, "float32", "float32", "float32"), (ts.add, "float64", "float32"),
        (ts.switch, "bool", "float32", "float32"), (ts.clip, *["float64"] * 3),
        (ts.clip, "float32", "int8", "int8"), (ts.clip, "float64", "float32", "int64"),
        (ts.maximum, "int64", "int8"), (ts.expm1, "float32"),
        (ts.convert_to_float32, "int64"), (ts.eq, "int32", "int32"),
    ):  # fmt: skip
        formula = Formula(node_of(op, *dtypes))
        assert formula.inputs == len(dtypes)
        assert formula.outputs == 1


@pytest.mark.parametrize(
    ("op", "dtypes", "why"),
    [
        (ts.convert_to_int32, ["float32"], "integers made of floats"),
        (ts.erf, ["float32"], "Erf"),
        (ts.add, ["float16", "float16"], "float16"),
        (ts.int_div, ["int64", "int64"], "IntDiv"),
        (ts.add, ["complex64", "complex64"], "complex64"),
        (ts.pow, ["float64", "float64"], "pow.f8"),
        (chain(70), ["float32"], "70 functions"),
    ],
)
def test_what_is_not(op, dtypes, why):
    with pytest.raises(Uncovered, match=why):
        Formula(node_of(op, *dtypes))


def test_too_many_operands():
    with pytest.raises(Uncovered, match=f"{OPERANDS + 1} operands"):
        Formula(node_of(ts.add, *["float32"] * OPERANDS))


def test_an_op_of_the_users_own():
    class Tanh(ts.Tanh):
        pass

    with pytest.raises(Uncovered, match="not Theano's own"):
        Formula(node_of(Tanh(ts.same_out, name="tanh"), "float32"))


def test_results_share_memory():
    formula = Formula(node_of(chain(9), "float32"))
    assert len(formula.steps) == 9
    assert formula.temps == 4  # output, input, and two that take turns
    assert {step[0] for step in formula.steps} == {number("tanh.f4")}


def test_constants_and_types():
    x, y = ts.float32(), ts.bool()
    op = ts.Composite([x, y], [x * np.float32(0.5) + ts.cast(y, "float32") * np.float32(3)])
    formula = Formula(node_of(op, "float32", "bool"))
    assert sorted(float(c) for c in formula.constants) == [0.5, 3]
    assert formula.item == 4
    assert "cast.i1.f4" in formula.names
