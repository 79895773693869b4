"""Arrays that NumPy refuses to make today: made where it refuses, and nowhere else."""

from __future__ import annotations

import pickle

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano  # noqa: F401  (which wraps them)

from tests.fresh_python import says


@pytest.mark.parametrize("make", [np.array, np.asarray, np.asanyarray])
def test_rows_of_different_lengths(make):
    sentences = make([[1, 2], [3], []])
    assert (sentences.dtype, sentences.shape) == (object, (3,))
    assert sentences.tolist() == [[1, 2], [3], []]
    rows = make([np.arange(2), np.arange(3)])
    assert rows.dtype == object
    np.testing.assert_array_equal(rows[1], [0, 1, 2])
    assert make([[[1], [2]], [[3], [4, 5]]]).shape == (2, 2)
    assert make([[1, 2], [3]], dtype=object).shape == (2,)


def test_other_types_of_different_lengths_are_refused_as_ever():
    for dtype in ("float32", int):
        with pytest.raises(ValueError, match="inhomogeneous"):
            np.array([[1, 2], [3]], dtype)
        with pytest.raises(ValueError, match="inhomogeneous"):
            np.asarray([[1, 2], [3]], dtype=dtype)


def test_a_copy_where_one_is_needed():
    x = np.arange(3)
    assert np.array(x, copy=False) is x
    made = np.array(x, dtype="float32", copy=False)
    assert made.dtype == "float32"
    assert np.array([1, 2], copy=False, ndmin=2).shape == (1, 2)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "uint64"])
def test_numbers_wrap_around(dtype):
    numbers = [-1, 0, 300, 70000]
    for make in (np.array, np.asarray):
        np.testing.assert_array_equal(make(numbers, dtype), np.array(numbers).astype(dtype))
        np.testing.assert_array_equal(make(numbers, dtype=dtype), make(numbers, dtype))
    with pytest.raises(OverflowError):
        np.uint8(300)  # a class of NumPy's: not touched


def test_wide_numbers_wrap_exactly():
    """Not by way of float64, which numbers of both signs become where no type is given."""
    for make in (np.array, np.asarray, np.asanyarray):
        made = make([[2**63 + 1, -1]], "uint64")
        assert made.dtype == "uint64"
        assert made.tolist() == [[2**63 + 1, 2**64 - 1]]
        assert make([2**63 + 1, -1], "uint32").tolist() == [1, 2**32 - 1]
        assert make((2**53 + 1, 2.7, -1.5), "int8").tolist() == [1, 2, -1]
        made = make(3e9, "int16", order="F")
        assert (made.dtype, made.shape, made.tolist()) == ("int16", (), 24064)
    assert np.array([300, -1], "uint8", ndmin=2, copy=True).tolist() == [[44, 255]]
    for refused in (2**63, 2**64, -(2**63) - 1, np.inf):
        with pytest.raises(OverflowError):
            np.array([refused, 300], "int8")


def test_bytes_by_fromstring():
    data = np.arange(-2, 3, dtype="int16").tobytes()
    read = np.fromstring(data, "int16")
    np.testing.assert_array_equal(read, [-2, -1, 0, 1, 2])
    read[0] = 7  # a copy, other than frombuffer's
    np.testing.assert_array_equal(np.fromstring(data, np.int16, count=2), [-2, -1])
    np.testing.assert_array_equal(np.fromstring("a\xff", dtype="uint8"), [97, 255])
    np.testing.assert_array_equal(np.fromstring("1 2", sep=" "), [1.0, 2.0])
    np.testing.assert_array_equal(np.frombuffer("a\xff", "uint8"), [97, 255])


def test_sum_of_a_generator():
    rows = np.arange(6).reshape(3, 2)
    np.testing.assert_array_equal(np.sum(row for row in rows), rows.sum(0))
    assert np.sum([1, 2], axis=0, keepdims=True).shape == (1,)


def test_normed_histogram():
    data = [1, 2, 2, 5]
    want = np.histogram(data, 3, density=True)[0]
    np.testing.assert_array_equal(np.histogram(data, 3, normed=True)[0], want)
    np.testing.assert_array_equal(np.histogram(data, 3, normed=False)[0], [3, 0, 1])


def test_packages_of_today_are_refused_as_ever():
    code = "def f(np): return np.array([[1, 2], [3]])"
    names: dict = {"__name__": "pandas.core.frame"}
    exec(code, names)
    with pytest.raises(ValueError, match="inhomogeneous"):
        names["f"](np)
    names["__name__"] = "pandas_of_my_own"
    assert names["f"](np).shape == (2,)


def test_functions_are_what_they_were():
    for function in (np.array, np.asarray, np.sum, np.fromstring):
        assert pickle.loads(pickle.dumps(function)) is function
    assert np.array.__name__ == "array"


def test_nothing_changes_without_theano():
    says(
        "import numpy; own = numpy.array, numpy.sum, numpy.fromstring\n"
        "import theano_today; assert (numpy.array, numpy.sum, numpy.fromstring) == own\n"
    )


@pytest.mark.parametrize(
    ("arrays", "scalars", "expected"),
    [
        (["float32", "int64"], ["complex128"], "complex128"),
        (["float32"], ["int64", "float64"], "float32"),
        (["int16"], ["float32"], "float32"),
        ([], ["int64", "float32"], "float64"),
        (["uint8", "int8"], [], "int16"),
    ],
)
def test_find_common_type(arrays, scalars, expected):
    # NumPy 1.19 gave these.
    assert np.find_common_type(arrays, scalars) == expected  # noqa: NPY201


def test_in1d_is_flat():
    found = np.in1d([[1, 2], [3, 4]], [2, 3])  # noqa: NPY201
    assert found.tolist() == [False, True, True, False]
    assert np.in1d(2, [2, 3]).tolist() == [True]  # noqa: NPY201
    assert np.in1d([1, 2], [2], invert=True).tolist() == [True, False]  # noqa: NPY201


def test_names_of_then():
    x = np.array([[3, 1], [2, 5]])
    assert np.rank(x) == 2
    assert np.alen(x) == 2
    np.testing.assert_array_equal(np.msort(x), [[2, 1], [3, 5]])
    assert np.asfarray(x).dtype == float  # noqa: NPY201
    assert np.asfarray(x, "int32").dtype == float  # noqa: NPY201
    assert np.asfarray(x, "float32").dtype == "float32"  # noqa: NPY201
    assert isinstance(np.mat("1 2"), np.matrix)  # noqa: NPY201
    assert np.issctype(np.int32)  # noqa: NPY201
    assert not np.issctype(int)  # noqa: NPY201
    assert np.obj2sctype("f4") is np.float32  # noqa: NPY201
    assert np.float32 in np.sctypes["float"]  # noqa: NPY201
    assert np.lib.pad(x, 1, "constant").shape == (4, 4)
    assert (x.ptp(), x.ptp(0).tolist()) == (4, [1, 4])
    assert x.newbyteorder().dtype == x.dtype.newbyteorder()
    assert np.PINF == -np.NINF == np.inf  # noqa: NPY201
