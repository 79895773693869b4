"""Shapes, and what only rearranges."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest
import theano.tensor as T
from theano import gradient

from tests.exported import agree_on, draw


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_rearranged(batch):
    agree_on(
        {
            "sizes": lambda x: x * x.shape[0] + x.shape[-1] * 10,
            "shape": lambda x: x.shape,
            "stack": lambda x: T.stack([x, -x], axis=1),
            "concatenate": lambda x: T.concatenate([x, x[:, :1]], axis=-2),
            "transpose": lambda x: x.transpose(2, 0, 1),
            "swapped": lambda x: x.swapaxes(0, 1),
            "dimshuffle": lambda x: x.dimshuffle("x", 2, 0, "x", 1),
            "flat": lambda x: x.flatten(),
            "flat2": lambda x: x.flatten(2),
            "reshape": lambda x: x.reshape((x.shape[0] * 4, -1)),
            "swapping": lambda x: x.reshape((x.shape[1], x.shape[0], x.shape[2])),
            "ones": lambda x: T.ones_like(x) + T.zeros((x.shape[0], 4, 6)),
            "alloc": lambda x: T.alloc(2.5, x.shape[0], 3),
            "arange": lambda x: T.arange(x.shape[1]) + x[:, 0, 0].dimshuffle(0, "x"),
            "arange3": lambda x: T.arange(1, x.shape[2], 2),
            "repeat": lambda x: T.extra_ops.repeat(x, 3, axis=2),
            "repeat0": lambda x: T.repeat(T.repeat(x, 2, axis=-1), 2, axis=1),
            "repeated": lambda x: T.repeat(x, 2),
            "tile": lambda x: T.tile(x, (1, 2, 3)),
            "split": lambda x: T.concatenate(T.split(x, [1, 3], 2, axis=1)[::-1], axis=1),
            "constant": gradient.disconnected_grad,
            "squeezed": lambda x: x[:, :1].dimshuffle(0, 1, "x", 2).flatten(3),
        },
        draw(batch, 4, 6),
    )
