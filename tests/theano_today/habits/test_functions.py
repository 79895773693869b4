"""Functions that a program calls by name: what NumPy 1.19.5 and Python 2 gave."""

from __future__ import annotations

import numpy as np
import pytest

from theano_today.habits import functions


def same(got, want):
    assert type(got) is type(want)
    assert np.asarray(got).dtype == np.asarray(want).dtype
    np.testing.assert_array_equal(got, want)


def test_functions():
    x = np.array([0.3, 0.7], "float32")
    same(functions.called(np.maximum)(x, np.float64(0.5)), np.array([0.5, 0.7], "float32"))
    same(functions.called(np.where)(x > 0.5, x, np.float64(0.1)), np.array([0.1, 0.7], "float32"))
    same(functions.called(np.clip)(x, np.float64(0.4), None), np.array([0.4, 0.7], "float32"))
    same(functions.called(np.clip)(x, a_min=np.float64(0.4), a_max=1), np.float32([0.4, 0.7]))
    same(functions.called(np.add)(np.float32(1), 2), np.float64(3))
    same(functions.called(pow)(np.float32(2), 2), np.float64(4))
    assert functions.called(pow)(7, 2, 5) == 4
    assert functions.called(np.exp) is np.exp
    assert functions.called(max) is max
    out = np.empty(2, "float32")
    assert functions.called(np.multiply)(x, np.float64(2), out) is out


def test_sum():
    total = functions.called(sum)
    same(total([np.float32(0.1)] * 3), np.float64(np.float32(0.1)) * 3)
    # Python 3.12's corrects what is lost.
    assert total([0.1] * 10) == 0.9999999999999999
    assert total([]) == 0
    assert total([[1], [2]], []) == [1, 2]
    assert total(x for x in (1, 2)) == 3
    with pytest.raises(TypeError, match="can't sum strings"):
        total(["a"], "")


# Of each dtype: how many elements, the first indices and a sum over all, by argsort and by
# argpartition of NumPy 1.19.5.
ORDERS = [
    ("int64", 40, [17, 31, 26, 23, 21, 14], 14559, [21, 26, 1, 10, 23, 31], 15303),
    ("int32", 200, [99, 126, 36, 125, 40, 120], 1917011, [135, 56, 131, 132, 99, 102], 1925232),
    ("float32", 60, [45, 34, 25, 41, 42, 47], 49775, [45, 34, 25, 52, 33, 37], 48555),
    ("float64", 300, [271, 43, 87, 45, 46, 158], 6647344, [148, 155, 58, 56, 55, 145], 6541101),
    ("uint8", 50, [16, 1, 46, 4, 37, 39], 29100, [16, 4, 22, 1, 37, 46], 29015),
]


def test_the_order_of_equal_elements():
    random = np.random.RandomState(0)
    argsort, argpartition = functions.called(np.argsort), functions.called(np.argpartition)
    for dtype, n, first, check, first_too, check_too in ORDERS:
        x = random.randint(5, size=n).astype(dtype)
        for got in (argsort(x), functions.called(x.argsort)(), argsort(list(x))):
            assert got[:6].tolist() == first
            assert (got * np.arange(n)).sum() == check
        for got in (argpartition(x, 7), functions.called(x.argpartition)(7)):
            assert got[:6].tolist() == first_too
            assert (got * np.arange(n)).sum() == check_too
    x = random.randint(3, size=(4, 30))
    assert (argsort(x, 0) * np.arange(30)).sum() == 2610
    assert (argsort(x, None) * np.arange(120)).sum() == 386316
    assert (argsort(list(x[0])) * np.arange(30)).sum() == 6642


def test_what_else_is_sorted():
    argsort = functions.called(np.argsort)
    x = np.array([2, 1, 1, 0])
    assert argsort(x, kind="mergesort").tolist() == [3, 1, 2, 0]
    assert argsort(np.array(["b", "a"])).tolist() == [1, 0]
    assert argsort([True, False]).tolist() == [1, 0]
    assert argsort([]).tolist() == []
    assert functions.called(np.argpartition)(x, [1, 2]).tolist()[0] == 3

    class Own:
        def argsort(self):
            return "own"

    assert functions.called(Own().argsort)() == "own"
    lists = [3, 1]
    assert functions.called(lists.index)(1) == 1


@pytest.mark.parametrize("name", functions._TRANSFORMS)
def test_transforms_are_of_float64(name):
    function = getattr(np.fft, name)
    x = np.random.RandomState(1).rand(4, 6).astype("float32")
    same(functions.called(function)(x), function(x.astype(float)))
    of_complex = not (name.startswith("rfft") or name == "ihfft")
    if of_complex:
        same(functions.called(function)(x.astype("F")), function(x.astype(complex)))
    same(functions.called(function)([[1, 2], [3, 4]]), function([[1, 2], [3, 4]]))


def test_unique():
    unique = functions.called(np.unique)
    x = np.array([[3, 1], [1, 2]])
    assert unique(x).tolist() == [1, 2, 3]
    assert [a.tolist() for a in unique(x, return_inverse=True)] == [[1, 2, 3], [2, 0, 0, 1]]
    got = [a.tolist() for a in unique(x, True, True, True)]
    assert got == [[1, 2, 3], [1, 3, 0], [2, 0, 0, 1], [2, 1, 1]]
    rows, inverse = unique(np.array([[1, 2], [1, 2]]), return_inverse=True, axis=0)
    assert (rows.tolist(), inverse.tolist()) == ([[1, 2]], [0, 0])
    np.testing.assert_array_equal(unique([np.nan, 1, np.nan]), [1, np.nan, np.nan])


def test_lstsq():
    a = np.array([[1, 1], [1, 1 + 1e-15], [1, 1]])
    lstsq = functions.called(np.linalg.lstsq)
    assert abs(lstsq(a, [1, 2, 3.0])[0]).min() > 1e13  # 1.7e14 by NumPy 1.19.5
    assert lstsq(a, [1, 2, 3.0])[2] == 2
    assert lstsq(a, [1, 2, 3.0], rcond=None)[2] == 1
