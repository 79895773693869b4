"""Translated text: what is rewritten, what stays, where its lines come from."""

import ast

import pytest

from tests.fissix_needed import needs_fissix
from theano_today.python2 import translate

pytestmark = needs_fissix


def text(source, **options):
    return translate.translate(source, **options).text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a / b\n", "_py2.div(a, b)\n"),
        ("a / b / c\n", "_py2.div(_py2.div(a, b), c)\n"),
        ("a * b / c % d\n", "_py2.div(a * b, c) % d\n"),
        ("-a / b ** 2\n", "_py2.div(-a, b ** 2)\n"),
        ("f(a, b / 2)[c / 2]\n", "f(a, _py2.div(b, 2))[_py2.div(c, 2)]\n"),
        ("x /= 2\n", "x = _py2.idiv(x, 2)\n"),
        ("x[i].y /= a / b\n", "x[i].y = _py2.idiv(x[i].y, _py2.div(a, b))\n"),
        ("x /= 1, 2\n", "x = _py2.idiv(x, (1, 2))\n"),
        ("x[f()] /= 2\n", "_py2.idiv_item(x, _py2.key[f()], 2)\n"),
        ("x[f():3, :] /= 2\n", "_py2.idiv_item(x, _py2.key[f():3, :], 2)\n"),
        ("f().x /= 2\n", "_py2.idiv_attribute(f(), 'x', 2)\n"),
        ("a // b\n", "a // b\n"),
        ("np.divide(a, b)\n", "_py2.divide_of(np)(a, b)\n"),
        ("f = np.divide\n", "f = _py2.divide_of(np)\n"),
        ("d.keys()[0].x\n", "_py2.listed(d.keys())[0].x\n"),
        ("a.b().items()\n", "_py2.listed(a.b().items())\n"),
        ("d.keys(1)\n", "d.keys(1)\n"),
        ("d.iteritems()\n", "_py2.iterated(d, 'items')\n"),
        ("d.viewkeys()\n", "_py2.viewed(d, 'keys')\n"),
        ("not d.has_key(a or b)\n", "not _py2.has_key(d, a or b)\n"),
        ("it.next()\n", "_py2.next(it)\n"),
        ("data.next(3)\n", "data.next(3)\n"),
        ("x.sort(key=f)\n", "_py2.sort(x, key=f)\n"),
        ("x.sort(*a, **b)\n", "_py2.sort(x, *a, **b)\n"),
        ("'a'.encode('hex').upper()\n", "_py2.encode('a', 'hex').upper()\n"),
        ("unicode(a, 'utf-8')\n", "_py2.unicode(a, 'utf-8')\n"),
        ("unicode(a)\n", "unicode(a)\n"),
        ("print e.message\n", "print(_py2.message(e))\n"),
        ("self.message = 3\n", "self.message = 3\n"),
        ("del self.message\n", "del self.message\n"),
        ("x = self.message\n", "x = _py2.message(self)\n"),
        ("ur'a' u'b'\n", "r'a' u'b'\n"),
        ("lambda (a, b), c: a + b.a / c\n", "lambda a_b, c: a_b[0] + _py2.div(a_b[1].a, c)\n"),
        ("lambda (a), b: a\n", "lambda a, b: a\n"),
        ("lambda x, (a, b): a\n", "lambda x, a_b: a_b[0]\n"),
        ("print ()\n", "print(())\n"),
        (r"'\u \N \x41 \\u' r'\u' u'\u0041'" + "\n", r"'\\u \\N \x41 \\u' r'\u' u'\u0041'" + "\n"),
        ("print >>f, 1,\n", "print(1, end=' ', file=f)\n"),
    ],
)
def test_rewritten(source, expected):
    assert text(source) == expected


PREFIX = "theano_today.python2.modules"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import pickle\n", f"import {PREFIX}.pickle as pickle\n"),
        ("import os, numpy, math as m\n", f"import {PREFIX}.os as os, numpy, {PREFIX}.math as m\n"),
        ("from itertools import izip\n", f"from {PREFIX}.itertools import izip\n"),
        ("import os.path, a.random\n", f"import {PREFIX}.os as os, a.random\n"),
        ("import os.path as p\n", "import os.path as p\n"),
        ("from . import random\n", "from . import random\n"),
        ("import numpy.random as random\n", "import numpy.random as random\n"),
        ("import Queue\n", "import Queue\n"),
    ],
)
def test_imports(source, expected):
    assert text(source) == expected


def test_the_programs_own_modules_are_meant_by_their_names():
    own = {"random"}.__contains__
    source = "import random, math\nfrom random import choice\n"
    expected = f"import random, {PREFIX}.math as math\nfrom random import choice\n"
    assert text(source, own=own) == expected


def test_future_division_is_division():
    source = "from __future__ import division\nx = a / b\nx /= np.divide(a, 2)\n"
    assert text(source) == source


def test_print_function():
    done = translate.translate("from __future__ import print_function\nprint('a', end='')\n")
    assert done.print_function
    assert done.text.endswith("print('a', end='')\n")
    assert not translate.translate("print 1\n").print_function


def test_tabs_are_eight_columns_but_not_in_strings():
    source = 'if a:\n\tx = """\n\ty"""\n        z = 1\t# here\n\tif z:\n\t    w = 2\n'
    done = text(source)
    assert done == (
        'if a:\n        x = """\n\ty"""\n        z = 1\t# here\n        if z:\n            w = 2\n'
    )
    ast.parse(done)


@pytest.mark.parametrize(
    "source",
    [
        "x = '''\n\ta'''\n\n\n",
        "# '''\n\tx\n",
        "s = 'it\\'s' + \"\"\"a\n\tb\n'''\n\tc\"\"\"\nif 1:\n\tpass\n",
        "s = 'a\\\n\tb'\nif 1:\n\tpass\n",
    ],
)
def test_lines_in_strings(source):
    """Tabs are expanded exactly where Python's tokenizer, too, sees an indentation."""
    inside = translate._lines_in_strings(source)
    expected = {n for n, line in enumerate(source.split("\n")) if line.startswith("\t")}
    lines = source.split("\n")
    code = {n for n in expected if lines[n].strip() in ("pass", "x")}
    assert expected & inside == expected - code


def test_lines():
    source = (
        "def f((a, b),\n      c):\n    '''doc\n    more'''\n    return a\n\n"
        "try:\n    f()\nexcept (A,\n        B), (x, y):\n    for i in x:\n        pass\n"
    )
    done = translate.translate(source)
    lines = done.text.split("\n")
    original = source.split("\n")
    for number, line in enumerate(lines):
        if line.strip() in ("return a", "pass", "f()", "for i in x:", "'''doc", "try:"):
            assert original[done.lines[number] - 1].strip() == line.strip()
    assert any("x, y) = _py2_error.args" in line for line in lines)
    ast.parse(done.text)


def test_except_on_one_line():
    source = "try: a\nexcept E, (n, s): print n\nexcept F, self.error: pass\n"
    expected = (
        "try: a\nexcept E as _py2_error: (n, s) = _py2_error.args; print(n)\n"
        "except F as _py2_error: self.error = _py2_error; pass\n"
    )
    assert text(source) == expected


def test_kept_text_stands_by_itself():
    source = (
        '#!/usr/bin/env python\n"""Doc."""\nfrom __future__ import with_statement\n'
        "class A:\n    __metaclass__ = M\n    def __nonzero__(self): return 0\n"
        "class B:\n    def run(self): pass\n"
    )
    done = text(source, kept=True)
    lines = done.split("\n")
    assert lines[3] == "from theano_today.python2 import runtime as _py2"
    assert lines[4].startswith("from theano_today.python2.names import *")
    assert "@_py2.two_to_three\nclass A(metaclass=M):" in done
    assert "two_to_three\nclass B" not in done


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("x = 'é'".encode(), "x = 'é'"),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'", "# -*- coding: latin-1 -*-\nx = 'é'"),
        (b"x = '\xe9'", "x = 'é'"),
        (b"# coding: no-such-thing\n", "# coding: no-such-thing\n"),
        (b"\xef\xbb\xbfx\r\ny\rz", "x\ny\nz"),
    ],
)
def test_decoded(data, expected):
    assert translate.decode(data) == expected


@pytest.mark.parametrize("source", ["print 'a' 'b' c\n", "def f(:\n", "x = $\n"])
def test_what_is_not_python_2(source):
    assert not translate.parses(source)
    with pytest.raises(translate.NotPython2):
        translate.translate(source)


def test_no_end_of_line_at_the_end():
    assert text("print 1") == "print(1)\n"
