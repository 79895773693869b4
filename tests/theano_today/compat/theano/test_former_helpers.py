"""Modules that Theano had for several Pythons, as programs of 2013 and 2014 import them."""

import pickle
import urllib.request
from collections import OrderedDict
from functools import reduce

import pytest

import theano_today  # noqa: F401

theano = pytest.importorskip("theano")


def test_six():
    from theano.compat import six
    from theano.compat.six import string_types
    from theano.compat.six.moves import cPickle, input, urllib, xrange, zip
    from theano.compat.six.moves import reduce as reduce_of_six

    assert six.PY3
    assert six.string_types is string_types
    assert isinstance("a", string_types)
    assert (xrange, zip, reduce_of_six) == (range, __builtins__["zip"], reduce)
    assert six.moves.xrange is range
    assert cPickle.dumps is pickle.dumps
    assert callable(input)
    assert urllib.request.urlopen is urllib.request.urlopen


def test_modules_of_moves():
    import theano.compat.six.moves.cPickle as moved
    import theano.compat.six.moves.urllib as moved_urllib

    assert moved.loads is pickle.loads
    assert moved_urllib.request.urlopen is urllib.request.urlopen
    with pytest.raises(ImportError):
        from theano.compat.six.moves import nothing_of_that_name  # noqa: F401


@pytest.mark.parametrize("name", ["theano.compat.python2x", "theano.gof.python25"])
def test_python2x(name):
    module = __import__(name, fromlist=["OrderedDict"])
    assert module.OrderedDict is OrderedDict
    assert module.any([0, 1])
    assert module.partial(max, 3)(2) == 3
    counts = module.DefaultOrderedDict(int)
    counts["a"] += 2
    assert dict(counts) == {"a": 2}
    assert list(module.product("ab", "c")) == [("a", "c"), ("b", "c")]
