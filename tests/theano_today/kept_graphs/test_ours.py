import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import os

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tests import unittest_tools

from theano_today.engine import products
from theano_today.kept_graphs import ours


def own(*arguments):
    """Of this file."""


def test_nothing_is_replaced():
    assert ours.replaced() is None


def test_what_theano_imports_from_sympy(monkeypatch):
    pytest.importorskip("sympy")
    from theano.scalar import basic_sympy

    assert basic_sympy.imported_sympy
    assert ours.replaced() is None
    monkeypatch.setattr(basic_sympy, "get_default_datatype", own)
    assert ours.replaced() == "theano.scalar.basic_sympy.get_default_datatype"


@pytest.mark.parametrize(
    ("owner", "name", "said"),
    [
        (T.basic, "dot", "theano.tensor.basic.dot"),
        (theano.gof.opt.MergeOptimizer, "apply", "theano.gof.opt.MergeOptimizer.apply"),
        (T.elemwise.Elemwise, "make_node", "theano.tensor.elemwise.Elemwise.make_node"),
        (products, products.__all__[0] if hasattr(products, "__all__") else "covers", None),
        (theano.scalar.Exp, "impl", "theano.scalar.basic.Exp.impl"),
    ],
)
def test_function_that_is_replaced(monkeypatch, owner, name, said):
    monkeypatch.setattr(owner, name, own, raising=False)
    assert ours.replaced() == (said or f"theano_today.engine.products.{name}")


def test_functions_of_theanos_tests(monkeypatch):
    monkeypatch.setattr(unittest_tools, "seed_rng", own)
    assert ours.replaced() is None


def test_methods_of_other_kinds(monkeypatch):
    op = T.elemwise.Elemwise
    for value in (staticmethod(own), classmethod(own), property(own), own):
        monkeypatch.setattr(op, "make_node", value)
        assert ours.replaced() == "theano.tensor.elemwise.Elemwise.make_node"
        assert not ours.Code().is_ours(op)


class Callable:
    def __call__(self):
        """Of this file."""


def test_callable_object_as_a_method(monkeypatch):
    monkeypatch.setattr(T.elemwise.Elemwise, "make_node", Callable())
    assert ours.replaced() == "theano.tensor.elemwise.Elemwise.make_node"


def test_classes():
    class Mine(T.elemwise.Elemwise):
        pass

    code = ours.Code()
    for cls in (T.elemwise.Elemwise, T.TensorType, T.blas.Gemm, theano.gof.opt.SeqOptimizer):
        assert code.is_ours(cls), code.why
    for cls in (Mine, Callable, np.ndarray, dict):
        assert not code.is_ours(cls)
    Mine.__module__, Mine.__qualname__ = "theano.tensor.elemwise", "Elemwise"
    assert not ours.Code().is_ours(Mine)


def test_functions():
    code = ours.Code()
    assert code.is_our_function(T.basic.dot)
    assert code.is_our_function(np.add)
    assert not code.is_our_function(own)
    assert not code.is_our_function(os.system)
    assert ours.found("theano.tensor.basic", "Dot.make_node") is T.Dot.make_node
    assert ours.found("theano.tensor.basic", "Dot.nothing") is None
