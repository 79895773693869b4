"""MRG31k3p: the very numbers of Theano's generator, and the state it is left in."""

from tests.theano_today.torch_link.compare import FAST_RUN, TORCH, assert_on_device, torch  # isort: skip

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams

from theano_today.torch_link.dispatch import random


def draws(mode, make, calls=3):
    """Several calls' results of an expression on a new stream, and the states behind them."""
    stream = MRG_RandomStreams(seed=7)
    function = theano.function([], make(stream), mode=mode)
    if mode is TORCH:
        assert_on_device(function)
    results = [function() for _ in range(calls)]
    states = [state.get_value() for state, *_ in stream.state_updates]
    return results, states


@pytest.mark.parametrize("size", [(3,), (5, 4), (60, 300), (7, 2, 3, 11)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform(size, dtype):
    def make(stream):
        return stream.uniform(size, dtype=dtype, nstreams=1000)

    (ours, our_states), (theirs, their_states) = draws(TORCH, make), draws(FAST_RUN, make)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(our_states, their_states)


def test_streams_used_different_numbers_of_times():
    def make(stream):
        return stream.uniform((10,), nstreams=7)

    (ours, our_states), (theirs, their_states) = draws(TORCH, make), draws(FAST_RUN, make)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(our_states, their_states)


def test_dropouts_mask():
    def make(stream):
        return stream.binomial((6, 50), p=0.5, dtype="float32")

    (ours, _), (theirs, _) = draws(TORCH, make), draws(FAST_RUN, make)
    np.testing.assert_array_equal(ours, theirs)
    assert 0.4 < np.mean(ours) < 0.6


def test_a_size_that_is_the_batchs():
    stream = [MRG_RandomStreams(seed=7) for _ in range(2)]
    x = T.matrix()
    functions = [
        theano.function([x], x * s.uniform(x.shape, nstreams=5), mode=mode)
        for s, mode in zip(stream, (TORCH, FAST_RUN), strict=True)
    ]
    for rows in (4, 4, 2, 4, 7):
        ones = np.ones((rows, 3), np.float32)
        ours, theirs = (function(ones) for function in functions)
        np.testing.assert_array_equal(ours, theirs)


def test_what_recordings_read_stays_where_it_is():
    kept = random._combinations(1, random._STEP1, random.M1, torch.device("cpu"))
    for rounds in range(2, 200):
        random._combinations(rounds, random._STEP1, random.M1, torch.device("cpu"))
    assert random._combinations(1, random._STEP1, random.M1, torch.device("cpu")) is kept


def test_normal():
    def make(stream):
        return stream.normal((40, 3), avg=1, std=2)

    (ours, _), (theirs, _) = draws(TORCH, make), draws(FAST_RUN, make)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_numpys_streams():
    """theano.tensor.shared_randomstreams: NumPy's generator, on the host; the rest is not."""
    x = T.matrix()
    results = []
    for mode in (TORCH, FAST_RUN):
        stream = RandomStreams(5)
        drawn = [
            stream.uniform(x.shape) * x,
            stream.normal((3,), avg=1, std=2),
            stream.binomial(x.shape, p=0.3),
            stream.random_integers((4,), low=2, high=9),
            stream.permutation((2,), n=5),
            stream.multinomial((3,), pvals=[0.2, 0.8]),
            stream.choice((4,), a=7),
        ]
        mask = stream.binomial(x.shape, dtype="float32")
        w = theano.shared(np.ones((3, 2), np.float32))
        gradient = theano.grad(T.sum(T.sqr(T.dot(x * mask, w))), w)
        function = theano.function([x], [*drawn, gradient], updates=[(w, w - gradient)], mode=mode)
        value = np.arange(6, dtype=np.float32).reshape(2, 3)
        results.append([*(function(value) for _ in range(3)), [w.get_value()]])
    for ours, theirs in zip(*results, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-6)
