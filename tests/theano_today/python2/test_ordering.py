"""The order of Python 2."""

import itertools

import numpy as np
import pytest

from theano_today.python2 import ordering

# In the order of CPython 2.7.18.
ORDER = [None, False, 2.5, 3, {}, {"a": 1}, [2], [2, None], [2, 0], "a", "b", (1,), (1, None)]


def test_pairs():
    for i, j in itertools.product(range(len(ORDER)), repeat=2):
        a, b = ORDER[i], ORDER[j]
        assert ordering.cmp(a, b) == (i > j) - (i < j)
        assert ordering.lt(a, b) == (i < j)
        assert ordering.le(a, b) == (i <= j)
        assert ordering.gt(a, b) == (i > j)
        assert ordering.ge(a, b) == (i >= j)


def test_sorted():
    shuffled = [ORDER[i] for i in np.random.RandomState(0).permutation(len(ORDER))]
    assert ordering.sorted(shuffled) == ORDER
    assert ordering.sorted(shuffled, reverse=True) == ORDER[::-1]
    assert ordering.sorted(shuffled, key=lambda x: x) == ORDER
    assert ordering.min(shuffled) is None
    assert ordering.max(*shuffled) == (1, None)


def test_sort_by_cmp():
    assert ordering.sorted([3, 1, 2], lambda a, b: b - a) == [3, 2, 1]
    assert ordering.sorted(["b", "A"], cmp=ordering.cmp, key=str.lower) == ["A", "b"]
    items = [3, None, "a"]
    assert ordering.sort(items) is None
    assert items == [None, 3, "a"]
    with pytest.raises(TypeError, match="colour"):
        ordering.sort([], colour=1)


def test_other_classes_sort_themselves():
    array = np.array([[3, 1], [2, 4]])
    ordering.sort(array, 0)
    assert array.tolist() == [[2, 1], [3, 4]]


def test_objects_without_an_order_keep_theirs():
    class Thing:
        pass

    pairs = [(1, Thing()), (0, Thing()), (1, Thing()), (0, Thing())]
    assert ordering.sorted(pairs) == [pairs[1], pairs[3], pairs[0], pairs[2]]


def test_complex_numbers_have_no_order():
    with pytest.raises(TypeError, match="complex"):
        ordering.lt(1j, 2j)


def test_errors_are_the_programs_own():
    class Wrong:
        def __lt__(self, other):
            raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        ordering.lt(Wrong(), 1)
    with pytest.raises(TypeError, match="mine"):
        ordering.sorted([Wrong(), Wrong()])


def test_dicts():
    assert ordering.cmp({"a": 1, "b": 2}, {"a": 1, "b": 3}) == -1
    assert ordering.cmp({"b": 1}, {"a": 1}) == 1
    assert ordering.cmp({"a": None}, {"a": 1}) == -1
