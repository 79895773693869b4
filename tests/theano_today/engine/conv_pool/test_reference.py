"""reference.py, the oracle of all else here, against stock Theano and finite differences."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import functools

import numpy as np
import pytest
import theano.tensor as T
from theano.tensor.nnet import conv2d
from theano.tensor.signal.pool import pool_2d

from tests.theano_graphs import relative, same_kind, stock
from theano_today.engine.conv_pool import reference

BORDERS = {
    "valid": lambda i, j: (0, 0, 0, 0),
    "half": lambda i, j: (i // 2, i // 2, j // 2, j // 2),
    "full": lambda i, j: (i - 1, i - 1, j - 1, j - 1),
}


@functools.cache
def stock_stage(mode, flip, rectify, ignore_border):
    """p and the gradients of sum(p * g) by w, b and x: Theano's own Ops."""
    x, w, g, b = T.tensor4("x"), T.tensor4("w"), T.tensor4("g"), T.vector("b")
    z = conv2d(x, w, border_mode=mode, filter_flip=flip) + b.dimshuffle("x", 0, "x", "x")
    a = 0.5 * (z + abs(z)) if rectify else z
    p = pool_2d(a, (2, 2), ignore_border=ignore_border, mode="max")
    forward = stock([x, w, b], p)
    gradients = stock([x, w, b, g], T.grad(T.sum(p * g), [w, b, x]))
    return forward, gradients


CONFIGURATIONS = [
    ("valid", True, True, True),
    ("valid", False, True, False),
    ("half", True, True, False),
    ("full", False, False, True),
]


def arrays(random, mode, ignore_border, integers):
    i, j = random.randint(1, 6, 2)
    n, c, f = (random.choice([1, 2, 3, 5]) for _ in range(3))
    x_shape = (n, c, i + random.randint(1, 9), j + random.randint(1, 9))
    border = BORDERS[mode](i, j)
    up = 0 if ignore_border else 1
    pooled = [
        (size + border[2 * k] + border[2 * k + 1] - taps + 1 + up) // 2
        for k, (size, taps) in enumerate(zip(x_shape[2:], (i, j), strict=True))
    ]
    shapes = x_shape, (f, c, i, j), (f,), (n, f, *pooled)
    if integers:
        made = [random.randint(-3, 4, shape) for shape in shapes]
        made[3] *= 2  # its halves, at rectify's kink, are exact as well
    else:
        made = [random.normal(size=shape) for shape in shapes]
    return [a.astype(np.float32) for a in made], border


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@pytest.mark.parametrize("integers", [True, False])
def test_against_stock_theano(configuration, integers):
    """To the last bit, ties and kinks included, where the numbers are whole."""
    mode, flip, rectify, ignore_border = configuration
    forward, gradients = stock_stage(*configuration)
    random = np.random.RandomState(0)
    for _ in range(30):
        (x, w, b, g), border = arrays(random, mode, ignore_border, integers)
        p, winners = reference.conv_pool(x, w, b, border, flip, rectify, ignore_border)
        got = reference.conv_pool_grad(x, w, winners, g, border, flip)
        limit = 0 if integers else 1e-5
        for mine, theirs in zip([p, *got], [forward(x, w, b), *gradients(x, w, b, g)], strict=True):
            assert mine.dtype == np.float32
            assert relative(mine, theirs) <= limit


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_nan_and_infinities_as_in_stock_theano(configuration):
    mode, flip, rectify, ignore_border = configuration
    forward, _ = stock_stage(*configuration)
    random = np.random.RandomState(0)
    for _ in range(30):
        (x, w, b, _), border = arrays(random, mode, ignore_border, False)
        for value in (np.nan, np.inf, -np.inf):
            x[random.uniform(size=x.shape) < 0.03] = value
        with np.errstate(invalid="ignore"):
            p, _ = reference.conv_pool(x, w, b, border, flip, rectify, ignore_border)
        want = forward(x, w, b)
        finite = same_kind(p, want)
        assert relative(p[finite], want[finite]) <= 1e-5


@pytest.mark.parametrize("seed", range(20))
def test_gradients_against_finite_differences(seed):
    random = np.random.RandomState(seed)
    mode, flip, rectify, ignore_border = CONFIGURATIONS[seed % len(CONFIGURATIONS)]
    made, border = arrays(random, mode, ignore_border, False)
    x, w, b, g = (a.astype(np.float64) for a in made)

    def loss(x, w, b):
        p, _ = reference.conv_pool(x, w, b, border, flip, rectify, ignore_border)
        return (p * g).sum()

    _, winners = reference.conv_pool(x, w, b, border, flip, rectify, ignore_border)
    gradients = reference.conv_pool_grad(x, w, winners, g, border, flip)
    step = 1e-7  # far from every kink, with near certainty
    for at, gradient in zip((1, 2, 0), gradients, strict=True):
        direction = random.normal(size=gradient.shape)
        moved = [[x, w, b], [x, w, b]]
        for arrays_, sign in zip(moved, (1, -1), strict=True):
            arrays_[at] = arrays_[at] + sign * step * direction
        slope = (loss(*moved[0]) - loss(*moved[1])) / (2 * step)
        assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_a_kink_and_a_tie():
    """Worked out by hand: two tied at 0 get half the gradient each, two tied at 1 all of it."""
    x = np.array([[[[0, -1, 1, 1], [0, -2, 0, -5]]]], np.float32)
    w, g = np.ones((1, 1, 1, 1), np.float32), np.array([[[[2, 3]]]], np.float32)
    p, winners = reference.conv_pool(x, w)
    assert p.tolist() == [[[[0, 1]]]]
    assert winners[0, 0, :, 0].tolist() == [1 | 4 | reference.HALF, 1 | 2]
    dw, db, dx = reference.conv_pool_grad(x, w, winners, g)
    assert dx.tolist() == [[[[1, 0, 3, 3], [1, 0, 0, 0]]]]
    assert db.tolist() == [8]
    assert dw.tolist() == [[[[6]]]]
