"""Where a variable was made, though a function of ours made it."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import traceback

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


def test_no_line_is_of_what_is_wrapped_around_theano_s_functions():
    x = T.vector("x")
    gradient = T.grad(T.sum(T.tanh(x * 3)), x)
    outputs, _ = theano.scan(lambda v: T.exp(v) + x, x)
    files = {
        frame[0]
        for v in (*theano.gof.graph.ancestors([gradient]), outputs)
        for trace in v.tag.trace
        for frame in trace
    }
    assert not any("theano_today" in file and "tests" not in file for file in files)
    assert __file__ in files


def test_the_lines_are_those_of_python_s_own_module():
    def inner():
        return theano.gof.utils.simple_extract_stack(limit=5, skips=["no such file"])

    found, expected = inner(), traceback.extract_stack(limit=4)
    assert [frame[2] for frame in found[-2:]] == [expected[-1].name, "inner"]
    assert [(f[0], f[2], f[3]) for f in found[:-2]] == [
        (f.filename, f.name, f.line) for f in expected[:-1]
    ]
    everything = theano.gof.utils.simple_extract_stack()
    assert [(f[0], f[1], f[2]) for f in everything[:-1]] == [
        (f.filename, f.lineno, f.name) for f in traceback.extract_stack()[:-1]
    ]


def test_code_without_a_file():
    names: dict = {"extract": theano.gof.utils.simple_extract_stack}
    exec(compile("found = extract(limit=1, skips=['no such file'])", "<nowhere>", "exec"), names)
    assert names["found"] == [("<nowhere>", 1, "<module>", None)]
