"""The Ops ConvPool and ConvPoolGrad: the kernels against reference.py, on arrays of every kind."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import conv2d
from theano.tensor.signal.pool import pool_2d

from tests.theano_graphs import by_perform, by_thunk, count, fused, relative, same_kind, stock
from theano_today.engine.conv_pool import reference
from theano_today.engine.conv_pool.op import ConvPool, ConvPoolGrad, from_blocks, to_blocks

BITS = 15 | reference.HALF


class Case:
    """A random stage and its arrays, float32; `integers`: small whole numbers, many ties."""

    def __init__(self, seed, integers):
        random = np.random.RandomState(seed)
        self.random, self.integers = random, integers
        i, j = (2, 2) if random.uniform() < 0.4 else (int(n) for n in random.randint(1, 6, 2))
        n, c = random.choice([0, 1, 2, 3, 5]), random.choice([1, 2, 3, 8, 9, 16, 17, 33])
        f = random.choice([1, 5, 16, 30, 33, 64])
        rows, columns = i + random.randint(1, 11), j + random.randint(1, 12)
        self.border = [
            (0, 0, 0, 0),
            (i // 2, i - 1 - i // 2, j // 2, j - 1 - j // 2),
            (i - 1, i - 1, j - 1, j - 1),
            tuple(int(n) for n in random.randint(0, 3, 4)),
        ][random.randint(4)]
        self.flip, self.rectify, self.ignore_border, self.bias = (
            bool(b) for b in random.uniform(size=4) < 0.6
        )
        self.size = (i, j)
        self.x = self.draw((n, c, rows, columns), 3)
        self.w = self.draw((f, c, i, j), 2)
        self.b = [self.draw((f,), 4)] if self.bias else []
        op = self.forward()
        self.g = self.draw((n, f, *op.infer_pooled(rows, columns)), 4) * np.float32(2)

    def draw(self, shape, largest):
        if self.integers:
            return self.random.randint(-largest, largest + 1, shape).astype(np.float32)
        return self.random.normal(size=shape).astype(np.float32)

    def forward(self, **blocked):
        return ConvPool(
            self.size,
            self.border,
            self.flip,
            self.rectify,
            self.ignore_border,
            self.bias,
            **blocked,
        )

    def backward(self, of_weights=True, of_inputs=True, **blocked):
        return ConvPoolGrad(
            self.size, self.border, self.flip, self.rectify, self.ignore_border, of_weights,
            of_inputs, **blocked,
        )  # fmt: skip


def doubles(arrays):
    return [a.astype(np.float64) for a in arrays]


def mask(case, z):
    """Say of each window whether rounding cannot change its winners: (n, ph, pw, f)."""
    n, f, ph, pw = case.g.shape
    scale = np.abs(z).max() if z.size else 1
    full = np.full((n, f, 2 * ph, 2 * pw), -np.inf)
    part = full[:, :, : z.shape[2], : z.shape[3]]
    part[...] = z[:, :, : part.shape[2], : part.shape[3]]
    windows = full.reshape(n, f, ph, 2, pw, 2).transpose(0, 2, 4, 1, 3, 5).reshape(n, ph, pw, f, 4)
    second, first = np.sort(windows, axis=-1)[..., -2:].transpose(4, 0, 1, 2, 3)
    clear = first - second > 1e-4 * scale
    return clear & (abs(first) > 1e-4 * scale) if case.rectify else clear


def runs(case, blocked, run=by_thunk):
    """Run both Ops on a case, each array in blocks or not: p, winners, dw, db, dx as planes.

    blocked : four bools
        Of x, the gradient of x, p and the gradient of p.
    """
    channels, filters = case.x.shape[1], len(case.w)
    x_blocked, dx_blocked, p_blocked, g_blocked = blocked
    x = to_blocks(case.x) if x_blocked else case.x
    g = to_blocks(case.g) if g_blocked else case.g
    forward = case.forward(x_blocked=x_blocked, p_blocked=p_blocked)
    backward = case.backward(x_blocked=x_blocked, dx_blocked=dx_blocked, g_blocked=g_blocked)
    p, winners = run(forward, x, case.w, *case.b)
    dw, db, dx = run(backward, x, case.w, winners, g)
    assert {a.dtype.name for a in (p, dw, db, dx)} == {"float32"}
    if p_blocked:
        # Behind the last filter: zeros, which the next stage adds up with the rest.
        np.testing.assert_array_equal(p, to_blocks(from_blocks(p, filters)))
        p = from_blocks(p, filters)
    dx = from_blocks(dx, channels) if dx_blocked else dx
    return p, from_blocks(winners, filters) & BITS, dw, db, dx


def correlated(x, w):
    return reference.convolve(x, w, flip=False)


def winograd_bound(x, w, b):
    """Return how far rounding may take each output of a 2x2 convolution, (n, f, oh, ow).

    kernels/winograd.hpp adds up products of transformed inputs and weights. Nothing in a sum is
    rounded more often than c + 6 times: twice in each of the three transforms, once for each
    channel. The error is then at most gamma(c + 6) times the sum of the terms' absolute values,
    gamma(k) = k u / (1 - k u), u = 2**-24 (Higham 2002, Accuracy and Stability of Numerical
    Algorithms, section 3.1). With every minus a plus, the formulas there become

        y0 <= |d0| |g0| + |d1| (2 |g0| + |g1|)        y1 <= |d1| (|g0| + 2 |g1|) + |d2| |g1|
    """
    x, w = abs(x.astype(np.float64)), abs(w.astype(np.float64))
    lines = np.array([[1, 0], [2, 1]]), np.array([[1, 2], [0, 1]])  # of y0 and of y1
    terms = np.empty_like(correlated(x, w))
    for i, j in np.ndindex(2, 2):
        weights = np.einsum("ak,fckl,bl->fcab", lines[i], w, lines[j])
        terms[:, :, i::2, j::2] = correlated(x, weights)[:, :, i::2, j::2]
    roundings = (x.shape[1] + 6) * 2.0**-24
    return roundings / (1 - roundings) * (terms + abs(b)[:, None, None])


@pytest.mark.parametrize("channels", [8, 33, 128])
@pytest.mark.parametrize("offset", [0, 100])  # what is left of sums of 100s is small
def test_winograds_rounding(channels, offset):
    random = np.random.RandomState(channels)
    x = (random.normal(size=(3, channels, 13, 17)) + offset).astype(np.float32)
    w = random.normal(size=(40, channels, 2, 2)).astype(np.float32)
    w -= w.mean((1, 2, 3), keepdims=True)
    b = random.normal(size=40).astype(np.float32)
    op = ConvPool((2, 2), (0, 0, 0, 0), False, False, True, True)
    p, _ = by_thunk(op, x, w, b)
    exact = correlated(*doubles([x, w])) + b[:, None, None]

    def pooled(z):
        return z.reshape(3, 40, 6, 2, 8, 2).max((3, 5))

    error = abs(p - pooled(exact))
    assert (error <= pooled(winograd_bound(x, w, b))).all()
    assert error.max() > 0
    # On average it is far below, and like that of the direct sum (measured: 0.7 to 1.8 times).
    direct = abs(pooled(correlated(x, w) + b[:, None, None]) - pooled(exact))
    assert error.mean() < 4 * direct.mean()


@pytest.mark.parametrize("integers", [True, False])
def test_hundreds_of_shapes(integers):
    limit = 0 if integers else 1e-5
    for seed in range(250):
        case = Case(seed, integers)
        blocked = [bool(b) for b in case.random.randint(0, 2, 4)]
        p, winners, *gradients = runs(case, blocked)
        x, w, g, *b = doubles([case.x, case.w, case.g, *case.b])
        options = case.border, case.flip
        want, want_winners = reference.conv_pool(
            x, w, *(b or [None]), *options, case.rectify, case.ignore_border
        )
        assert relative(p, want) <= limit, seed
        got_winners = winners.transpose(0, 2, 3, 1)
        if integers:
            np.testing.assert_array_equal(got_winners, want_winners, err_msg=str(seed))
        else:
            z = reference.convolve(x, w, *options)
            sure = mask(case, z + b[0][:, None, None] if b else z)
            np.testing.assert_array_equal(got_winners[sure], want_winners[sure])
        want = reference.conv_pool_grad(x, w, got_winners, g, *options)
        for mine, theirs in zip(gradients, want, strict=True):
            assert relative(mine, theirs) <= limit, seed
        # Each alone
        raw = by_thunk(case.forward(), case.x, case.w, *case.b)[1]
        for alone, part in (
            (case.backward(of_inputs=False), slice(0, 2)),
            (case.backward(of_weights=False), slice(2, 3)),
        ):
            for mine, theirs in zip(
                by_thunk(alone, case.x, case.w, raw, case.g), want[part], strict=True
            ):
                assert relative(mine, theirs) <= limit, seed


@pytest.mark.parametrize("seed", range(12))
def test_perform_gives_the_same(seed):
    """perform() runs where the kernels could not be compiled, shapes and layouts included."""
    case = Case(seed, True)
    blocked = [bool(seed & 1 << i) for i in range(4)]
    for mine, theirs in zip(runs(case, blocked), runs(case, blocked, by_perform), strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("seed", range(6))
def test_inferred_shapes(seed):
    case, blocked = Case(seed, True), bool(seed % 2)
    x, w, b, g = T.tensor4(), T.tensor4(), T.vector(), T.tensor4()
    forward, backward = case.forward(p_blocked=blocked), case.backward(dx_blocked=blocked)
    p, winners = forward(x, w, *([b] if case.bias else []))
    gradients = backward(x, w, winners, g)
    shapes = theano.function(
        [x, w, b, g], [v.shape for v in (p, winners, *gradients)], on_unused_input="ignore"
    )
    assert count(shapes, "ConvPool", "ConvPoolGrad") == 0  # not by computing them
    b = case.b[0] if case.bias else np.zeros(len(case.w), np.float32)
    computed = by_thunk(forward, case.x, case.w, *case.b)
    computed += by_thunk(backward, case.x, case.w, computed[1], case.g)
    assert [tuple(s) for s in shapes(case.x, case.w, b, case.g)] == [a.shape for a in computed]


def strange(array):
    """Yield the same numbers in other strides."""
    yield np.asfortranarray(array)
    yield array[..., ::-1].copy()[..., ::-1]
    yield np.repeat(array, 2, axis=-1)[..., ::2]
    yield array.T.copy().T
    unaligned = np.empty(array.nbytes + 4, np.uint8)[4:].view(np.float32).reshape(array.shape)
    unaligned[...] = array
    yield unaligned


@pytest.mark.parametrize("seed", range(6))
def test_other_strides(seed):
    case = Case(seed, True)
    want = runs(case, [False] * 4)
    for name in ("x", "w", "g"):
        plain = getattr(case, name)
        for other in strange(plain):
            setattr(case, name, other)
            before = other.copy()
            for mine, theirs in zip(runs(case, [False] * 4), want, strict=True):
                np.testing.assert_array_equal(mine, theirs)
            np.testing.assert_array_equal(other, before)  # inputs stay as they are
        setattr(case, name, plain)


def test_arrays_that_do_not_fit():
    case = Case(2, True)
    more = np.zeros((len(case.w), case.w.shape[1] + 1, *case.size), np.float32)
    with pytest.raises(ValueError, match="do not fit filters of shape"):
        by_thunk(case.forward(), case.x, more, *case.b)
    other = np.zeros((*case.w.shape[:2], *(n + 1 for n in case.size)), np.float32)
    with pytest.raises(ValueError, match="do not fit filters of shape"):
        by_thunk(case.forward(), case.x, other, *case.b)


def test_a_batch_without_images():
    case = Case(1, True)
    x, g = case.x[:0], case.g[:0]
    p, winners = by_thunk(case.forward(), x, case.w, *case.b)
    assert p.shape == (0, *case.g.shape[1:])
    dw, db, dx = by_thunk(case.backward(), x, case.w, winners, g)
    assert dx.shape == x.shape
    assert not dw.any()
    assert not db.any()


def test_an_image_smaller_than_the_filters():
    op = ConvPool((3, 3), (0, 0, 0, 0), True, True, True, False)
    x, w = np.zeros((1, 1, 2, 5), np.float32), np.zeros((1, 1, 3, 3), np.float32)
    with pytest.raises(ValueError, match=r"an image of 2x5 .* smaller than the filters, 3x3"):
        by_thunk(op, x, w)


def test_ties_of_a_flat_area_stay_ties():
    """Equal patches have equal sums, whatever the weights: all four win, none by rounding."""
    for seed in range(60):
        case = Case(seed, False)
        x = np.broadcast_to(case.x[:, :, :1, :1], case.x.shape)
        if case.border != (0, 0, 0, 0):
            continue
        p, winners = by_thunk(case.forward(), x, case.w, *case.b)
        rows, columns = (n // 2 for n in case.forward().infer_out(*x.shape[2:]))
        whole = from_blocks(winners, len(case.w))[:, :, :rows, :columns]
        live = p[:, :, :rows, :columns] > 0
        assert np.isin(whole, [15] if not case.rectify else [0, 15]).all()
        assert (whole[live] == 15).all()


class TestNotFinite:
    """NaN and infinities reach what they reach in stock Theano's graph, and nothing else."""

    def graph(self, sizes, borders, rectify=True):
        x = T.tensor4("x")
        weights = [T.tensor4(f"w{i}") for i in range(len(sizes))]
        p = x
        for w, size, border in zip(weights, sizes, borders, strict=True):
            z = conv2d(p, w, filter_shape=(None, None, *size), border_mode=border)
            p = pool_2d(0.5 * (z + abs(z)) if rectify else z, (2, 2), ignore_border=True)
        return [x, *weights], p

    def compare(self, sizes, borders, filters, channels, rectify=True):
        inputs, p = self.graph(sizes, borders, rectify)
        ours, theirs = fused(inputs, p), stock(inputs, p)
        assert count(ours, "ConvPool") == len(sizes)
        random, seen = np.random.RandomState(0), set()
        for _ in range(20):
            x = random.normal(size=(2, channels, 17, 15)).astype(np.float32)
            for value in (np.nan, np.inf, -np.inf):
                x[random.uniform(size=x.shape) < 0.004] = value
            depths = [channels, *filters]
            weights = [
                random.normal(size=(f, c, *size)).astype(np.float32)
                for f, c, size in zip(filters, depths[:-1], sizes, strict=True)
            ]
            got, want = ours(x, *weights), theirs(x, *weights)
            finite = same_kind(got, want)
            seen.update(finite.ravel().tolist())
            assert relative(got[finite], want[finite]) <= 1e-5
        assert seen == {True, False}

    @pytest.mark.parametrize("rectify", [True, False])
    @pytest.mark.parametrize(
        ("size", "border"),
        [((3, 3), "valid"), ((2, 2), "valid"), ((2, 2), "half"), ((1, 4), "full")],
    )
    @pytest.mark.parametrize("channels", [1, 9])
    def test_one_stage(self, size, border, channels, rectify):
        self.compare([size], [border], [20], channels, rectify)

    def test_a_filter_count_that_is_padded_between_stages(self):
        self.compare([(3, 3), (2, 2)], ["valid", "valid"], [21, 5], 1, rectify=False)

    def test_large_numbers(self):
        """No overflow on the way to a result that has none."""
        inputs, p = self.graph([(2, 2)], ["valid"], False)
        ours, theirs = fused(inputs, p), stock(inputs, p)
        x = np.full((1, 8, 6, 6), 1e38, np.float32)
        x[:, :, ::2] *= -1
        x[:, 1:] = 0
        w = np.ones((3, 8, 2, 2), np.float32)
        np.testing.assert_array_equal(ours(x, w), theirs(x, w))
