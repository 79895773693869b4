"""What the nodes of a function run on, as `--verbose` says it."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import logging
import re

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.fresh_python import fresh_python
from theano_today.engine import library, report


class Doubled(theano.Op):
    """An Op of the user's own."""

    __props__ = ()

    def make_node(self, x):
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0] * 2


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO, "theano_today")
    return lambda: [r.message for r in caplog.records if r.module == "report"]


def make(name=None):
    x = T.fmatrix("x")
    w = theano.shared(np.ones((3, 3), np.float32))
    return theano.function([x], [Doubled()(x).dot(w), T.argsort(x)], name=name)


@pytest.mark.skipif(library.kernels() is None, reason="needs the kernels")
def test_what_each_node_runs_on(said):
    make("twice")
    first, *rest = said()
    assert re.fullmatch(r"function \d+ 'twice', test_report\.py line \d+: 3 Ops", first)
    assert rest == ["  the engine  1 Dot22", "  Python      1 Doubled, 1 ArgSortOp"]


def test_the_number_counts_what_is_said(said):
    theano.function([], [])  # no nodes, nothing to say
    make()
    make()
    numbers = [int(re.match(r"function (\d+), ", line)[1]) for line in said() if line[0] != " "]
    assert numbers == [numbers[0], numbers[0] + 1]


def test_a_scan_is_one_function(said):
    x = T.fvector("x")
    steps, _ = theano.scan(lambda v, s: Doubled()(v + s), x, T.constant(np.float32(0)))
    theano.function([x], steps, mode=theano.Mode("vm", "fast_compile"))
    assert sum(line.startswith("function") for line in said()) == 1


def test_long_lists_are_wrapped():
    words = [f"{n} Subtensor" for n in range(20)]
    found = list(report._wrapped("  C code     ", words))
    assert len(found) > 1
    assert max(map(len, found)) <= 76
    assert " ".join(" ".join(found).split()) == "C code " + ", ".join(words)


def test_nothing_without_a_listener(caplog):
    caplog.set_level(logging.WARNING, "theano_today")
    make()
    assert not caplog.records


def test_programs_that_log_their_own_lines_do_not_see_it():
    program = (
        "import logging\nlogging.basicConfig(level=logging.INFO)\nimport theano_today\n"
        "import theano\nx = theano.tensor.fvector()\ntheano.function([x], x[0])\n"
        "logging.info('mine')\n"
    )
    done = fresh_python("-c", program)
    assert done.stderr == "INFO:root:mine\n"
