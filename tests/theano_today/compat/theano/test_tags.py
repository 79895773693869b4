"""Copies of tags."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import pickle

import theano.tensor as T
from theano.gof.utils import scratchpad


class Refusing(scratchpad):
    """Its attributes are not set one by one."""

    def __setattr__(self, name, value):
        raise AttributeError(name)


def test_a_copy_has_the_same_attributes_and_its_own_dictionary():
    shared = [1]
    for tag in (scratchpad(), Refusing()):
        tag.__dict__.update(test_value=shared, other=2)
        again = copy.copy(tag)
        assert type(again) is type(tag)
        assert vars(again) == vars(tag)
        assert again.test_value is shared
        vars(again)["other"] = 3
        assert tag.other == 2


def test_deep_copies_and_pickles():
    tag = scratchpad()
    tag.test_value = [1]
    for again in (copy.deepcopy(tag), pickle.loads(pickle.dumps(tag))):
        assert type(again) is scratchpad
        assert again.test_value == [1]
        assert again.test_value is not tag.test_value


def test_clones_of_variables():
    x = T.vector("x")
    x.tag.note = "here"
    clone = x.clone()
    assert clone.tag is not x.tag
    assert clone.tag.note == "here"
    assert clone.tag.trace is x.tag.trace
