"""Where a variable was made, though a function of ours made it."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest
import theano
import theano.tensor as T

from theano_today.habits import promotion
from theano_today.python2 import division


@pytest.mark.parametrize("make", [promotion.add, promotion.div, division.div])
def test_the_innermost_line_is_the_program_s(make):
    made = make(T.vector("x"), T.vector("y"))
    file, _, function, line = made.tag.trace[0][-1]
    assert file == __file__
    assert function == "test_the_innermost_line_is_the_program_s"
    assert line == 'made = make(T.vector("x"), T.vector("y"))'


def test_the_whole_stack(monkeypatch):
    monkeypatch.setattr(theano.config.traceback, "compile_limit", 5)
    made = promotion.add(T.vector("x"), T.vector("y"))
    assert len(made.tag.trace[0]) > 1
