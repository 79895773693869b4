"""Dtypes of arithmetic with scalars: what NumPy 1.19.5 gave, of tables that it printed."""

from __future__ import annotations

import fractions
import itertools
import operator

import numpy as np
import pytest

from theano_today.habits import promotion

TYPES = "?bBhHiIlLefdFD"

# A scalar, and the dtypes of arrays of each of TYPES plus it, by NumPy 1.19.5. Arrays without
# dimensions were the same as scalars.
BESIDE_ARRAYS = {
    ("?", True): "?bBhHiIlLefdFD",
    ("b", 1): "bbBhHiIlLefdFD",
    ("b", -1): "bbhhiilldefdFD",
    ("b", 100): "bbBhHiIlLefdFD",
    ("b", -100): "bbhhiilldefdFD",
    ("B", 1): "BbBhHiIlLefdFD",
    ("B", 100): "BbBhHiIlLefdFD",
    ("B", 200): "BhBhHiIlLefdFD",
    ("h", 1): "hbBhHiIlLefdFD",
    ("h", -1): "hbhhiilldefdFD",
    ("h", 100): "hbBhHiIlLefdFD",
    ("h", -100): "hbhhiilldefdFD",
    ("h", 200): "hhBhHiIlLefdFD",
    ("h", -200): "hhhhiilldffdFD",
    ("h", 1000): "hhHhHiIlLffdFD",
    ("h", -1000): "hhhhiilldffdFD",
    ("H", 1): "HbBhHiIlLefdFD",
    ("H", 100): "HbBhHiIlLefdFD",
    ("H", 200): "HhBhHiIlLefdFD",
    ("H", 1000): "HhHhHiIlLffdFD",
    ("i", 1): "ibBhHiIlLefdFD",
    ("i", -1): "ibhhiilldefdFD",
    ("i", 100): "ibBhHiIlLefdFD",
    ("i", -100): "ibhhiilldefdFD",
    ("i", 200): "ihBhHiIlLefdFD",
    ("i", -200): "ihhhiilldffdFD",
    ("i", 1000): "ihHhHiIlLffdFD",
    ("i", -1000): "ihhhiilldffdFD",
    ("i", 70000): "iiIiIiIlLdddDD",
    ("i", -70000): "iiiiiillddddDD",
    ("I", 1): "IbBhHiIlLefdFD",
    ("I", 100): "IbBhHiIlLefdFD",
    ("I", 200): "IhBhHiIlLefdFD",
    ("I", 1000): "IhHhHiIlLffdFD",
    ("I", 70000): "IiIiIiIlLdddDD",
    ("l", 1): "lbBhHiIlLefdFD",
    ("l", -1): "lbhhiilldefdFD",
    ("l", 100): "lbBhHiIlLefdFD",
    ("l", -100): "lbhhiilldefdFD",
    ("l", 200): "lhBhHiIlLefdFD",
    ("l", -200): "lhhhiilldffdFD",
    ("l", 1000): "lhHhHiIlLffdFD",
    ("l", -1000): "lhhhiilldffdFD",
    ("l", 70000): "liIiIiIlLdddDD",
    ("l", -70000): "liiiiillddddDD",
    ("L", 1): "LbBhHiIlLefdFD",
    ("L", 100): "LbBhHiIlLefdFD",
    ("L", 200): "LhBhHiIlLefdFD",
    ("L", 1000): "LhHhHiIlLffdFD",
    ("L", 70000): "LiIiIiIlLdddDD",
    ("e", 0.1): "eeeffddddefdFD",
    ("e", 1000.5): "eeeffddddefdFD",
    ("f", 0.1): "fffffddddefdFD",
    ("f", 70000.5): "fffffddddffdFD",
    ("f", 1e30): "fffffddddffdFD",
    ("d", 0.1): "dddddddddefdFD",
    ("d", 70000.5): "dddddddddffdFD",
    ("d", 1e30): "dddddddddffdFD",
    ("d", 1e300): "ddddddddddddDD",
    ("d", float("inf")): "dddddddddefdFD",
    ("d", float("nan")): "dddddddddefdFD",
    ("F", 0.1 + 2j): "FFFFFDDDDFFDFD",
    ("D", 0.1 + 2j): "DDDDDDDDDFFDFD",
}

# A number of Python, the same, and scalars of each of TYPES plus it.
OF_PYTHON = {
    1: ("lbBhHiIlLefdFD", "llllllllddddDD"),
    -1: ("lbhhiilldefdFD", "llllllllddddDD"),
    100: ("lbBhHiIlLefdFD", "llllllllddddDD"),
    200: ("lhBhHiIlLefdFD", "llllllllddddDD"),
    300: ("lhHhHiIlLffdFD", "llllllllddddDD"),
    -200: ("lhhhiilldffdFD", "llllllllddddDD"),
    70000: ("liIiIiIlLdddDD", "llllllllddddDD"),
    1099511627776: ("llLlLlLlLdddDD", "llllllllddddDD"),
    0.5: ("dddddddddefdFD", "ddddddddddddDD"),
    0.1: ("dddddddddefdFD", "ddddddddddddDD"),
    1e30: ("dddddddddffdFD", "ddddddddddddDD"),
    1e300: ("ddddddddddddDD", "ddddddddddddDD"),
    -0.1: ("dddddddddefdFD", "ddddddddddddDD"),
    2j: ("DDDDDDDDDFFDFD", "DDDDDDDDDDDDDD"),
}


def array(kind):
    return np.array([1, 2, 3]).astype(kind)


def dtypes(operands, number, first=False):
    pairs = [(number, x) if first else (x, number) for x in operands]
    with np.errstate(all="ignore"):
        return "".join(np.asarray(promotion.add(*pair)).dtype.char for pair in pairs)


@pytest.mark.parametrize("without_dimensions", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_arrays_and_scalars(without_dimensions, first):
    arrays = [array(kind) for kind in TYPES]
    for (kind, value), row in BESIDE_ARRAYS.items():
        scalar = np.dtype(kind).type(value)
        if without_dimensions:
            scalar = np.array(scalar)
        assert dtypes(arrays, scalar, first) == row, (kind, value)


@pytest.mark.parametrize("first", [False, True])
def test_numbers_of_python(first):
    arrays = [array(kind) for kind in TYPES]
    scalars = [np.dtype(kind).type(1) for kind in TYPES]
    for number, (beside_arrays, beside_scalars) in OF_PYTHON.items():
        assert dtypes(arrays, number, first) == beside_arrays, number
        assert dtypes(scalars, number, first) == beside_scalars, number
        assert dtypes(map(np.array, scalars), number, first) == beside_scalars, number


def same(got, want):
    assert type(got) is type(want)
    assert np.asarray(got).dtype == np.asarray(want).dtype
    np.testing.assert_array_equal(got, want)


def test_values():
    x = np.float32(0.1)
    same(promotion.mult(x, 0.1), np.float64(float(x) * 0.1))
    same(promotion.add(0.0, np.array(x)), np.float64(x))
    same(promotion.add(np.uint8(200), 100), np.int64(300))
    same(promotion.mult(np.int32(2**30), 4), np.int64(2**32))
    same(promotion.lshift(np.uint8(1), 9), np.int64(512))
    same(promotion.div(np.uint8(3), np.uint8(7)), np.float32(3) / np.float32(7))
    same(promotion.pow(np.array(x), 2), x * x)
    same(promotion.pow(x, 2), np.float64(x) ** 2)
    pixels = np.array([3, 200], "uint8")
    same(promotion.add(pixels, 300), np.array([303, 500], "uint16"))
    same(promotion.mult(pixels, -1), np.array([-3, -200], "int16"))
    same(promotion.sub(pixels, np.int64(4)), np.array([255, 196], "uint8"))
    weights = np.array([0.3, 0.7], "float32")
    same(promotion.mult(weights, np.sqrt(0.02)), weights * np.float32(np.sqrt(0.02)))
    same(promotion.div(weights, np.int64(3)), weights / np.float32(3))
    same(promotion.add(weights, 1e300), weights.astype(float) + 1e300)


def test_comparisons():
    tenth = np.float32(0.1)
    assert not promotion.eq(tenth, 0.1)
    assert promotion.noteq(tenth, 0.1)
    assert promotion.gt(tenth, 0.1)
    assert not promotion.lte(tenth, 0.1)
    # Beside an array the scalar was rounded.
    assert promotion.eq(np.array([tenth]), np.float64(0.1)).all()
    assert promotion.gte(np.array([tenth]), np.float64(0.1)).all()
    assert promotion.lt(np.uint8(5), 300)


@pytest.mark.parametrize("dtype", "efd")
def test_floats_divided_by_zero_and_rounded(dtype):
    """NaN, each of them; infinities since NumPy 1.20."""
    x = np.array([5, -5, 0, np.inf, np.nan, 7], dtype)
    zeros = np.array([0, -0.0, 0, 0, 0, 2], dtype)
    nan = np.nan
    with np.errstate(all="ignore"):
        for divisor in (0, 0.0, -0.0, np.float32(0), zeros[:1]):
            same(promotion.floordiv(x, divisor), np.full(6, nan, dtype))
        same(promotion.floordiv(x, zeros), np.array([nan] * 5 + [3], dtype))
        same(promotion.floordiv(x[0], x.dtype.type(0)), x.dtype.type(nan))
        same(promotion.floordiv(np.arange(3), 0.0), np.full(3, nan))
        changed = x.copy()
        assert promotion.ifloordiv(changed, zeros) is changed
        same(changed, np.array([nan] * 5 + [3], dtype))
        again = np.array([0, 4], dtype)
        same(promotion.ifloordiv(again, again), np.array([nan, 1], dtype))
        same(promotion.floordiv(np.int32(5), 0), 5 // np.array([0])[0])
    same(promotion.floordiv(x[-1:], 2), np.array([3], dtype))


def test_arrays_that_do_not_fit_are_unequal():
    x = np.arange(3)
    for other in (np.arange(2), np.arange(0), [1, 2], (1, 2), np.ones((2, 2)), "abc", b"a", ""):
        assert promotion.eq(x, other) is False
        assert promotion.eq(other, x) is False
        assert promotion.noteq(x, other) is True
        assert promotion.noteq(other, x) is True
    words = np.array(["a", "b"])
    assert promotion.eq(words, "a").tolist() == [True, False]
    assert promotion.eq(x, [0, 5, 2]).tolist() == [True, False, True]
    with pytest.raises(ValueError, match="broadcast"):
        promotion.lt(x, np.arange(2))


def test_in_place():
    x = np.array([0.3, 0.7], "float32")
    got = promotion.imult(x, np.float64(0.1))
    assert got is x
    same(x, np.array([0.3, 0.7], "float32") * np.float32(0.1))
    counts = np.array([250, 3], "uint8")
    assert promotion.iadd(counts, np.int64(10)) is counts
    same(counts, np.array([4, 13], "uint8"))
    same(promotion.iadd(counts, 300), np.array([48, 57], "uint8"))
    total = 0.0
    for cost in [np.float32(0.1)] * 3:
        total = promotion.iadd(total, np.array(cost))
    same(total, np.float64(np.float32(0.1)) * 3)
    words = ["a"]
    assert promotion.iadd(words, ["b"]) is words


@pytest.mark.parametrize(
    ("a", "b"),
    list(itertools.product([3, 0.5, True, fractions.Fraction(1, 3), 2**70], repeat=2)),
)
def test_python_s_own_numbers(a, b):
    for ours, native in [
        (promotion.add, operator.add),
        (promotion.div, operator.truediv),
        (promotion.pow, operator.pow) if abs(a) < 4 and abs(b) < 4 else (promotion.lt, operator.lt),
    ]:
        got, want = ours(a, b), native(a, b)
        assert type(got) is type(want)
        assert got == want


def test_what_others_define():
    class Seen:
        def __add__(self, other):
            return type(other)

        __radd__ = __add__

    for x in (1, 0.5, np.float32(1), np.zeros(2), np.array(1.0), "a"):
        assert promotion.add(Seen(), x) is type(x)
    masked = np.ma.array([1, 2], mask=[0, 1], dtype="float32")
    assert promotion.mult(masked, 0.1).dtype == (masked * 0.1).dtype
    assert promotion.add("a", "b") == "ab"
    with pytest.raises(TypeError, match=r"for \+: 'int' and 'str'"):
        promotion.add(1, "a")
    text = np.array(["a", "b"])
    assert (promotion.eq(text, "a")).tolist() == [True, False]
    days = np.array(["2015-01-01"], "datetime64[D]")
    assert promotion.add(days, 1)[0] == np.datetime64("2015-01-02")
    assert promotion.add(np.array(["a"], object), "b").tolist() == ["ab"]
