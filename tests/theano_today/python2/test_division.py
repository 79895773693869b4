"""a / b of Python 2, by values."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from theano_today.python2.division import div, divide_of, idiv, idiv_attribute, idiv_item, key

INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.mark.parametrize("dtype", INTS)
def test_whole_numbers_of_numpy(dtype):
    a = np.array([0, 1, 7, 100], dtype)
    for other in (3, np.array(3, dtype), dtype and a.dtype.type(3)):
        result = div(a, other)
        assert result.dtype == a.dtype
        np.testing.assert_array_equal(result, a // 3)
    np.testing.assert_array_equal(div(100, a[1:]), 100 // a[1:])


@pytest.mark.parametrize("a", INTS)
@pytest.mark.parametrize("b", INTS)
def test_pairs_of_types(a, b):
    """What NumPy has no whole type for was never rounded."""
    x, y = np.array([7], a), np.array([2], b)
    together = np.promote_types(a, b)
    result = div(x, y)
    assert result.dtype == together
    assert result[0] == (3.5 if together.kind == "f" else 3)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (7, 2, 3),
        (-7, 2, -4),
        (True, 2, 0),
        (7.0, 2, 3.5),
        (7, 2j, -3.5j),
        (np.int64(7), 2, 3),
        (7, np.int8(2), 3),
        (np.float32(7), 2, 3.5),
        (np.int64(7), 2.0, 3.5),
        (np.True_, np.True_, 1),
        (Fraction(7), 2, Fraction(7, 2)),
        (10**30 + 1, 10**10, 10**20),
    ],
)
def test_numbers(a, b, expected):
    assert div(a, b) == expected


def test_zero():
    with pytest.raises(ZeroDivisionError):
        div(1, 0)
    with np.errstate(all="ignore"):
        assert div(np.int32(1), 0) == 0


def test_lists_with_arrays():
    np.testing.assert_array_equal(div([7, 8], np.array([2, 3])), [3, 2])
    np.testing.assert_array_equal(div(np.array([7, 8]), [2.0, 3]), [3.5, 8 / 3])


def test_arrays_of_objects():
    np.testing.assert_array_equal(div(np.array([7, 7.0], object), 2), [3, 3.5])


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_arrays_keep_their_class():
    masked = div(np.ma.array([7, 8], mask=[0, 1]), 2)
    assert masked.tolist() == [3, None]
    assert isinstance(div(np.matrix([[7, 8]]), 2), np.matrix)


def test_pandas_divided_truly():
    assert div(pd.Series([7]), 2)[0] == 3.5
    assert div(pd.DataFrame({"a": [7]}), 2)["a"][0] == 3.5
    series = pd.Series([7.0])
    assert idiv(series, 2)[0] == 3.5


def test_methods_of_python_2():
    class Half:
        def __div__(self, other):
            return NotImplemented if other == 0 else ("div", other)

        def __rdiv__(self, other):
            return "rdiv", other

        def __truediv__(self, other):
            return "truediv"

    assert div(Half(), 2) == ("div", 2)
    assert div(2, Half()) == ("rdiv", 2)
    assert div(np.float64(2), Half()) == ("rdiv", 2)
    assert div(Half(), 0) == "truediv"
    assert idiv(Half(), 2) == ("div", 2)


def test_in_place():
    whole = np.array([7, -7])
    same = idiv(whole, 2)
    assert same is whole
    assert whole.tolist() == [3, -4]
    real = np.array([7.0])
    assert idiv(real, 2) is real
    assert real[0] == 3.5
    objects = np.array([7, 7.0], object)
    assert idiv(objects, 2).tolist() == [3, 3.5]
    assert (idiv(7, 2), idiv(7.0, 2), idiv(np.int64(7), 2)) == (3, 3.5, 3)
    with pytest.raises(TypeError):
        idiv(whole, 2.5)

    holder = {"a": np.array([[8, 9]])}
    idiv_item(holder["a"], key[0, 1:], 2)
    assert holder["a"].tolist() == [[8, 4]]

    class Owner:
        n = 9

    idiv_attribute(Owner, "n", 2)
    assert Owner.n == 4


def test_numpys_divide():
    divide = divide_of(np)
    assert divide(7, 2) == 3
    assert divide([7.0], 2)[0] == 3.5
    out = np.empty(1, int)
    assert divide([7], [2], out) is out

    class Other:
        divide = "its own"

    assert divide_of(Other) == "its own"


@pytest.mark.filterwarnings("ignore:Division of two integer types")
def test_theanos_variables():
    import theano
    import theano.tensor as T

    i, x, u = T.ivector(), T.vector(), T.iscalar()
    results = [div(i, 2), div(7, i), div(i, u), div(x, 2), div(i, x), div(np.arange(2), u)]
    assert [r.dtype[:3] for r in results] == ["int", "int", "int", "flo", "flo", "int"]
    values = theano.function([i, x, u], results, mode="FAST_COMPILE")(
        np.array([7, -7], "int32"), np.array([2, 2], theano.config.floatX), 2
    )
    expected = [[3, -4], [1, -1], [3, -4], [1, 1], [3.5, -3.5], [0, 0]]
    for value, right in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, right)
