"""Variables of list comprehensions: as CPython 2.7.18 left them."""

from __future__ import annotations

import ast

import pytest

from theano_today.python2 import comprehensions


def run(source):
    tree = comprehensions.let_leak(ast.parse(source))
    names: dict = {}
    exec(compile(tree, "program.py", "exec", dont_inherit=True), names)
    return names


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 5\nl = [x for x in range(3)]\nresult = l, x", ([0, 1, 2], 2)),
        ("x = 5\nl = [x for x in []]\nresult = l, x", ([], 5)),
        ("l = [a + b for a, b in [(1, 2), (3, 4)]]\nresult = l, a, b", ([3, 7], 3, 4)),
        ("l = [x for x in range(9) if x < 3]\nresult = l, x", ([0, 1, 2], 8)),
        ("l = [y for x in [[1], [2, 3]] for y in x]\nresult = l, x, y", ([1, 2, 3], [2, 3], 3)),
        ("l = [[y for y in range(x)] for x in range(3)]\nresult = l, y", ([[], [0], [0, 1]], 1)),
        ("def f(x):\n    [x for x in 'ab']\n    return x\nresult = f(1)", "b"),
        ("def f(x):\n    return [(lambda: x)() for x in 'ab'], x\nresult = f(1)",
         (["a", "b"], "b")),
        ("i = 7\ndef f():\n    global i\n    [i for i in 'ab']\n    return i\nf()\n"
         "result = i", "b"),
        ("i = 7\n[i for i in 'ab']\ndef f():\n    return i\nresult = f()", "b"),
        ("def f():\n    [i for i in 'ab']\n    return (lambda: i)()\nresult = f()", "b"),
        ("x = 5\nl = list(x for x in range(3))\nresult = x", 5),
        ("x = 5\nl = {x for x in range(3)}, {x: 1 for x in range(3)}\nresult = x", 5),
        ("class A:\n    n = 2\n    l = [n * k for k in range(3) if k]\n    last = k\n"
         "result = A.l, A.last, sorted(v for v in vars(A) if v[0] != '_')",
         ([2, 4], 2, ["k", "l", "last", "n"])),
        ("class A:\n    n = 2\n    l = [[n * j for j in range(k)] for k in range(3)]\n"
         "result = A.l, A.j", ([[], [0], [0, 2]], 1)),
        ("class A:\n    a, b = [x for x in 'ab'], [x for x in 'cd']\nresult = A.a, A.b, A.x",
         (["a", "b"], ["c", "d"], "d")),
    ],
)  # fmt: skip
def test_as_python_2_left_them(source, expected):
    assert run(source)["result"] == expected


def test_what_nobody_reads_is_left_alone():
    source = "l = [x for x in range(3)]\n\ndef f(x):\n    return [y for y in x]"
    assert ast.unparse(comprehensions.let_leak(ast.parse(source))) == source
