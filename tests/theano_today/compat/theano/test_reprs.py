"""Names of Ops: NumPy's numbers read as plain ones."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.gof import Op

from theano_today.compat.theano import reprs


class Scaled(Op):
    __props__ = ("factor", "shape", "name")

    def __init__(self, factor, shape, name):
        self.factor, self.shape, self.name = factor, shape, name


@pytest.mark.parametrize("number", [np.int64(3), np.float32(0.5), np.bool_(True), np.uint8(7)])
def test_an_op_of_the_user(number):
    op = Scaled(number, (number, (number, 2)), "a name")
    plain = number.item()
    assert str(op) == f"Scaled{{factor={plain}, shape=({plain}, ({plain}, 2)), name='a name'}}"
    assert op == Scaled(plain, (plain, (plain, 2)), "a name")
    assert hash(op) == hash(Scaled(plain, (plain, (plain, 2)), "a name"))


def test_printed_graphs():
    x = T.matrix("x")
    diagonal = T.diagonal(x, np.int64(1))
    name = "ExtractDiag{offset=1, axis1=0, axis2=1, view=False}"
    assert theano.pp(diagonal) == f"{name}(x)"
    assert theano.printing.debugprint(diagonal, file="str").startswith(f"{name} [id A]")
    shape = (np.int64(2), 3, np.int64(5), 5)
    images = T.nnet.conv2d(T.tensor4(), T.tensor4(), input_shape=shape, filter_shape=(4, 3, 2, 2))
    assert "imshp=(2, 3, 5, 5)" in str(images.owner.op)


def test_what_the_user_prints_stays():
    assert reprs.shown([np.int64(1)]) == "[1]"
    assert repr([np.int64(1)]) == "[np.int64(1)]"
