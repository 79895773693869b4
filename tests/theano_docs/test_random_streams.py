"""tutorial/examples, library/tensor/{raw_random, shared_randomstreams}, sandbox/rng_mrg."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor import raw_random
from theano.tensor.shared_randomstreams import RandomStreams


class TestRandomStreams:
    def test_no_default_updates_gives_the_same_numbers_again(self):
        streams = RandomStreams(seed=71)
        u, n = streams.uniform((2, 3)), streams.normal((2, 3))
        f = theano.function([], u)
        g = theano.function([], n, no_default_updates=True)
        assert (f() != f()).all()
        before = g()
        np.testing.assert_array_equal(g(), before)
        np.testing.assert_array_equal(g(), before)

    def test_the_numbers_are_numpys_of_the_seeds_seed(self):
        u = RandomStreams(seed=71).uniform((4,), dtype="float64")
        seed = np.random.RandomState(71).randint(2**30)
        want = np.random.RandomState(int(seed)).uniform(size=8)
        f = theano.function([], u)
        np.testing.assert_array_equal(np.concatenate([f(), f()]), want)

    def test_a_variable_is_drawn_once_in_a_call(self):
        u = RandomStreams(seed=3).uniform((5,), dtype="float64")
        zeros = theano.function([], u + u - 2 * u)
        for _ in range(3):
            np.testing.assert_allclose(zeros(), np.zeros(5), atol=1e-15)

    def test_one_variable_seeded(self):
        u = RandomStreams(seed=3).uniform((2,), dtype="float64")
        f = theano.function([], u)
        f()
        state = u.rng.get_value(borrow=True)
        state.seed(555)
        u.rng.set_value(state, borrow=True)
        want = np.random.RandomState(555).uniform(size=4)
        np.testing.assert_array_equal(np.concatenate([f(), f()]), want)

    def test_all_variables_seeded_each_differently(self):
        streams = RandomStreams(seed=3)
        u, v = streams.uniform((6,)), streams.uniform((6,))
        f = theano.function([], [u, v])
        streams.seed(2024)
        first = f()
        assert (first[0] != first[1]).all()
        f()
        streams.seed(2024)
        np.testing.assert_array_equal(f(), first)

    def test_functions_share_the_generator(self):
        u = RandomStreams(seed=12).uniform((2,))
        f, twice = theano.function([], u), theano.function([], 2 * u)
        kept = u.rng.get_value().get_state()
        twice()
        v1 = f()
        state = u.rng.get_value(borrow=True)
        state.set_state(kept)
        u.rng.set_value(state, borrow=True)
        v2, v3 = f(), f()
        assert (v2 != v1).all()
        np.testing.assert_array_equal(v3, v1)

    def test_get_value_is_a_copy_unless_borrowed(self):
        u = RandomStreams(seed=12).uniform((2,))
        f = theano.function([], u)
        copy = u.rng.get_value()
        copy.seed(1)  # changes nothing of Theano's
        state = u.rng.get_value()
        want = state.uniform(size=2).astype(u.dtype)
        np.testing.assert_array_equal(f(), want)

    @pytest.mark.parametrize("kind", [RandomStreams, MRG_RandomStreams])
    def test_states_copied_from_graph_to_graph(self, kind):
        one, two = kind(5), kind(6)
        f, g = [theano.function([], s.uniform(size=(3,))) for s in (one, two)]
        assert (f() != g()).all()
        if kind is MRG_RandomStreams:
            two.rstate = one.rstate
        for a, b in zip(one.state_updates, two.state_updates, strict=True):
            b[0].set_value(a[0].get_value())
        for _ in range(2):
            np.testing.assert_array_equal(f(), g())


# What each method draws: NumPy's numbers of the same name from the same state.
DRAWS = {
    "uniform": (
        lambda s: s.uniform((3, 2), low=-2, high=5, dtype="float64"),
        lambda r: r.uniform(-2, 5, (3, 2)),
    ),
    "normal": (
        lambda s: s.normal((5,), avg=3, std=0.5, dtype="float64"),
        lambda r: r.normal(3, 0.5, 5),
    ),
    "binomial": (lambda s: s.binomial((7,), n=9, p=0.3), lambda r: r.binomial(9, 0.3, 7)),
    "random_integers": (
        lambda s: s.random_integers((9,), low=-3, high=300),
        lambda r: r.randint(-3, 301, 9),
    ),
    "poisson": (lambda s: s.poisson((6,), lam=400.0), lambda r: r.poisson(400.0, 6)),
    "permutation": (
        lambda s: s.permutation((2, 3), n=7),
        lambda r: np.array([[r.permutation(7) for _ in range(3)] for _ in range(2)]),
    ),
    "multinomial": (
        lambda s: s.multinomial((4,), n=20, pvals=[0.25, 0.5, 0.25]),
        lambda r: r.multinomial(20, [0.25, 0.5, 0.25], 4),
    ),
    "choice": (
        lambda s: s.choice((5,), a=[3, 1000, -7], replace=True),
        lambda r: r.choice([3, 1000, -7], 5),
    ),
}


class TestDistributions:
    @pytest.mark.parametrize("name", DRAWS)
    def test_numpys_numbers(self, name):
        draw, want = DRAWS[name]
        streams = RandomStreams(9)
        variable = draw(streams)
        variable.rng.set_value(np.random.RandomState(17), borrow=True)
        got = theano.function([], variable)()
        want = want(np.random.RandomState(17))
        np.testing.assert_array_equal(got, want)
        assert got.ndim == variable.ndim == want.ndim
        assert got.dtype == variable.dtype

    def test_dtypes_by_default(self):
        s = RandomStreams(1)
        for name in "uniform", "normal":
            assert getattr(s, name)((2,)).dtype == theano.config.floatX
        for name in "binomial", "random_integers", "permutation", "multinomial":
            assert getattr(s, name)((2,)).dtype == "int64"

    def test_size_may_be_symbolic_and_parameters_tensors(self):
        n, low = T.lscalar(), T.dvector()
        u = RandomStreams(1).uniform((n, low.shape[0]), low=low, high=low + 1, dtype="float64")
        got = theano.function([n, low], u)(4, [0, 100, -300])
        assert got.shape == (4, 3)
        assert (np.floor(got) == [0, 100, -300]).all()

    def test_an_ndim_where_the_size_does_not_say(self):
        size = T.lvector()
        with pytest.raises(ValueError, match="length not known"):
            RandomStreams(1).uniform(size)
        u = RandomStreams(1).uniform(size, ndim=2)
        assert theano.function([size], u)([2, 5]).shape == (2, 5)

    def test_without_a_size_the_parameters_decide(self):
        u = RandomStreams(1).normal(avg=np.zeros((3, 1)), std=np.ones(4))
        assert theano.function([], u)().shape == (3, 4)

    def test_shuffled_rows(self):
        streams, x = RandomStreams(31), T.imatrix()
        f = theano.function([x], streams.shuffle_row_elements(x))
        value = np.arange(40, dtype="int32").reshape(2, 20)
        got = f(value)
        assert (got != value).any()
        assert (np.sort(got) == value).all()
        assert (f(value) != got).any()

    def test_the_functions_without_streams_return_the_next_state(self):
        state = raw_random.random_state_type()
        following, u = raw_random.uniform(state, size=(3,), dtype="float64")
        f = theano.function([state], [following, u])
        given = np.random.RandomState(4)
        after, got = f(given)
        reference = np.random.RandomState(4)
        # The state that was handed in is not touched: it is the new one that has moved on.
        np.testing.assert_array_equal(given.get_state()[1], reference.get_state()[1])
        np.testing.assert_array_equal(got, reference.uniform(size=3))
        np.testing.assert_array_equal(after.uniform(size=2), reference.uniform(size=2))

    def test_updates_of_all_streams_by_hand(self):
        streams = RandomStreams(5)
        u, v = streams.uniform((2,)), streams.normal((2,))
        f = theano.function([], [u, v], updates=streams.updates(), no_default_updates=True)
        assert len(streams.updates()) == 2
        a, b = f(), f()
        assert (np.array(a) != np.array(b)).all()

    def test_no_default_updates_for_some(self):
        streams = RandomStreams(5)
        u, v = streams.uniform((2,)), streams.uniform((2,))
        f = theano.function([], [u, v], no_default_updates=[v.rng])
        a, b = f(), f()
        assert (a[0] != b[0]).all()
        assert (a[1] == b[1]).all()


class TestMRG:
    def test_the_same_stream_for_a_seed(self):
        for build in (
            lambda s: s.uniform((30,)),
            lambda s: s.normal((30,)),
            lambda s: s.binomial((30,), p=0.3),
        ):
            f, g = [theano.function([], build(MRG_RandomStreams(1234))) for _ in range(2)]
            for _ in range(2):
                np.testing.assert_array_equal(f(), g())
            other = theano.function([], build(MRG_RandomStreams(1235)))()
            assert (f() != other).any()

    def test_moments_and_ranges(self):
        s = MRG_RandomStreams(8)
        u, n, b = theano.function(
            [],
            [
                s.uniform((3000,), low=-1, high=3, dtype="float64"),
                s.normal((3000,), avg=2, std=3, dtype="float64"),
                s.binomial((3000,), p=0.2, dtype="int64"),
            ],
        )()
        assert (u > -1).all()
        assert (u < 3).all()
        assert abs(u.mean() - 1) < 0.1
        assert abs(n.mean() - 2) < 0.2
        assert abs(n.std() - 3) < 0.2
        assert set(b) == {0, 1}
        assert abs(b.mean() - 0.2) < 0.04

    def test_no_default_updates_gives_the_same_numbers_again(self):
        u = MRG_RandomStreams(8).uniform((5,))
        f = theano.function([], u, no_default_updates=True)
        np.testing.assert_array_equal(f(), f())

    def test_each_variable_has_streams_of_its_own(self):
        s = MRG_RandomStreams(8)
        a, b = theano.function([], [s.uniform((50,)), s.uniform((50,))])()
        assert (a != b).all()

    def test_multinomial_draws_one_of_each_row(self):
        p = np.array([[0, 1, 0], [0.5, 0, 0.5], [1, 0, 0]], "float32")
        draw = MRG_RandomStreams(8).multinomial(pvals=T.as_tensor_variable(p))
        f = theano.function([], draw)
        for _ in range(4):
            got = f()
            assert (got.sum(axis=1) == 1).all()
            assert (p[got == 1] > 0).all()

    def test_seeds_that_are_refused(self):
        with pytest.raises(ValueError, match="0"):
            MRG_RandomStreams(0)
        with pytest.raises(TypeError):
            MRG_RandomStreams("seed")
