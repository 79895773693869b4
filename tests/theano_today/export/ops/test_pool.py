"""Pooling as Theano's functions make it; Lasagne's layers are in test_layers.py."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
from theano.tensor.signal.pool import pool_2d, pool_3d

from tests.exported import agree_on, draw


def test_leading_axes():
    """Windows take the last axes, however many there are before them."""
    functions = {
        mode: lambda x, mode=mode: pool_2d(x, (2, 3), ignore_border=True, mode=mode)
        for mode in ("max", "sum", "average_inc_pad")
    }
    functions["border"] = lambda x: pool_2d(x, (2, 3), ignore_border=False)
    for shape in [(5, 7), (2, 5, 7), (2, 3, 5, 7), (2, 1, 3, 5, 7)]:
        agree_on(functions, draw(*shape))


def test_three_axes():
    agree_on({"max": lambda x: pool_3d(x, (2, 2, 2), ignore_border=True)}, draw(2, 3, 5, 4, 6))


def test_infinite_images():
    """An image of -inf has -inf as its maximum, at the border as well."""
    x = np.full((1, 1, 5, 5), -np.inf, "float32")
    agree_on(
        {b: lambda x, b=b: pool_2d(x, (2, 2), ignore_border=b == "in") for b in ("in", "over")}, x
    )
