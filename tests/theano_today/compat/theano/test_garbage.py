"""How often Python looks for garbage while Theano makes a function."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import gc
import pickle

import pytest
import theano
import theano.tensor as T
from theano.compile.function_module import FunctionMaker

from theano_today.compat.theano.garbage import SELDOM


@pytest.fixture(autouse=True)
def thresholds():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


class Watching(theano.gof.Optimizer):
    """Notes the threshold while a graph is optimised."""

    def __init__(self):
        self.seen = []

    def apply(self, fgraph):
        self.seen.append(gc.get_threshold())


def compiled(optimizer):
    x = T.vector("x")
    return theano.function([x], x + 1, mode=theano.Mode("py", optimizer))


@pytest.mark.parametrize(
    ("before", "within"),
    [
        ((700, 10, 10), (SELDOM, 10, 10)),
        ((2000, 10, 0), (SELDOM, 10, 0)),
        ((0, 10, 10), (0, 10, 10)),  # switched off
        ((2 * SELDOM, 5, 5), (2 * SELDOM, 5, 5)),
    ],
)
def test_a_function_s_making(before, within):
    gc.set_threshold(*before)
    before = gc.get_threshold()  # not every Python keeps all three
    optimizer = Watching()
    compiled(optimizer)
    assert [seen[:2] for seen in optimizer.seen] == [within[:2]]
    assert gc.get_threshold() == before


def test_gradients():
    seen = []

    class Noting(theano.tensor.elemwise.Elemwise):
        def L_op(self, inputs, outputs, output_gradients):
            seen.append(gc.get_threshold()[0])
            return super().L_op(inputs, outputs, output_gradients)

    before = gc.get_threshold()
    x = T.scalar("x")
    T.grad(Noting(theano.scalar.sqr)(x), x)
    assert seen == [SELDOM]
    assert gc.get_threshold() == before


def test_an_error_restores_it():
    class Failing(theano.gof.Optimizer):
        def apply(self, fgraph):
            raise ZeroDivisionError

    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError):
        compiled(Failing())
    assert gc.get_threshold() == before


def test_what_is_set_meanwhile_stays():
    class Setting(theano.gof.Optimizer):
        def apply(self, fgraph):
            gc.set_threshold(1234, 10, 10)

    compiled(Setting())
    assert gc.get_threshold()[0] == 1234


def test_functions_are_pickled_as_ever():
    x = T.vector("x")
    again = pickle.loads(pickle.dumps(theano.function([x], x + 1, mode="FAST_COMPILE")))
    assert again([1])[0] == 2
    assert FunctionMaker.__init__.__name__ == "__init__"
