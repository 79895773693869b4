"""Results as NumPy arrays at once, or read when somebody looks at them."""

from tests.theano_today.torch_link.compare import TORCH, torch  # isort: skip  # noqa: F401

import copy
import pickle

import numpy as np
import pytest
import theano
import theano.tensor as T

A = np.float32([[1, 2, 3], [4, 5, 6]])


@pytest.fixture(scope="module")
def late():
    x = T.matrix()
    function = theano.function([x], x.sum(), mode=TORCH)
    function.fn.results_later = True
    return function


def test_arithmetic_comparison_and_words(late):
    value = late(A)
    assert value + 1 == 22
    assert 2 * value == 42
    assert value > 20
    assert np.sqrt(value) == pytest.approx(21**0.5)
    assert (int(value), bool(value), value.item()) == (21, True, 21.0)
    assert f"{value:.2f}" == "21.00"
    assert repr(value) == repr(np.array(21, np.float32))


def test_copies_and_pickles_are_numpys(late):
    value = late(A)
    for other in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):
        assert type(other) in (np.ndarray, np.float32)
        assert other == 21


def test_a_result_is_the_callers_own():
    x = T.matrix()
    function = theano.function([x], [x * 2, x], mode=TORCH)
    first = function(A)
    kept = [r.copy() for r in first]
    for r in function(A + 1):
        r[...] = 0
    for r, want in zip(first, kept, strict=True):
        np.testing.assert_array_equal(r, want)


def test_the_old_value_of_what_is_updated():
    w = theano.shared(A.copy())
    function = theano.function([], [w, w.sum()], updates=[(w, w + 1)], mode=TORCH)
    old, total = function()
    np.testing.assert_array_equal(old, A)
    assert total == 21
    np.testing.assert_array_equal(w.get_value(), A + 1)
