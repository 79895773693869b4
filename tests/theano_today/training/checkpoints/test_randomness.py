"""Random states, taken down and put back."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import random

import lasagne
import numpy as np
from nolearn.lasagne import BatchIterator

from tests.tiny_nets import tiny
from theano_today.training.checkpoints import plain
from theano_today.training.checkpoints.randomness import random_state, same, set_random_state


class Flips(BatchIterator):
    """An iterator with a generator of its own."""

    def __init__(self, seed):
        super().__init__(batch_size=4)
        self.dice = np.random.RandomState(seed)


def draws(net):
    return [
        random.random(), np.random.uniform(), lasagne.random.get_rng().uniform(),
        net.batch_iterator_train.dice.uniform(),
    ]  # fmt: skip


def test_all_that_is_drawn_from_repeats():
    net = tiny(batch_iterator_train=Flips(3))
    lasagne.random.set_rng(np.random.RandomState(4))
    before = copy.deepcopy(random_state(net))
    first = draws(net)
    assert not same(random_state(net), before)
    set_random_state(net, before)
    assert same(random_state(net), before)
    assert draws(net) == first
    assert "batch_iterator_train.dice" in before["net"]


def test_lasagne_draws_from_numpys_by_default():
    net = tiny(batch_iterator_train=Flips(3))
    before = random_state(net)
    assert before["lasagne"] is None
    first = draws(net)
    set_random_state(net, before)
    assert draws(net) == first


def test_a_state_written_and_read_is_the_same():
    net = tiny(batch_iterator_train=Flips(3))
    arrays = {}
    before = random_state(net)
    text = plain.encode(before, arrays)
    assert same(plain.decode(text, arrays), before)


def test_a_generator_that_the_state_does_not_know_goes_on():
    """Of a net whose iterator got one since."""
    before = random_state(tiny())
    net = tiny(batch_iterator_train=Flips(3))
    want = np.random.RandomState(3).uniform()
    set_random_state(net, before)
    assert net.batch_iterator_train.dice.uniform() == want


def test_what_differs_anywhere_is_not_the_same():
    one = {"a": (1, np.arange(3)), "b": {"c": np.arange(3)}}
    assert same(one["b"], {"c": np.arange(3)})
    assert not same(one["b"], {"c": np.arange(4)})
    assert not same(one["b"], {"d": np.arange(3)})
    assert not same({"x": 1}, {"x": 2})
