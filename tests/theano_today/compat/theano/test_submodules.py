"""Submodules of Theano as attributes: in a process of its own, where nothing has imported them."""

from __future__ import annotations

import subprocess
import sys

import pytest

import theano_today  # noqa: F401

PROGRAM = """
import theano_today, theano, theano.tensor as T
import sys
for name in {names!r}:
    assert name not in sys.modules, name
    module = eval(name)
    assert module is sys.modules[name], name
x, y = T.scalars("x", "y")
assert theano.ifelse.ifelse(T.lt(x, y), x, y).eval({{x: 2, y: 3}}) == 2
for name in ("theano.no_such_name", "theano.gpuarray_", "T.no_such_type", "T.nnet.Conv4D"):
    try:
        eval(name)
    except AttributeError as error:
        assert "has no attribute" in str(error), error
    else:
        raise AssertionError(name)
assert not hasattr(theano.tensor, "__wrapped__")
"""


def test_an_attribute_is_imported_when_it_is_used():
    names = ["theano.ifelse", "theano.sandbox.rng_mrg", "theano.sandbox.neighbours"]
    names += ["theano.tensor.signal.conv", "theano.sandbox.linalg.ops", "theano.sandbox.cuda"]
    # FAST_COMPILE: no C code, which is not the point
    program = "import os; os.environ['THEANO_FLAGS'] = 'mode=FAST_COMPILE'\n"
    program += PROGRAM.format(names=names)
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", ["tests", "gpuarray"])
def test_what_programs_ask_for_by_hasattr(name):
    import theano

    assert name not in theano.__dict__ or hasattr(theano, name)
