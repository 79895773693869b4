"""Sums in float64 by the kernel, against NumPy's."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano.tensor as T

from tests.theano_graphs import by_thunk, fused
from theano_today.engine import sums


@pytest.fixture
def all_sizes(monkeypatch):
    monkeypatch.setattr(sums, "SMALLEST", 1)


@pytest.mark.parametrize(
    ("shape", "axes", "lengths"),
    [
        ((2, 3, 4, 5), (0, 2, 3), (1, 2, 3, 20)),
        ((2, 3, 4, 5), (2, 3), (1, 1, 6, 20)),
        ((2, 3, 4, 5), (1, 3), (2, 3, 4, 5)),
        ((2, 3, 4, 5), (0, 2), None),
        ((2, 3), (0,), (1, 2, 3, 1)),
        ((2, 3), (1,), (1, 1, 2, 3)),
        ((2, 3, 4), (1,), (2, 3, 4, 1)),
        ((7,), (0,), (1, 1, 1, 7)),
        ((2, 1, 3), (1,), (6, 1, 1, 1)),
        ((1, 1), (0, 1), (1, 1, 1, 1)),
    ],
)
def test_axes_by_turns(shape, axes, lengths):
    assert sums.alternating(shape, axes) == lengths


def test_numpy(all_sizes):
    random = np.random.RandomState(0)
    for _ in range(200):
        ndim = random.randint(1, 6)
        shape = tuple(random.randint(0, (400, 60, 20, 9, 6)[ndim - 1], ndim))
        axes = tuple(int(a) for a in range(ndim) if random.randint(2)) or None
        x = random.normal(size=shape).astype(np.float32)
        if random.randint(3) == 0:
            x = np.asfortranarray(x)
        if x.size and random.randint(4) == 0:
            x.flat[random.randint(x.size)] = (np.nan, np.inf, -np.inf)[random.randint(3)]
        (got,) = by_thunk(T.Sum(axes), x)
        want = x.sum(axes, np.float64)
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want.astype(np.float32), rtol=1.2e-7, atol=1e-30)


def test_large_and_small():
    x = T.matrix()
    f = fused([x], [x.sum(), x.sum(0), x.sum(1), x.mean()])
    for shape in [(3, 5), (300, 500), (1, 70000), (70000, 1)]:
        value = np.random.RandomState(1).normal(size=shape).astype(np.float32)
        want = [value.sum(None, float), value.sum(0, float), value.sum(1, float), value.mean()]
        for got, expected in zip(f(value), want, strict=True):
            assert got.shape == expected.shape
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)


def test_minus_zero(all_sizes):
    """C code starts with 0: of -0 alone comes 0."""
    for shape in [(4, 4), (100, 100)]:
        for axes in (0, 1, None):
            (got,) = by_thunk(T.Sum(axes), np.full(shape, -0.0, np.float32))
            assert not np.signbit(got).any()


def test_what_numpy_does():
    for dtype in ("float64", "int32"):
        assert sums.sum_of(T.matrix(dtype=dtype).sum().owner) is None
    assert sums.sum_of(T.Sum(acc_dtype="float32")(T.matrix(dtype="float32")).owner) is None
