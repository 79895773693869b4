"""Random states: copied where Theano copies them, compared by what they will draw."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import pickle

import numpy as np
import pytest
import theano
import theano.tensor as T
from numpy.random import RandomState
from theano.compile import function_module
from theano.tensor import raw_random
from theano.tensor.shared_randomstreams import RandomStreams

from theano_today.compat.theano import random_state

DRAWS = {
    "uniform": lambda streams: streams.uniform((2, 3)),
    "normal": lambda streams: streams.normal((5,)),  # odd: the state keeps a Gaussian number
    "binomial": lambda streams: streams.binomial((4,), n=10, p=0.3),
    "random_integers": lambda streams: streams.random_integers((4,), 2, 900),
    "multinomial": lambda streams: streams.multinomial((2,), n=50, pvals=[0.2, 0.3, 0.5]),
    "permutation": lambda streams: streams.permutation((2,), 50),
    "choice": lambda streams: streams.choice((4,), a=700),
    "poisson": lambda streams: streams.poisson((4,), lam=300.0),
    "shuffle": lambda streams: streams.shuffle_row_elements(T.arange(60)),
}


def equal(first, second):
    return [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
def test_without_updates_the_same_numbers_again(mode):
    streams = RandomStreams(234)
    draws = [draw(streams) for draw in DRAWS.values()]
    still = theano.function([], draws, no_default_updates=True, mode=mode)
    first = still()
    assert equal(first, still()) == [True] * len(DRAWS)
    moving = theano.function([], draws, mode=mode)
    assert equal(first, moving()) == [True] * len(DRAWS)
    assert equal(first, moving()) == [False] * len(DRAWS)


def test_the_numbers_are_those_of_numpy():
    """As Theano's tutorial explains them: each stream is seeded from the first one."""
    streams = RandomStreams(seed=99)
    uniform = theano.function([], streams.uniform((2, 2)))
    seeds = RandomState(99)
    own = RandomState(int(seeds.randint(2**30)))
    for _ in range(3):
        np.testing.assert_array_equal(uniform(), own.uniform(size=(2, 2)).astype("float32"))
    streams.seed(5)
    own = RandomState(int(RandomState(5).randint(2**30)))
    np.testing.assert_array_equal(uniform(), own.uniform(size=(2, 2)).astype("float32"))


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
def test_an_argument_is_left_as_it_was(mode):
    r = raw_random.random_state_type("r")
    after, drawn = raw_random.normal(r, (3,))
    function = theano.function([r], [after, drawn], mode=mode)
    given = RandomState(5)
    state, first = function(given)
    assert random_state.equal_states(given, RandomState(5))
    assert equal([first], function(given)[1:]) == [True]
    assert equal([first], function(state)[1:]) == [False]
    expected = RandomState(5)
    expected.normal(size=3)
    assert random_state.equal_states(state, expected)


@pytest.mark.parametrize("same", [lambda r: r, copy.copy], ids=["itself", "copied by the user"])
def test_two_arguments_that_are_the_same_state(same):
    r, s = raw_random.random_state_type("r"), raw_random.random_state_type("s")
    draws = [raw_random.uniform(r, (3,)), raw_random.uniform(s, (3,))]
    function = theano.function(
        [theano.In(r, mutable=True), theano.In(s, mutable=True)], [drawn for _, drawn in draws]
    )
    state = RandomState(5)
    first, second = function(state, same(state))
    np.testing.assert_array_equal(first, second)


def test_linkers_that_run_a_graph_twice_draw_the_same():
    seen = []

    def run_all(i, node, *thunks):
        for thunk in thunks:
            thunk()
            if isinstance(node.op, raw_random.RandomFunction):
                assert node.op.inplace
                seen.append(thunk.outputs[1][0])

    linker = theano.gof.link.WrapLinker([theano.gof.PerformLinker() for _ in range(2)], run_all)
    r = raw_random.random_state_type("r")
    drawn = raw_random.uniform(r, (3,))[1]
    mode = theano.Mode(linker=linker, optimizer="fast_run")
    theano.function([theano.In(r, mutable=True)], drawn, mode=mode)(RandomState(3))
    first, second = seen
    np.testing.assert_array_equal(first, second)


def test_shared_states():
    state = RandomState(4)
    shared = theano.shared(state)
    expected = RandomState(4).rand()
    assert state.rand() == expected
    assert shared.get_value().rand() == shared.get_value().rand() == expected
    shared.set_value(state)
    after = state.rand()
    assert shared.get_value(borrow=True).rand() == after
    draw = theano.function([], RandomStreams(1).uniform(()))
    assert copy.deepcopy(draw)() == pickle.loads(pickle.dumps(draw))() == draw()


def test_equal_states():
    kind = raw_random.random_state_type
    one, same, other, gauss = RandomState(1), RandomState(1), RandomState(2), RandomState(1)
    gauss.normal()
    for equals in (kind.values_eq, function_module.check_equal, random_state.equal_states):
        assert equals(one, same)
        assert equals(gauss, copy.deepcopy(gauss))
        for different in (other, gauss):
            assert not equals(one, different)
    assert not random_state.equal_states(one, RandomState(np.random.PCG64(1)))


class As:
    """Pickled as another NumPy wrote a RandomState."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("protocol", [0, 2])
def test_pickled_states_of_all_numpys(protocol):
    state = RandomState(8)
    state.normal()
    restored = [
        As(np.random.__RandomState_ctor, (), state.get_state()),  # until 1.16
        As(type(state).__reduce__(state)[0], ("MT19937",), state.get_state(legacy=False)),  # 1.17
        state,
    ]
    for written in restored:
        read = pickle.loads(pickle.dumps(written, protocol=protocol), encoding="latin1")
        assert random_state.equal_states(read, state)
        assert np.array_equal(read.normal(size=3), copy.deepcopy(state).normal(size=3))


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
def test_in_scan(mode):
    """Ten steps draw what ten calls of NumPy draw, and without updates draw it again."""
    streams = RandomStreams(7)
    drawn, updates = theano.scan(lambda: streams.normal((3,)), n_steps=10)
    moving = theano.function([], drawn, updates=updates, mode=mode)
    still = theano.function([], drawn, mode=mode, no_default_updates=True)
    expected = RandomState(int(RandomState(7).randint(2**30)))
    first = still()
    np.testing.assert_array_equal(first, still())
    np.testing.assert_array_equal(first, moving())
    numbers = np.array([expected.normal(size=3) for _ in range(10)], "float32")
    np.testing.assert_array_equal(first, numbers)
    assert not np.array_equal(first, moving())


def test_in_debug_mode():
    streams = RandomStreams(7)
    drawn = streams.normal((3,))
    function = theano.function([], drawn, mode=theano.compile.DebugMode(check_c_code=False))
    own = RandomState(int(RandomState(7).randint(2**30)))
    for _ in range(2):
        np.testing.assert_array_equal(function(), own.normal(size=3).astype("float32"))
