"""The link as the default of theano.function."""

from tests.theano_today.torch_link.compare import torch  # isort: skip  (skips)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile import mode as theano_mode

from theano_today import torch_link
from theano_today.torch_link.program import Program


@pytest.fixture
def default(monkeypatch):
    before = theano_mode.get_default_mode()
    monkeypatch.setattr(theano_mode, "instantiated_default_mode", before)
    yield before
    torch_link.set_precision("float32")


def test_functions_without_a_mode_run_on_the_device(default):
    target = torch_link.use("cpu")
    assert (target.device, target.precision) == (torch.device("cpu"), "float32")
    x = T.matrix()
    f = theano.function([x], T.tanh(x))
    assert type(f.fn) is Program
    np.testing.assert_allclose(f(np.float32([[0.5]])), np.tanh([[0.5]]), 1e-6)
    stock = theano.function([x], T.tanh(x), mode="FAST_COMPILE")
    assert type(stock.fn) is not Program


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("cpu", "float16"), ValueError, "expected one of float32, tf32, bf16"),
        (("abacus",), RuntimeError, "abacus"),
    ],
)
def test_what_does_not_exist_is_refused_and_changes_nothing(default, arguments, error, words):
    with pytest.raises(error, match=words):
        torch_link.use(*arguments)
    assert theano_mode.get_default_mode() is default


def test_nothing_works_in_place_or_is_an_op_of_c_only():
    from theano_today.torch_link.target import Target

    mode = torch_link.mode(Target(torch.device("cpu")))
    w, x = theano.shared(np.ones((2, 2), np.float32)), T.matrix()
    f = theano.function([x], T.dot(x, w), updates=[(w, w - 0.1 * T.dot(x.T, x))], mode=mode)
    for node in f.maker.fgraph.apply_nodes:
        assert not getattr(node.op, "destroy_map", None)
        assert "Gemm" not in type(node.op).__name__ or not node.op.inplace
