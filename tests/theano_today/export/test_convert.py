"""From Theano's graph to ONNX; the layers themselves are in test_layers.py."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne.layers import DenseLayer, InputLayer

from tests.exported import Expression, agree, draw, session
from theano_today.errors import DataError
from theano_today.export.convert import convert
from theano_today.export.model import read_model


def test_what_depends_on_no_input_is_computed_now():
    W = theano.shared(draw(3, 4), name="W")
    layer = Expression(InputLayer((None, 3)), lambda x: T.dot(x, T.exp(W)[:, ::-1] / W.sum()))
    proto = agree([layer], draw(2, 3))
    assert [n.op_type for n in proto.graph.node] == ["MatMul", "Identity"]


def test_a_layer_shared_by_two_outputs_is_written_once():
    hidden = DenseLayer(InputLayer((None, 3)), 5)
    proto = agree([DenseLayer(hidden, 2), DenseLayer(hidden, 4), hidden], draw(2, 3))
    assert [n.op_type for n in proto.graph.node].count("MatMul") == 3


def test_a_variable_that_nobody_feeds():
    other = T.matrix("other")
    layer = Expression(InputLayer((None, 3)), lambda x: x + other, name="sum")
    with pytest.raises(DataError, match=r"layer 'sum' .* the variable other"):
        convert(read_model([layer]), {})


def test_names_of_inputs_and_outputs_stay_apart():
    one = InputLayer((None, 3), name="same name")
    two = InputLayer((None, 3), name="same name")
    layer = Expression(one, lambda x: x * 2, name="same name")
    proto = convert(read_model([layer, Expression(two, lambda x: -x)]), {})
    names = [v.name for v in [*proto.graph.input, *proto.graph.output]]
    assert len(set(names)) == 4
    x = draw(2, 3)
    a, b = session(proto).run(None, {names[0]: x, names[1]: x})
    np.testing.assert_array_equal(a, 2 * x)
    np.testing.assert_array_equal(b, -x)
