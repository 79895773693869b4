"""Names that code binds, and names that it takes from around it."""

from __future__ import annotations

import ast

import pytest

from theano_today.python2 import bindings


@pytest.mark.parametrize(
    ("source", "bound", "free"),
    [
        ("a = b.c", "a", "b"),
        ("a.c = b", "", "a b"),
        ("del a\nfor b, (c, d) in e: pass", "a b c d", "e"),
        ("def f(a, b=c, *d, **e): return a + g", "f a b d e", "c g"),
        ("async def f(): pass\nclass A(B): pass", "f A", "B"),
        ("lambda a: a + b", "a", "b"),
        ("import a.b, c.d as e\nfrom f import g, h as i", "a e g i", ""),
        ("from f import *\ng()", "", "g"),
        ("def f():\n    global a\n    a = a + b", "f a", "a b"),
        ("[a for a in b]", "a", "b"),
    ],
)
def test_names(source, bound, free):
    tree = ast.parse(source)
    assert bindings.bound(tree) == set(bound.split())
    assert bindings.free(tree) == set(free.split())
