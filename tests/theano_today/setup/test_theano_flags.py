"""THEANO_FLAGS, read and written."""

import pytest

from theano_today.errors import SetupError
from theano_today.setup import theano_flags
from theano_today.setup.theano_flags import parse, unparse


def test_there_and_back():
    flags = {"a": "1", "gcc.cxxflags": "-O2 -DX='a,b'", "blas.ldflags": "", "c": 'say "hi"'}
    assert parse(unparse(flags)) == flags
    assert parse("a=1,b = 2,a=3") == {"a": "3", "b ": " 2"}


def test_a_quote_that_is_not_closed():
    with pytest.raises(SetupError, match="no closing quotation"):
        parse("cxx='g++")


def test_given_is_what_the_user_wrote(monkeypatch):
    monkeypatch.setattr(theano_flags, "_given", "device=cpu,engine=stock")
    assert theano_flags.given() == {"device": "cpu", "engine": "stock"}
