"""The table of rules."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest
import theano.tensor as T
from lasagne.layers import InputLayer
from theano.tensor.elemwise import Sum

from tests.exported import Expression, agree, draw
from theano_today.errors import DataError
from theano_today.export.ops import RULES
from theano_today.export.ops.table import entries


class Mine(Sum):
    """An Op derived from Theano's may compute anything."""


def test_derived_ops_are_not_taken_for_theirs():
    assert Sum in RULES
    assert Mine not in RULES
    layer = Expression(InputLayer((None, 3)), lambda x: Mine(axis=(1,))(x), name="mine")
    with pytest.raises(DataError, match="layer 'mine' \\(Expression\\)"):
        agree([layer], draw(2, 3))


def test_entries():
    x, i = T.tensor3(), T.iscalar()
    node = x[:, i, 1:].owner
    found = entries(node.op.idx_list, node.inputs[1:])
    assert found[0] == slice(None)
    assert found[2].stop is None
    assert found[1].owner.inputs[0] is i
