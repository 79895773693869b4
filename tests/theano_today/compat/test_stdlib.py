"""Names that Python's standard library dropped."""

from __future__ import annotations

import pickle

import pytest

import theano_today  # noqa: F401


def test_names_that_moved():
    import collections
    import configparser
    import inspect

    assert issubclass(list, collections.Iterable)
    assert issubclass(configparser.SafeConfigParser, configparser.ConfigParser)
    assert inspect.getargspec(lambda a, b=1, *c: 0)[:4] == (["a", "b"], "c", None, (1,))
    spec = inspect.ArgSpec(args=["a"], varargs=None, keywords="k", defaults=None)
    assert spec.keywords == spec[2] == "k"


def test_imp_loads_and_reloads():
    import imp

    assert imp.reload(pickle) is pickle
    assert imp.find_module("json")[2][2] == 5
    with pytest.raises(ImportError):
        imp.find_module("no_such_module_anywhere")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_names_that_were_dropped_since():
    import base64
    import configparser
    import fractions
    import io
    import locale
    import os
    import pipes
    import platform
    import threading
    import time
    import unittest
    import xml.etree.ElementTree as etree
    from html.parser import HTMLParser

    assert 0 <= time.clock() <= time.process_time()
    assert fractions.gcd(12, 18) == 6
    assert os.errno.ENOENT == 2
    assert base64.decodestring(base64.encodestring(b"abc")) == b"abc"
    assert threading.current_thread().isAlive()
    assert HTMLParser().unescape("a &amp; b") == "a & b"
    assert locale.format("%.1f", 1.5) == locale.format_string("%.1f", 1.5)
    assert pipes.quote("a b") == "'a b'"
    assert etree.fromstring("<a><b/></a>").find("b").tag == "b"
    assert all(isinstance(word, str) for word in platform.linux_distribution())
    case = unittest.TestCase()
    case.assertEquals(1, 1)  # noqa: PT009
    case.assertItemsEqual([1, 2], [2, 1])
    case.failUnless(True)  # noqa: PT009
    parser = configparser.ConfigParser()
    parser.readfp(io.StringIO("[s]\nk = 7\n"))
    assert parser.getint("s", "k") == 7
