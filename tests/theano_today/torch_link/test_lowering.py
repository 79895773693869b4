"""Where each variable lives, and which steps wait for the device."""

from tests.theano_today.torch_link.compare import TORCH, torch  # isort: skip  # noqa: F401

import numpy as np
import pytest
import theano
import theano.tensor as T

from theano_today.torch_link.lowering import Kind


def kinds(inputs, outputs):
    """By type of Op: the kinds of its steps."""
    function = theano.function(inputs, outputs, mode=TORCH, on_unused_input="ignore")
    found = {}
    for step in function.fn.lowered.steps:
        if step.node is not None:
            found.setdefault(type(step.node.op).__name__, set()).add(step.kind)
    return found, function


def test_arithmetic_on_shapes_never_waits():
    x = T.matrix()
    found, f = kinds([x], x.reshape((x.shape[1] * x.shape[0] // 2, 2)).sum(0))
    assert Kind.SYNC not in set().union(*found.values())
    assert Kind.HOST in set().union(*found.values())
    np.testing.assert_array_equal(f(np.ones((3, 4), np.float32)), [6, 6])


def test_a_shape_that_is_computed_from_values_does():
    x = T.vector()
    n = T.cast(x.sum(), "int64")
    found, f = kinds([x], T.alloc(x[0], n))
    assert Kind.SYNC in set().union(*found.values())
    assert f(np.float32([1, 2])).tolist() == [1, 1, 1]


def test_an_op_on_the_host_does():
    x = T.dvector()
    found, f = kinds([x], T.sort(x) * 2)
    assert found["SortOp"] == {Kind.SYNC}
    assert found["Elemwise"] == {Kind.DEVICE}
    assert f([3.0, 1.0]).tolist() == [2, 6]


@pytest.mark.parametrize("outputs", [1, 2])
def test_memory_is_freed_after_its_last_use(outputs):
    x = T.matrix()
    products = [T.dot(x, x)]
    for _ in range(3):
        products.append(T.dot(products[-1], x))
    _, function = kinds([x], products[-outputs:])
    steps = function.fn.lowered.steps
    freed = [register for step in steps for register in step.frees]
    assert len(freed) == len(set(freed)) >= 4 - outputs
    for i, step in enumerate(steps):
        later = {register for s in steps[i + 1 :] for register in s.inputs}
        assert not set(step.frees) & later
