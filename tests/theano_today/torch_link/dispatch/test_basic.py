"""The table of Ops: a rule holds for the exact type of an Op."""

from tests.theano_today.torch_link.compare import TORCH, torch  # isort: skip  (skips)

import numpy as np
import theano
import theano.tensor as T
from theano.tensor.extra_ops import CumOp

from theano_today.torch_link.dispatch import RULES, basic


def test_a_subclass_runs_its_own_code():
    class Twice(CumOp):
        def perform(self, node, inputs, outputs, params):
            super().perform(node, inputs, outputs, params)
            outputs[0][0] = 2 * outputs[0][0]

        def c_code(self, *arguments):
            raise NotImplementedError

    assert CumOp in RULES
    assert Twice not in RULES
    x = T.vector()
    found = theano.function([x], Twice(axis=0)(x), mode=TORCH)(np.float32([1, 2, 3]))
    assert found.tolist() == [2, 6, 12]


def test_which_inputs_a_rule_wants_on_the_host(monkeypatch):
    monkeypatch.setattr(basic, "RULES", {})

    @basic.implements(int, float, host=(1,), numbers="0-d")
    def first(op, node, target):
        return None

    @basic.implements(str, host=basic.from_second)
    def second(op, node, target):
        return None

    node = T.join(0, T.vector(), T.vector()).owner
    assert basic.RULES[int] == basic.RULES[float]
    assert tuple(basic.RULES[int].host(node.op, node)) == (1,)
    assert list(basic.RULES[str].host(node.op, node)) == [1, 2]
    assert list(basic.every_input(node.op, node)) == [0, 1, 2]


def test_numbers_and_tensors_are_told_apart():
    assert basic.is_number(2.5)
    assert not basic.is_number(torch.tensor(2.5))
    assert basic.ints(np.array([1, 2], "int8")) == [1, 2]
