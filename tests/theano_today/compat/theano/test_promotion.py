"""Constants and casts, as NumPy 1.19 and Theano 1.0.5 made them.

What is expected follows from Theano's documented rule (theano.scalar.basic.NumpyAutocaster) and
was compared with the stack of 2020, Theano 1.0.5 on NumPy 1.19.5.
"""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import math
import struct

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.configparser import change_flags

from theano_today.compat.theano import promotion

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
EDGES = sorted(
    {
        sign * 2**bits + more
        for bits in (7, 8, 15, 16, 31, 32, 63)
        for more in (-1, 0, 1)
        for sign in (1, -1)
    }
    | {0, 1, -1, 2, 100, 200, 300, -200, 255, 600, 784, 2**64 - 1}
)
FLOATS = [0.0, -0.0, 0.1, 0.5, -2.25, 1e39, -1e39, 1e-46, 65504.0, 65519.9, 16777217.0, 1e300]
FLOATS += [math.inf, -math.inf, math.nan, 3.0000001, 1 / 3]


@pytest.fixture(params=["float32", "float64", "float16"])
def floatX(request):
    with change_flags(floatX=request.param):
        yield request.param


def smallest_int(value):
    """The dtype that Theano's documentation gives a Python int."""
    for bits in (8, 16, 32, 64):
        if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            return f"int{bits}"
    return "uint64"


def rounded(value, dtype):
    """`value` as a float of `dtype`, without NumPy's casts."""
    if dtype == "float64" or math.isnan(value) or math.isinf(value):
        return value
    try:
        return (
            struct.unpack("e", struct.pack("e", value))[0]
            if dtype == "float16"
            else (struct.unpack("f", struct.pack("f", value))[0])
        )
    except OverflowError:
        return math.copysign(math.inf, value)


def smallest_float(value, floatX):
    """The dtype that Theano's documentation gives a Python float, policy "custom"."""
    if floatX != "float64":
        return floatX
    return "float32" if rounded(value, "float32") == value else "float64"


def same(found, value, dtype):
    found = np.asarray(found)
    assert found.dtype == dtype
    assert found.item() == value or (math.isnan(value) and math.isnan(found.item()))


@pytest.mark.parametrize("value", EDGES)
def test_an_int_has_the_smallest_type_that_holds_it(value):
    if value < -(2**63):
        with pytest.raises(OverflowError):
            T.constant(value)
        return
    for made in (T.constant(value), T.as_tensor_variable(value), theano.scalar.constant(value)):
        same(made.data, value, smallest_int(value))


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, 10**30])
def test_what_no_integer_type_holds(value):
    with pytest.raises(OverflowError):
        T.constant(value)


@pytest.mark.parametrize("value", FLOATS)
def test_a_float_has_the_smallest_type_from_floatx_on(value, floatX):
    dtype = smallest_float(value, floatX)
    for make in (T.constant, T.as_tensor_variable, theano.scalar.constant):
        if math.isnan(value) and make is theano.scalar.constant:
            with pytest.raises(TypeError):  # Theano's Scalar takes what equals itself only
                make(value)
        else:
            same(make(value).data, rounded(value, dtype), dtype)


def test_policy_numpy_floatx(floatX):
    with change_flags(cast_policy="numpy+floatX"):
        for value in EDGES:
            if value >= -(2**63):
                same(T.constant(value).data, value, "int64" if value < 2**63 else "uint64")
        for value in FLOATS:
            same(T.constant(value).data, rounded(value, floatX), floatX)
        same(T.constant(np.float64(0.1)).data, 0.1, "float64")


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS, "float16", "float32", "float64", "complex64"])
def test_numpys_numbers_keep_their_type(dtype, floatX):
    for value in (np.dtype(dtype).type(1), np.array(1, dtype), np.ones((2, 1), dtype)):
        assert T.constant(value).dtype == dtype


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([300, -1], "int64"),
        ([2**63, 1], "float64"),
        ([2**63, 2**64 - 1], "uint64"),
        ([0.1, 1], "float64"),
        ([True, False], "bool"),
        ([], "floatX"),
        ((np.int8(1), 300), "int64"),
        ((np.float32(2), 0.1), "float64"),
    ],
)
def test_lists(values, dtype, floatX):
    made = T.constant(values)
    assert made.dtype == (floatX if dtype == "floatX" else dtype)
    assert made.data.tolist() == [v.item() if isinstance(v, np.generic) else v for v in values]


def test_lists_of_unequal_lengths():
    for refused in (T.constant, T.as_tensor_variable):
        with pytest.raises(TypeError):
            refused([[1, 2], [3]])


def test_asarray_wraps_as_c_does():
    for dtype in INTEGERS:
        bits = 8 * np.dtype(dtype).itemsize
        for value in EDGES:
            wide = 2**64 if dtype in ("uint32", "uint64") else 2**63
            if not -(2**63) <= value < wide:
                with pytest.raises(OverflowError):
                    theano._asarray(value, dtype)
                continue
            expected = value % 2**bits
            if dtype.startswith("int") and expected >= 2 ** (bits - 1):
                expected -= 2**bits
            assert theano._asarray(value, dtype).tolist() == expected
            assert theano._asarray([[value, 1]], dtype).tolist() == [[expected, 1]]
        assert theano._asarray(-1.5, dtype).tolist() == np.array(-1).astype(dtype)
    assert promotion.wrapped([300, -129.9], "int8").dtype == "int8"


@pytest.mark.filterwarnings("error")
def test_casts_that_overflow_neither_warn_nor_raise():
    with np.errstate(all="raise"):
        assert theano._asarray(1e39, "float32") == math.inf
        assert theano._asarray(np.array([1e39]), "float32") == math.inf
        assert theano._asarray(1e-46, "float32") == 0
        assert T.constant(1e39, dtype="float32").data == math.inf
        assert theano.scalar.float32.filter(1e39, allow_downcast=True) == math.inf
        assert theano.scalar.float32.filter(np.float64(1e39), allow_downcast=True) == math.inf


def test_scalars_take_what_they_can_hold():
    for name in INTEGERS:
        kind = theano.scalar.get_scalar_type(name)
        low, high = np.iinfo(name).min, np.iinfo(name).max
        for value in EDGES:
            if low <= value <= high:
                same(kind.filter(value), value, name)
            else:
                with pytest.raises(TypeError):
                    kind.filter(value)
        assert kind.filter(-1, allow_downcast=True) == promotion.wrapped(-1, name)
    with change_flags(floatX="float64"), pytest.raises(TypeError):
        theano.scalar.float32.filter(0.1)
    with change_flags(floatX="float32"):
        same(theano.scalar.float32.filter(0.1), rounded(0.1, "float32"), "float32")
    with pytest.raises(TypeError):
        theano.scalar.complex64.filter(0.1j)
