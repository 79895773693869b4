"""Variables without a test value."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pickle

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.gof.op import get_test_value
from theano.gof.utils import get_variable_trace_string


def test_the_message_is_theano_s():
    x = T.vector("x") + 1
    with pytest.raises(AttributeError) as caught:
        get_test_value(x)
    expected = f"{x} has no test value {get_variable_trace_string(x)}"
    assert str(caught.value) == expected
    assert caught.value.args == (expected,)
    assert __file__ in expected
    caught.value.args = ("more",)
    assert str(caught.value) == "more"
    with pytest.raises(AttributeError) as caught:
        get_test_value(x)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is AttributeError
    assert str(again) == expected


def test_values_that_are_there():
    x = T.vector("x", dtype="float32")
    x.tag.test_value = np.ones(3, "float32")
    np.testing.assert_array_equal(get_test_value(x), np.ones(3))
    assert get_test_value(T.constant(2.0)) == 2
    assert get_test_value(3) == 3
    assert get_test_value(theano.shared(4.0)) == 4
    x.tag.test_value = "no vector"
    with pytest.raises(ValueError, match="does not have the requested type"):
        get_test_value(x)
