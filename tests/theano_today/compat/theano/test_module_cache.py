"""C modules of Ops without properties are kept."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest
import theano
import theano.tensor as T
from theano.gof import cc, graph, op


class Own(op.Op):
    """An Op of a user's, with C code and without properties."""

    __props__ = ()

    def make_node(self, x):
        return graph.Apply(self, [x], [x.type()])

    def c_code(self, node, name, inputs, outputs, sub):
        return ""

    def c_code_cache_version(self):
        return (1,)


def version(op, *inputs):
    outputs = op.make_node(*inputs).outputs
    fgraph = theano.gof.FunctionGraph(list(inputs), outputs, clone=True)
    return cc.CLinker().accept(fgraph).cmodule_key()[0]


x, b, y = T.fmatrix(), T.fvector(), T.ivector()
WITHOUT_PROPERTIES = [
    (T.nnet.nnet.Softmax(), x),
    (T.nnet.nnet.SoftmaxWithBias(), x, b),
    (T.nnet.nnet.SoftmaxGrad(), x, x),
    (T.nnet.nnet.CrossentropySoftmaxArgmax1HotWithBias(), x, b, y),
    (T.nnet.nnet.CrossentropySoftmax1HotWithBiasDx(), b, x, y),
]


@pytest.mark.parametrize("case", WITHOUT_PROPERTIES, ids=lambda case: type(case[0]).__name__)
def test_theanos_own_are_kept(case):
    op, *inputs = case
    assert op.c_code_cache_version() in version(op, *inputs)


def test_versions_of_ops_with_properties_are_as_they_were():
    assert ("scalar_op", "inplace_pattern") in version(T.exp, x)


def test_others_are_compiled_anew():
    assert version(Own(), x) == ()


def test_modules_without_a_version_are_not_kept():
    class Unversioned(Own):
        __props__ = ("name",)
        name = "unversioned"

        def c_code_cache_version(self):
            return ()

    assert version(Unversioned(), x) == ()
