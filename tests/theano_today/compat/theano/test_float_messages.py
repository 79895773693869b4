"""Errors about float64 where floatX is float32 name the flag, each on its own."""

import numpy as np
import pytest
import theano
import theano.tensor as T

import theano_today  # noqa: F401  (before theano)
from theano_today.compat.theano.float_messages import NOTE


def matrix_of_float64():
    theano.function([x := T.matrix()], x, mode="FAST_COMPILE")(np.zeros((2, 2)))


def update_of_float64():
    w = theano.shared(np.zeros(2, "float32"))
    theano.function([], updates=[(w, w + T.dvector())])


def state_of_float64():
    W = theano.shared(np.eye(2))
    theano.scan(lambda a, h: T.dot(a, W) + h, sequences=T.matrix(), outputs_info=T.vector())


CASES = [matrix_of_float64, update_of_float64, state_of_float64]


@pytest.mark.parametrize("case", CASES)
def test_the_note_is_there_once(case, monkeypatch):
    monkeypatch.setattr(theano.config, "floatX", "float32")
    with pytest.raises((TypeError, ValueError), match="float64") as caught:
        case()
    assert caught.value.__notes__ == [NOTE]


def test_other_errors_have_none(monkeypatch):
    with pytest.raises(TypeError) as caught:
        theano.function([x := T.matrix()], x, mode="FAST_COMPILE")(np.zeros(2, "float32"))
    assert not hasattr(caught.value, "__notes__")
    monkeypatch.setattr(theano.config, "floatX", "float64")
    f = theano.function([x := T.fmatrix()], x, mode="FAST_COMPILE")
    with pytest.raises(TypeError, match="float64") as caught:
        f(np.zeros((2, 2)))
    assert not hasattr(caught.value, "__notes__")
