"""Pools without a stage against loops by the definition of Theano's C code, and against stock."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.gof import Apply
from theano.tensor.signal import pool

from tests.theano_graphs import fused, stock
from theano_today.engine import pools

MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")


def by_definition(x, g, mode, border, size, stride, pad):
    """Return p and, where g is its gradient, that of x, as Theano's C code computes them."""
    pooling = pools.Pooling(mode, border, size, stride, pad)
    counts = pooling.counts(x.shape[-2:])
    p, dx = np.zeros((*x.shape[:-2], *counts), np.float32), np.zeros_like(x)
    for place in np.ndindex(p.shape):
        begin = [i * step - before for i, step, before in zip(place[-2:], stride, pad, strict=True)]
        rows, columns = (
            range(max(b, 0), min(b + n, length))
            for b, n, length in zip(begin, size, x.shape[-2:], strict=True)
        )
        covered = np.float32(len(rows) * len(columns))
        if mode == "average_inc_pad" and border:
            covered = np.float32(size[0] * size[1])
        places = [(*place[:-2], r, c) for r in rows for c in columns]
        value = x[places[0]] if mode == "max" else np.float32(0)
        for at in places:
            if mode != "max":
                value += x[at]
            elif x[at] > value:
                value = x[at]
        p[place] = value / covered if mode.startswith("average") else value
        if g is None:
            continue
        for at in places:
            if mode != "max":
                dx[at] += g[place] / covered if mode.startswith("average") else g[place]
            elif x[at] == value:
                dx[at] += g[place]
    return p, dx


def by_kernel(op, *arrays, **settings):
    """Return what the kernel makes of arrays."""
    given = [settings[name] for name in ("ws", "stride", "pad")]
    types = [T.TensorType("float32", (False,) * a.ndim) for a in arrays]
    node = op.make_node(*(t() for t in types), *map(np.int64, given))
    functions = {
        pool.Pool: pools.pool,
        pool.MaxPoolGrad: pools.max_pool_grad,
        pool.AveragePoolGrad: pools.average_pool_grad,
    }
    (result,) = functions[type(op)](node)(*arrays, *given)
    return result


def settings(random):
    border = bool(random.randint(2))
    size, stride = (tuple(map(int, random.randint(1, 5, 2))) for _ in range(2))
    pad = tuple(int(random.randint(n)) for n in size) if border and random.randint(2) else (0, 0)
    shape = (*random.randint(1, 4, random.randint(3)), *random.randint(1, 12, 2))
    return border, size, stride, pad, shape


def images(random, shape):
    x = random.randint(-2, 3, shape) if random.randint(2) else random.normal(size=shape)
    x = x.astype(np.float32)
    if random.randint(3) == 0:
        for value in (np.nan, np.inf, -np.inf, -0.0):
            x[random.uniform(size=shape) < 0.1] = value
    return x


def same(got, want):
    """To the last bit, the sign of zero included; NaN is NaN."""
    np.testing.assert_array_equal(got, want)
    numbers = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got)[numbers], np.signbit(want)[numbers])


@pytest.mark.parametrize("mode", MODES)
def test_by_definition(mode):
    random = np.random.RandomState(1)
    for _ in range(60):
        border, size, stride, pad, shape = settings(random)
        x = images(random, shape)
        op = pool.Pool(ndim=2, ignore_border=border, mode=mode)
        windows = {"ws": size, "stride": stride, "pad": pad}
        p = by_kernel(op, x, **windows)
        want, _ = by_definition(x, None, mode, border, size, stride, pad)
        same(p, want)
        if mode == "average_exc_pad" and max(pad) > 0:
            continue
        g = random.normal(size=p.shape).astype(np.float32)
        _, want = by_definition(x, g, mode, border, size, stride, pad)
        if mode == "max":
            op, arrays = pool.MaxPoolGrad(ndim=2, ignore_border=border), (x, p, g)
        else:
            op = pool.AveragePoolGrad(ndim=2, ignore_border=border, mode=mode)
            arrays = (x, g)
        same(by_kernel(op, *arrays, **windows), want)


def compare(random, mode, border, size, stride, pad, shape):
    kind = T.TensorType("float32", (False,) * len(shape))
    x, c = kind("x"), kind("c")
    p = pool.pool_2d(x, size, border, stride, pad, mode)
    value = images(random, shape)
    got, want = fused([x], p)(value), stock([x], p)(value)
    same(got, want)
    if got.size == 0 or (mode == "average_exc_pad" and max(pad) > 0):
        return
    g = random.normal(size=got.shape).astype(np.float32)
    dx = T.grad((p * c).sum(), x)
    same(fused([x, c], dx)(value, g), stock([x, c], dx)(value, g))


def test_stock_theano():
    random = np.random.RandomState(2)
    for _ in range(6):
        border, size, stride, _, shape = settings(random)
        compare(random, "max", border, size, stride, (0, 0), (2, 3, *shape[-2:]))


@pytest.mark.long
def test_stock_theano_at_length():
    random = np.random.RandomState(3)
    for k in range(200):
        border, size, stride, pad, shape = settings(random)
        compare(random, MODES[k % 4], border, size, stride, pad, shape)


def test_as_many_bits_on_any_strides():
    x = np.random.RandomState(4).normal(size=(2, 40, 9, 8)).astype(np.float32)
    t = T.tensor4()
    f = fused([t], pool.pool_2d(t, (3, 3), True, (2, 2)))
    turned = x.transpose(0, 1, 3, 2).copy().transpose(0, 1, 3, 2)
    np.testing.assert_array_equal(f(turned), f(x))


def test_what_theano_does_itself():
    """Windows that are computed, other dtypes and axes: left to Theano's C code."""
    x, n = T.tensor4("x"), T.lvector("n")
    symbolic = pool.Pool(ndim=2, ignore_border=True)(x, n, n, T.zeros_like(n))
    assert pools.pool(symbolic.owner) is None
    double = T.TensorType("float64", (False,) * 4)()
    assert pools.pool(pool.pool_2d(double, (2, 2), True).owner) is None
    assert pools.pool(pool.pool_3d(T.tensor5(dtype="float32"), (2, 2, 2), True).owner) is None
    padded = pool.pool_2d(x, (3, 3), True, pad=(1, 1), mode="average_exc_pad")
    assert pools.average_pool_grad(T.grad(padded.sum(), x).owner) is None


def test_errors():
    random = np.random.RandomState(5)
    x, p = (random.normal(size=s).astype(np.float32) for s in ((2, 3, 6, 6), (2, 3, 2, 2)))
    two = {"ws": (2, 2), "stride": (2, 2), "pad": (0, 0)}
    op = pool.MaxPoolGrad(ndim=2, ignore_border=True)
    with pytest.raises(ValueError, match="expected both of the same shape"):
        by_kernel(op, x, p, p[:, :, :1], **two)
    with pytest.raises(ValueError, match="4 windows of 2, 2 apart, in 6 pixels"):
        big = np.zeros((2, 3, 4, 4), np.float32)
        by_kernel(op, x, big, big, **two)
    with pytest.raises(ValueError, match="without pixels"):
        by_kernel(pool.Pool(ndim=2, ignore_border=False), x[:, :, :0], **two)
    assert by_kernel(pool.Pool(ndim=2, ignore_border=True), x[:0], **two).shape == (0, 3, 3, 3)


def test_finite_differences():
    random = np.random.RandomState(6)
    x = random.permutation(2 * 3 * 49).reshape(2, 3, 7, 7).astype(np.float32)
    for mode in MODES:
        t, c = T.tensor4(), T.tensor4()
        p = pool.pool_2d(t, (3, 3), True, (2, 2), mode=mode)
        f, gradient = fused([t], p), fused([t, c], T.grad((p * c).sum(), t))
        weights = random.randint(-3, 4, f(x).shape).astype(np.float32)
        step = random.randint(-3, 4, x.shape).astype(np.float32) / 8
        change = (weights * (f(x + step).astype(np.float64) - f(x - step))).sum() / 2
        assert change == pytest.approx((gradient(x, weights) * step).sum(), rel=1e-4, abs=1e-2)


@pytest.mark.long
def test_a_net_with_them_in_debug_mode():
    x = T.tensor4("x")
    p = pool.pool_2d(x, (3, 3), True, (2, 2)) + pool.pool_2d(
        x, (3, 3), True, (2, 2), mode="average_inc_pad"
    )
    mode = theano.compile.DebugMode(stability_patience=1, check_py_code=False)
    f = theano.function([x], T.grad((p**2).sum(), x), mode=mode)
    value = np.random.RandomState(7).normal(size=(1, 2, 5, 5)).astype(np.float32)
    assert f(value).shape == value.shape


def test_what_an_older_theano_pickled():
    """Pool had its window as an attribute, and none of today's; Theano mends that later."""
    x = T.ftensor4()
    op = pool.Pool(True)
    del op.ndim
    assert pools.pool(Apply(op, [x], [x.type()])) is None
    assert pools.max_pool_grad(Apply(op, [x, x, x], [x.type()])) is None
