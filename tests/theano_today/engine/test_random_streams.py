"""MRG_RandomStreams by the engine: stock Theano's numbers to the last bit, masks included."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile.debugmode import DebugMode
from theano.sandbox.rng_mrg import MRG_RandomStreams, mrg_uniform

from tests.theano_graphs import by_perform, by_thunk, count, engine, fused, names
from theano_today.compat.theano import mrg
from theano_today.engine.random_streams import MrgMask


def streams(many, seed=7):
    """The state of so many streams: (many, 6)."""
    return np.asarray(MRG_RandomStreams(seed).get_substream_rstates(many, "float32"))


def drawn(name):
    """What one graph draws in three calls, of each kind."""
    random = MRG_RandomStreams(3)
    n = T.iscalar("n")
    p = theano.shared(np.float32(0.25))
    outputs = [
        random.uniform((n, 7, 5)),
        random.uniform((4, 3), low=-2, high=3),
        random.uniform((n, 9), dtype="float64"),
        random.binomial((n, 6, 3, 2), p=0.9, dtype="float32"),
        random.binomial((n, 1, 40), p=p, dtype="int8"),
        random.binomial((60, 21), p=0.5, dtype="float32"),
    ]
    with engine(name):
        function = theano.function([n], outputs)
    return function, [value for n in (3, 1, 700, 0) for value in function(n)]


def test_the_numbers_are_stock_theanos():
    function, ours = drawn("fused")
    stock, theirs = drawn("stock")
    assert count(function, "MrgMask") == 3
    assert count(function, "mrg_uniform") == 3
    assert count(stock, "MrgMask") == 0
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("run", [by_thunk, by_perform])
@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("size", [(), (0,), (1,), (15,), (16,), (37, 5), (3, 0, 2), (40, 2, 9, 31)])
@pytest.mark.parametrize("many", [1, 7, 16, 33, 600])
def test_mask(run, inplace, size, many):
    state = streams(many)
    moved = state.copy()
    samples = mrg.draw(moved, int(np.prod(size, dtype=int)), "float32").reshape(size)
    given = state.copy()
    op = MrgMask((False,) * len(size), inplace)
    after, mask = run(op, given, np.array(size, "int64"), np.float32(0.3))
    np.testing.assert_array_equal(mask, samples < np.float32(0.3))
    assert mask.dtype == bool
    np.testing.assert_array_equal(after, moved)
    if inplace:
        assert after is given
    else:
        np.testing.assert_array_equal(given, state)


@pytest.mark.parametrize("p", [0.0, 1.0, -1.0, np.nan, np.inf])
def test_any_probability(p):
    _, mask = by_thunk(MrgMask((False,)), streams(5), np.array([50]), np.float32(p))
    assert mask.all() == (p >= 1)
    assert mask.any() == (p >= 1)


@pytest.mark.parametrize("run", [by_thunk, by_perform])
def test_sizes_that_cannot_be(run):
    op = MrgMask((False, False))
    for size in ([3], [2, -1], [2**16, 2**16]):
        with pytest.raises(ValueError, match=r"size must have|negative|does not support more"):
            run(op, streams(4), np.array(size, "int64"), np.float32(0.5))
    with pytest.raises(ValueError, match="6 columns"):
        run(op, np.zeros((4, 5), "int32"), np.array([2, 2]), np.float32(0.5))


def test_a_state_that_is_a_view():
    both = np.empty((6, 2 * 6), "int32")
    both[:, ::2] = streams(6)
    view = both[:, ::2]
    want = by_thunk(MrgMask((False,)), streams(6), np.array([30]), np.float32(0.5))
    got = by_thunk(MrgMask((False,), True), view, np.array([30]), np.float32(0.5))
    for mine, other in zip(got, want, strict=True):
        np.testing.assert_array_equal(mine, other)


class Mine(mrg_uniform):
    """A user's own generator."""


class TestWhatIsLeftAsItIs:
    def random(self):
        return MRG_RandomStreams(5).uniform((30, 4))

    def test_samples_that_are_used_otherwise_too(self):
        u = self.random()
        function = fused([], [u, T.lt(u, np.float32(0.5))])
        assert "MrgMask" not in names(function)
        samples, mask = function()
        np.testing.assert_array_equal(mask, samples < np.float32(0.5))

    def test_another_comparison(self):
        function = fused([], [self.random() > np.float32(0.5)])
        assert "MrgMask" not in names(function)

    def test_a_probability_for_each(self):
        p = T.matrix("p", dtype="float32")
        function = fused([p], [T.lt(self.random(), p)])
        assert "MrgMask" not in names(function)

    def test_a_probability_in_float64(self):
        function = fused([], [T.lt(self.random(), np.float64(0.1))])
        stock = [T.lt(self.random(), np.float64(0.1))]
        with engine("stock"):
            expected = theano.function([], stock)()
        np.testing.assert_array_equal(function(), expected)

    def test_a_users_own_generator(self):
        state = theano.shared(streams(6))
        op = Mine(T.TensorType("float32", (False,)))
        function = fused([], [T.lt(op(state, np.array([30]))[1], np.float32(0.5))])
        assert "MrgMask" not in names(function)


def test_debug_mode_and_copies():
    random = MRG_RandomStreams(11)
    mask = random.binomial((40, 7), p=0.8, dtype="float32")
    optimizer = "fast_run"
    function = theano.function(
        [], mask, mode=DebugMode(optimizer=optimizer, require_matching_strides=False)
    )
    assert count(function, "MrgMask") == 1
    plain = fused([], MRG_RandomStreams(11).binomial((40, 7), p=0.8, dtype="float32"))
    again = copy.deepcopy(plain)
    for _ in range(2):
        expected = plain()
        np.testing.assert_array_equal(function(), expected)
        np.testing.assert_array_equal(again(), expected)
