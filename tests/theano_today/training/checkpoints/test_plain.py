"""Values as JSON and arrays: the same types and bits again."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theano_today.errors import DataError
from theano_today.training.checkpoints.plain import decode, encode


def again(value):
    arrays = {}
    return decode(json.loads(json.dumps(encode(value, arrays))), arrays)


NUMBERS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
NUMPY = st.builds(np.float32, st.floats(width=32, allow_nan=False)) | st.builds(
    np.int8, st.integers(-128, 127)
)
VALUES = st.recursive(
    NUMBERS | NUMPY,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.sampled_from(["tuple", "array", "dict"]), inner)
    ),
)


@given(VALUES)
def test_values(value):
    found = again(value)
    assert found == value
    assert repr(found) == repr(value)  # the types, too


@pytest.mark.parametrize(
    "value", [np.float64(0.1), np.float16(0.1), np.bool_(True), np.uint64(2**64 - 1), True, 1, 0.1]
)
def test_types(value):
    assert type(again(value)) is type(value)
    assert again(value) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32(math.nan)])
def test_no_numbers(value):
    found = again(value)
    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_arrays_have_the_names_of_their_places():
    arrays = {}
    value = {"a": [np.zeros(2), {"b": np.ones((), np.float32)}]}
    text = json.dumps(encode(value, arrays, "state"))
    assert list(arrays) == ["state.a.0", "state.a.1.b"]
    assert arrays["state.a.0"] is value["a"][0]
    found = decode(json.loads(text), arrays)
    assert found["a"][1]["b"].shape == ()


def test_random_states():
    random = np.random.RandomState(3)
    random.normal()
    found = again(random)
    assert found.normal() == random.normal()  # the second half of a pair
    assert found.tomaxint() == random.tomaxint()


@pytest.mark.parametrize("value", [{1, 2}, object(), 1j, b"bytes", {1: 2}, np.datetime64("now")])
def test_what_has_no_place(value):
    with pytest.raises(TypeError, match=r"x\.0 is a "):
        encode([value], {}, "x")


@pytest.mark.parametrize(
    "text",
    [
        {}, {"a": 1, "b": 2}, {"unknown": 1}, {"array": "nowhere"}, {"array": []}, {"tuple": 1},
        {"dict": []}, {"scalar": ["O", 1]}, {"scalar": ["<f4"]}, {"scalar": ["<f4", "a"]},
        {"scalar": [1, 2]}, {"RandomState": {"dict": {}}}, {"RandomState": 1},
    ],
)  # fmt: skip
def test_what_is_not_ours(text):
    with pytest.raises(DataError, match="no value of ours"):
        decode(text, {})
