"""theano.tests.unittest_tools, and DebugMode's messages that are made by it."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import sys
from importlib.util import find_spec

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile.debugmode import BadThunkOutput, DebugMode

from tests.fresh_python import says


class Wrong(theano.Op):
    """Adds 1 by its perform(), and 2 when it runs."""

    __props__ = ()

    def make_node(self, x):
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0] + 1

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        def thunk():
            storage_map[node.outputs[0]][0] = storage_map[node.inputs[0]][0] + 2

        return thunk


def test_an_error_of_debug_mode_says_what_differs():
    x = T.dvector("x")
    f = theano.function([x], Wrong()(x), mode=DebugMode(check_c_code=False))
    with pytest.raises(BadThunkOutput) as caught:
        f(np.array([1.0, 2.0]))
    text = str(caught.value)
    assert "Apply   : Wrong(x)" in text
    assert "expected    : [2. 3.]" in text
    assert "value    : [3. 4.]" in text
    assert "Max Abs Diff:  1.0" in text


def test_what_tests_of_peoples_own_ops_use():
    from theano.tests import unittest_tools as utt

    utt.seed_rng()
    utt.verify_grad(lambda x: x**2, [np.array([1.0, 2.0])], eps=1e-6)
    utt.assert_allclose(np.ones(3), np.ones(3) + 1e-12)
    with pytest.raises(utt.WrongValue, match="Mean Abs Diff"):
        utt.assert_allclose(np.ones(3), np.zeros(3))
    with utt.assert_raises(ValueError):
        raise ValueError

    class Shapes(utt.InferShapeTester):
        def runTest(self):
            x = T.matrix()
            self._compile_and_check(
                [x], [x.T], [np.ones((2, 3), x.dtype)], theano.tensor.DimShuffle, warn=False
            )

    test = Shapes()
    test.setUp()
    test.runTest()


@pytest.mark.skipif(find_spec("nose") is not None, reason="nose is installed")
def test_nose_is_there_for_theano_only():
    code = (
        "import theano_today, sys; from importlib.util import find_spec\n"
        "import theano.tests.unittest_tools as utt\n"
        "print([n for n in sys.modules if n.split('.')[0] == 'nose'], find_spec('nose'))\n"
    )
    assert says(code) == "[] None\n"
    assert "nose" not in sys.modules


@pytest.mark.skipif(find_spec("parameterized") is not None, reason="it is installed")
def test_what_needs_the_package_says_so():
    from theano.tests import unittest_tools as utt

    with pytest.raises(ImportError, match="pip install parameterized"):
        utt.parameterized.expand([(1,)])
