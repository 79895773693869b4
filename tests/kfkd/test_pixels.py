"""The fast reader of pixels accepts what int() does, and nothing that it would read otherwise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfkd.pixels import PIXELS, parse_pixels
from tests.csv_files import image


def test_every_value():
    for seed in range(3):
        text = image(seed)
        pixels = parse_pixels(text.encode())
        assert pixels.dtype == np.uint8
        assert pixels.tolist() == [int(word) for word in text.split()]


@pytest.mark.parametrize(
    "word", ["007", "0255", "+5", "  5  ", "0" * 90 + "12"], ids=lambda word: word[:9].strip()
)
@pytest.mark.parametrize("where", [0, 1, 5000, PIXELS - 1])
def test_unusual_numbers(word, where):
    words = image().split()
    words[where] = word
    assert parse_pixels(" ".join(words).encode())[where] == int(word)


@pytest.mark.parametrize("word", ["256", "260", "300", "999", "1000", "65537", "9" * 200, "1e2"])
@pytest.mark.parametrize("where", [0, 5000, PIXELS - 1])
def test_numbers_out_of_range(word, where):
    words = image().split()
    words[where] = word
    with pytest.raises(ValueError, match=f"^pixel {where + 1} is '{word[:40]}', expected"):
        parse_pixels(" ".join(words).encode())


@settings(max_examples=100, deadline=None)
@given(
    where=st.integers(0, 2000) | st.integers(30000, 40000),
    length=st.integers(0, 4),
    new=st.binary(max_size=4) | st.text(" 0123456789+-.", max_size=5).map(str.encode),
)
def test_any_bytes(where, length, new):
    text = image().encode()
    text = text[:where] + new + text[where + length :]
    words = [word for word in text.split(b" ") if word]
    try:
        # int() takes other white space, other digits and underscores, too.
        good = all(word.lstrip(b"+").isdigit() and 0 <= int(word) <= 255 for word in words)
    except ValueError:
        good = False
    if good and len(words) == PIXELS:
        assert parse_pixels(text).tolist() == [int(word) for word in words]
    else:
        with pytest.raises(ValueError, match="expected"):
            parse_pixels(text)
