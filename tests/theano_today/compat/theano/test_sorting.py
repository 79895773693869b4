"""The order of equal elements against NumPy 1.19.5's, which was recorded."""

import zlib

import numpy as np
import pytest

import theano_today  # noqa: F401
from theano_today.compat.theano import sorting

# What NumPy 1.19.5 (Debian 11) gives for `digests`: it printed this table.
RECORDED = {
    "float32": (3785119289, 3025811338, 10226422),
    "float64": (3785119289, 3025811338, 90015970),
    "int64": (2821076116, 1050424665, 12800630),
    "int32": (2821076116, 1050424665, 2206576621),
    "uint32": (2821076116, 1050424665, 2206576621),
    "uint64": (2821076116, 1050424665, 12800630),
    "int8": (1483817172, 2216652414, 873306380),
    "int16": (2821076116, 1050424665, 2417893221),
    "uint16": (2821076116, 1050424665, 2417893221),
    "bool": (3301119072, 3486193754, 317028680),
    "float16": (338264310, 616577403, 829069136),
}


def digests(dtype, argsort, argpartition, partition):
    """Return checksums of what the functions do with arrays that have many equal elements."""
    random = np.random.RandomState(0)
    sums = [0, 0, 0]

    def add(number, values):
        sums[number] = zlib.crc32(values.tobytes(), sums[number])

    for n in [*range(1, 70), 100, 257, 1000]:
        for most in (2, 5, 50, 10**4):
            a = random.randint(0, most, n).astype(dtype)
            if a.dtype.kind == "f" and most == 5:
                a[a == 3] = np.nan
            add(0, argsort(a).astype("int64"))
            for k in sorted({1, n // 2, n - 1, n - 3}):
                if 0 < k < n:
                    add(1, argpartition(a, -k).astype("int64"))
                    add(1, argpartition(a, k).astype("int64"))
                    add(2, partition(a, -k))
    return tuple(sums)


@pytest.mark.parametrize("dtype", RECORDED)
def test_the_order_of_equal_elements(dtype):
    got = digests(dtype, sorting.argsort, sorting.argpartition, sorting.partition)
    assert got == RECORDED[dtype]


@pytest.mark.parametrize("dtype", ["float64", "int8", "int64", "uint64", "complex64", "bool"])
def test_each_axis_by_itself(dtype):
    a = np.random.RandomState(1).randint(0, 4, (5, 3, 20)).astype(dtype)
    for axis in (-1, 0, 1, 2):
        for function in (sorting.argsort, lambda a, axis: sorting.argpartition(a, 1, axis)):
            got = function(a, axis)
            rows = np.moveaxis(a, axis, -1).reshape(-1, a.shape[axis])
            one_by_one = np.array([function(row, 0) for row in rows])
            np.testing.assert_array_equal(
                np.moveaxis(got, axis, -1).reshape(one_by_one.shape), one_by_one
            )


def test_the_ends_of_the_integers():
    for dtype in ("int64", "uint64", "int32"):
        info = np.iinfo(dtype)
        a = np.array([info.max, 0, info.min, info.max, info.max - 1, info.min, 1, 0], dtype)
        np.testing.assert_array_equal(a[sorting.argsort(a)], np.sort(a))
        for k in range(-8, 8):
            assert np.sort(a)[k] == sorting.partition(a, k)[k]
            assert np.sort(a)[k] == a[sorting.argpartition(a, k)][k]


def test_a_stable_sort_is_left_to_numpy():
    a = np.random.RandomState(1).randint(0, 4, 100).astype("float32")
    np.testing.assert_array_equal(
        sorting.argsort(a, kind="mergesort"), np.argsort(a, kind="stable")
    )
    assert sorting.argsort(np.zeros((0, 3)), 0).shape == (0, 3)


def test_theano_sorts_that_way():
    import theano
    import theano.tensor as T

    x = T.vector()
    value = np.array([4, 1, 3, 3, 4, 1, 0, 1, 2, 2, 0, 4, 0, 4, 0, 3, 2, 3, 4, 4], "float32")
    outputs = [T.argsort(x), T.argtopk(x, 5, sorted=False), theano.grad(T.sort(x)[:3].sum(), x)]
    order, top, gradient = theano.function([x], outputs, mode="FAST_COMPILE")(value)
    # Recorded with Theano 1.0.5 on NumPy 1.19.5
    assert order.tolist() == [6, 10, 12, 14, 1, 5, 7, 9, 8, 16, 2, 3, 17, 15, 0, 11, 18, 4, 13, 19]
    assert top.tolist() == [0, 13, 11, 4, 19]
    assert np.flatnonzero(gradient).tolist() == [6, 10, 12]
