"""Ops that the engine may run are Theano's own; what a user wrote or changed runs as it is."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.scalar as ts
import theano.tensor as T
from theano.compile.ops import DeepCopyOp, ViewOp
from theano.tensor import blas
from theano.tensor import elemwise as te

from theano_today.engine import dispatch, genuine

# The Ops that are written, and no others.
AS_WRITTEN = theano.Mode("vm", None)
VALUE = np.array([1.0, -2.0])


def test_theanos_own_ops_are_unchanged():
    """By our own mends of Theano, too, but for those that were made before."""
    for cls, methods in genuine._remembered.items():
        assert all(getattr(cls, name) is method for name, method in methods.items()), cls
    assert set(dispatch.covered()) <= genuine._remembered.keys()
    for op in (ts.add, ts.identity, ts.Cast(ts.float32), T.add, T.Rebroadcast((0, True)),
               blas.gemm_inplace, te.Sum(0), T.stack([T.scalar()]).owner.op):  # fmt: skip
        assert genuine.is_genuine(op), op


class Louder(DeepCopyOp):
    """C code of its own: one is added to the first element."""

    def c_code_cache_version(self):
        return (1,)

    def c_code(self, node, name, inputs, outputs, sub):
        code = super().c_code(node, name, inputs, outputs, sub)
        return code + f"((double*)PyArray_DATA({outputs[0]}))[0] += 1;"


class Doubled(ViewOp):
    def __init__(self):
        self.view_map = {}

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        (x,), (y,) = node.inputs, node.outputs

        def thunk():
            storage_map[y][0] = 2 * storage_map[x][0]
            compute_map[y][0] = True

        thunk.inputs, thunk.outputs = [storage_map[x]], [storage_map[y]]
        thunk.lazy = False
        return thunk


class PlusTwo(ts.Identity):
    def impl(self, x):
        return x + 2

    def c_code(self, node, name, inputs, outputs, sub):
        return f"{outputs[0]} = {inputs[0]} + 2;"

    def c_code_cache_version(self):
        return (1,)


def test_subclasses_run_their_own_code():
    x = T.dvector()
    plus = te.Elemwise(PlusTwo(ts.same_out))
    function = theano.function([x], [Louder()(x), Doubled()(x), plus(x)], mode=AS_WRITTEN)
    louder, doubled, plus_two = function(VALUE)
    np.testing.assert_array_equal(louder, [2, -2])
    np.testing.assert_array_equal(doubled, [2, -4])
    np.testing.assert_array_equal(plus_two, [3, 0])


def test_inside_of_a_fused_elemwise():
    x = T.dvector()
    plus = te.Elemwise(PlusTwo(ts.same_out))
    function = theano.function([x], T.exp(plus(x) * 0.5))
    assert any(isinstance(getattr(n.op, "scalar_op", None), ts.Composite)
               for n in function.maker.fgraph.apply_nodes)  # fmt: skip
    np.testing.assert_allclose(function(VALUE), np.exp([1.5, 0]), rtol=1e-15)


def test_a_subclass_of_elemwise_computes_what_it_says():
    class Negated(te.Elemwise):
        def perform(self, node, inputs, outputs):
            super().perform(node, inputs, outputs)
            outputs[0][0] = -outputs[0][0]

        def c_code(self, *args):
            raise NotImplementedError

    x = T.dvector()
    function = theano.function([x], Negated(ts.neg)(x), mode=AS_WRITTEN)
    np.testing.assert_array_equal(function(VALUE), VALUE)


def minus(self, node, name, inputs, outputs, sub):
    return f"{outputs[0]} = {inputs[0]} - {inputs[1]};"


@pytest.mark.parametrize("where", ["class", "instance"])
def test_methods_that_the_user_replaced(where, monkeypatch):
    add = ts.Add(ts.upcast_out)
    target = ts.Add if where == "class" else add
    code = minus if where == "class" else minus.__get__(add)
    version = (lambda self: ()) if where == "class" else (lambda: ())  # not for the cache
    monkeypatch.setattr(target, "c_code", code)
    monkeypatch.setattr(target, "c_code_cache_version", version)
    x = T.dvector()
    function = theano.function([x], te.Elemwise(add)(x, 2 * x), mode=AS_WRITTEN)
    np.testing.assert_array_equal(function(VALUE), -VALUE)


def test_perform_replaced_where_there_is_no_c_code_to_win(monkeypatch):
    """Theano would run its C code, and so it does here."""
    monkeypatch.setattr(te.DimShuffle, "perform", lambda *_: pytest.fail("not asked for"))
    x = T.dvector()
    function = theano.function([x], x.dimshuffle(0, "x"), mode=AS_WRITTEN)
    np.testing.assert_array_equal(function(VALUE), VALUE[:, None])
