"""MRG_RandomStreams in Python: the states and numbers of Theano's C code."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox import rng_mrg
from theano.sandbox.rng_mrg import MRG_RandomStreams

from theano_today.compat.theano import mrg

PYTHON = ["FAST_COMPILE", theano.Mode("py", "fast_run"), theano.Mode("py", None)]
M1, M2 = 2**31 - 1, 2**31 - 21069


def states(random, streams):
    """Any states that the generator can have, its edges among them."""
    first = random.randint(0, M1, (streams, 3))
    second = random.randint(0, M2, (streams, 3))
    state = np.concatenate([first, second], axis=1).astype("int32")
    edges = np.array([[0, 0, 1, 0, 0, 1], [M1 - 1] * 3 + [M2 - 1] * 3, [1, 0, 0, M2 - 1, 0, 0]])
    state[: len(edges)] = edges[:streams]
    return state


def by_formula(state):
    """The recurrences of MRG31k3p (L'Ecuyer and Touzin 2000, section 4.2), in Python's ints."""
    for i, row in enumerate(state.tolist()):
        x11, x12, x13, x21, x22, x23 = row
        first = (2**22 * x12 + (2**7 + 1) * x13) % M1
        second = (2**15 * x21 + (2**15 + 1) * x23) % M2
        state[i] = [first, x11, x12, second, x21, x22]
        yield (first - second) % M1 or M1


@pytest.mark.parametrize("streams", [1, 2, 7, 300])
def test_the_recurrence(streams):
    given = states(np.random.RandomState(streams), streams)
    ours, expected = given.copy(), given.copy()
    for _ in range(20):
        drawn = mrg.draw(ours, streams, "float64")
        np.testing.assert_array_equal(drawn, [z * 2.0**-31 for z in by_formula(expected)])
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_one_at_a_time_by_theano(dtype):
    """Theano's own function for one number, in the order of its loop."""
    given = states(np.random.RandomState(3), 5)
    ours, expected = given.copy(), given.copy()
    drawn = mrg.draw(ours, 23, dtype)
    norm, mask, offset = {
        "float16": (np.float16(3.0458e-05), 0x7FFF, 1),
        "float32": (np.float32(4.6566126e-10), 0xFFFFFFFF, 0),
        "float64": (2.0**-31, 0xFFFFFFFF, 0),
    }[dtype]
    with np.errstate(over="ignore"):
        one_by_one = [
            rng_mrg.mrg_next_value(expected[i % 5], expected[i % 5], norm, mask, offset)
            for i in range(23)
        ]
    assert drawn.dtype == dtype
    np.testing.assert_array_equal(ours, expected)
    one_by_one = np.array(one_by_one).astype(dtype)
    if dtype == "float32":  # rounded once by Theano's Python code and twice by its C code
        np.testing.assert_allclose(drawn, one_by_one, rtol=2**-23, atol=0)
    else:
        np.testing.assert_array_equal(drawn, one_by_one)


@pytest.fixture(scope="module")
def drawn_by_c():
    return draw_twice("FAST_RUN")


def draw_twice(mode):
    """Of each kind of number two calls' worth, and the states behind them."""
    probabilities = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], "float32")
    streams = MRG_RandomStreams(77)
    draws = [
        streams.uniform((3, 50), dtype="float32"),
        streams.uniform((7,), dtype="float64"),
        streams.uniform((2, 1, 5), nstreams=4),
        streams.multinomial(n=5, pvals=probabilities),
        streams.choice(size=2, replace=False, p=probabilities),
    ]
    function = theano.function([], draws, mode=mode)
    numbers = [*function(), *function()]
    return numbers, [state.get_value() for state, *_ in streams.state_updates]


@pytest.mark.parametrize("mode", PYTHON, ids=["FAST_COMPILE", "py", "py, not optimized"])
def test_every_kind_as_in_c(mode, drawn_by_c):
    numbers, after = draw_twice(mode)
    expected, expected_after = drawn_by_c
    for ours, theirs in zip(numbers + after, expected + expected_after, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_seeds_and_shapes_from_variables():
    size = T.lvector("size")
    by_mode = []
    for mode in ("FAST_RUN", "FAST_COMPILE"):
        streams = MRG_RandomStreams([1, 2, 3, 2**31 - 21070, 5, 6])
        function = theano.function([size], streams.uniform(size, ndim=2, nstreams=3), mode=mode)
        numbers = [function([2, 5]), function([0, 3]), function([1, 1])]
        streams.seed(2**31 - 21070)
        by_mode.append([*numbers, function([3, 3])])
    for ours, theirs in zip(*by_mode, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_more_numbers_than_it_can_draw():
    size = T.lvector("size")
    uniform = MRG_RandomStreams(1).uniform(size, ndim=2, nstreams=3)
    function = theano.function([size], uniform, mode="FAST_COMPILE")
    with pytest.raises(ValueError, match="more then"):
        function([2**20, 2**20])


@pytest.mark.long
def test_debug_mode_compares_python_with_c():
    streams = MRG_RandomStreams(1)
    streams.uniform((40,), nstreams=3)
    drawn = streams.state_updates[0][1].owner.outputs[1]  # without what follows: * 1 + 0
    theano.function([], drawn, mode="DEBUG_MODE")()


def test_without_updates_the_state_stays():
    streams = MRG_RandomStreams(1)
    function = theano.function(
        [], streams.uniform((5,)), mode="FAST_COMPILE", no_default_updates=True
    )
    np.testing.assert_array_equal(function(), function())


def one_after_the_other(first, count):
    """As Theano's loop: DotModulo by its C code, of one stream after the other."""
    v, m1, m2 = T.ivector(), T.iscalar(), T.iscalar()
    a, b = T.lmatrix(), T.lmatrix()
    step = theano.function([a, v, m1, b, (w := T.ivector()), m2],
                           rng_mrg.DotModulo()(a, v, m1, b, w, m2))  # fmt: skip
    states = [np.asarray(first, "int32")]
    for _ in range(count - 1):
        last = states[-1]
        states.append(
            step(rng_mrg.A1p72, last[:3], rng_mrg.M1, rng_mrg.A2p72, last[3:], rng_mrg.M2)
        )
    return np.stack(states), step(
        rng_mrg.A1p134, states[0][:3], rng_mrg.M1, rng_mrg.A2p134, states[0][3:], rng_mrg.M2
    )


@pytest.mark.parametrize(
    "seed",
    [12345, M2 - 1, [1, 2, 3, M2 - 1, 5, 6], [M1 - 1] * 3 + [M2 - 1] * 3, -7, [5, -1, 3, 4, 2, -9]],
)
def test_streams_begin_where_theanos_c_code_lets_them(seed):
    expected, next_state = one_after_the_other(np.broadcast_to(seed, 6), 70)
    for count in (1, 2, 3, 64, 70):
        streams = MRG_RandomStreams(seed)
        np.testing.assert_array_equal(
            streams.get_substream_rstates(count, "float32", inc_rstate=False), expected[:count]
        )
        states = streams.get_substream_rstates(count, "float32")
        assert states.dtype == streams.rstate.dtype == np.int32
        np.testing.assert_array_equal(streams.rstate, next_state)


def test_the_next_stream_of_a_state():
    first, next_state = one_after_the_other(np.arange(1, 7), 2)
    np.testing.assert_array_equal(rng_mrg.ff_2p72(first[0]), first[1])
    np.testing.assert_array_equal(rng_mrg.ff_2p134(first[0]), next_state)
