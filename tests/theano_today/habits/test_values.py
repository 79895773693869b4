"""What arrays take as indices and sizes: as NumPy of the time, and as today where that answers."""

from __future__ import annotations

import numpy as np
import pytest

from theano_today.habits import values


def square():
    return np.arange(12.0).reshape(3, 4)


# What NumPy 1.9 gave, by its own rule: floats are cut off, a list is a tuple unless it is numbers.
KEYS = [
    (2.0, 2),
    (1.7, 1),
    (-0.5, 0),
    (np.float32(1), 1),
    ((0, 1.0), (0, 1)),
    (slice(0.5 * 4), slice(2)),
    (slice(None, None, 2.0), slice(None, None, 2)),
    ((slice(1.0, None), 2.5), (slice(1, None), 2)),
    ([slice(0, 2), slice(1, 3)], (slice(0, 2), slice(1, 3))),
    ([Ellipsis, 1], (Ellipsis, 1)),
    ([0.0, 2.0], [0, 2]),
    (np.array([0.9, 2.0]), np.array([0, 2])),
    (np.array([True, False]), np.array([True, False, False])),
    ((slice(None), np.array([True])), (slice(None), np.array([0]))),
]


@pytest.mark.parametrize(("key", "means"), KEYS)
@pytest.mark.parametrize("python2", [False, True])
def test_indices(key, means, python2):
    item = values.item_of_python2 if python2 else values.item
    indexed = values.indexed_of_python2 if python2 else values.indexed
    np.testing.assert_array_equal(item(square(), key), square()[means])
    np.testing.assert_array_equal(indexed(square())[key], square()[means])
    x, want = square(), square()
    indexed(x)[key] = -1
    want[means] = -1
    np.testing.assert_array_equal(x, want)
    x, want = square(), square()
    indexed(x)[key] += 5
    want[means] += 5
    np.testing.assert_array_equal(x, want)


@pytest.mark.parametrize("key", ["a", 9, 9.0, np.nan, np.array([np.inf]), (0, 0, 0.0), [1, 7.0]])
def test_what_is_no_index_is_refused(key):
    for call in (values.item, values.item_of_python2, lambda x, k: values.indexed(x)[k]):
        with pytest.raises((IndexError, TypeError)):
            call(square(), key)


def test_a_list_of_lists_is_decided_by_the_age_of_the_program():
    key = [[0, 1], [1, 2]]
    assert values.item_of_python2(square(), key).tolist() == [1.0, 6.0]
    assert values.item(square(), key).shape == (2, 2, 4)
    x = square()
    values.indexed_of_python2(x)[key] = 0
    assert np.count_nonzero(x == 0) == 3
    # As many as NumPy had dimensions were a tuple, and one more not.
    many = [[0]] * 33
    assert values.item_of_python2(square(), many).shape == (33, 1, 4)


def test_lists_of_fields():
    x = np.zeros(2, [("a", int), ("b", float)])
    assert values.item_of_python2(x, ["a", "b"]).dtype.names == ("a", "b")


def test_keys_that_numpy_takes_are_numpy_s():
    x = square()
    for key in (1, slice(1), (0, 1), [0, 1], x > 3, None, ..., np.array([[0, 1]])):
        np.testing.assert_array_equal(values.item(x, key), x[key])
    assert np.shares_memory(values.item(x, slice(0, 2.0)), x)


def test_what_is_no_array_is_itself():
    class Array(np.ndarray):
        pass

    for x in ([1], {}, "a", pytest, np.ma.array([1]), np.arange(3).view(Array)):
        for function in (values.indexed, values.negated, values.number, values.compared):
            assert function(x) is x


def test_reshape():
    x = square()
    assert values.indexed(x).reshape(2.0, 6).shape == (2, 6)
    assert values.indexed(x).reshape((4.5, 3)).shape == (4, 3)
    assert values.indexed(x).reshape(-1, order="F").shape == (12,)


def test_minus():
    mask = np.array([True, False])
    np.testing.assert_array_equal(-values.negated(mask), ~mask)
    assert -values.negated(np.bool_(True)) == np.False_
    x = square()
    assert values.negated(x) is x


def test_numbers():
    assert float(values.number(np.array([[2.5]]))) == 2.5
    zero_dimensions = np.array(2.5)
    assert values.number(zero_dimensions) is zero_dimensions
    two = np.arange(2)
    assert values.number(two) is two


def test_formatted():
    one = np.array([2.5])
    assert values.formatted("%.2f", one) == "2.50"
    assert values.formatted("%d: %.1f %s", (3, one, "a")) == "3: 2.5 a"
    assert values.formatted("%s", one) == "[2.5]"
    assert values.formatted("%(x)s", {"x": 1}) == "1"
    with pytest.raises(TypeError):
        values.formatted("%d", (1, 2))
    with pytest.raises(TypeError):
        values.formatted("%f", np.arange(2.0))


def test_comparisons():
    x = square()
    for other in (None, "text"):
        assert (values.compared(x) == other) is np.False_
        assert (values.compared(x) != other) is np.True_
    objects = np.array([None, 1], object)
    assert (values.compared(objects) == None).tolist() == [True, False]  # noqa: E711
