"""Which expressions are rewritten, and that a rewritten program does what it did."""

from __future__ import annotations

import ast
import traceback

import numpy as np
import pytest

from theano_today.habits import rewriting


def rewritten(source, python2=False):
    return ast.unparse(ast.fix_missing_locations(rewriting.rewrite(ast.parse(source), python2)))


def run(source, python2=False, **names):
    rewriting.prepare(names, python2)
    tree = rewriting.rewrite(ast.parse(source), python2)
    exec(compile(tree, "program.py", "exec", dont_inherit=True), names)
    return names


@pytest.mark.parametrize(
    "source",
    [
        "x[1]",
        "x['a']",
        "x[-1]",
        "x[:, None]",
        "x[1:3, ::2]",
        "x[...]",
        "x[len(y) - 1]",
        "x[np.argmax(y)]",
        "x[y.shape[0] // 2]",
        "x[np.newaxis, :]",
        "x[[0, 2]]",
        "for i in range(5):\n    y = x[i:i + 1]",
        "for i, y in enumerate(z):\n    x[i] = y",
        "[x[i] for i in range(n)]",
        "n = 10\nm = n - 1\nm += 2\nx[:n, m]",
        "def f(y):\n    n = len(y)\n    return x[n * 2]",
        "-1",
        "-len(y)",
        "float('inf')",
        "int(a, 2)",
        "'a' + b",
        "a + [b]",
        "str(a) + b",
        "2 ** -3",
        "a < 0.5",
        "a == -1",
        "a != 'b'",
        "a is b",
        "0 < a < b",
        "a @ b",
        "s.add(a)",
        "f(a)[0] += b",
        "a += 'b'",
        "n = len(a)\nn += 1\nm = 2 * n - 3",
        "@numba.jit(nopython=True)\ndef f(a, b):\n    return a * b[a]",
        "match a:\n    case -1 | 1 + 2j:\n        pass",
        "x: Dict[str, y]",
        "def f(x: Dict[str, y]) -> List[z]:\n    pass",
        "'abc'[i]",
        "x == None",
    ],
)
def test_left_alone(source):
    assert rewritten(source) == ast.unparse(ast.parse(source))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x[i]", "x[i] if _then_type(x) is not _then_array else _then_item(x, i)"),
        (
            "x[a:b, 0]",
            "x[a:b, 0] if _then_type(x) is not _then_array else "
            "_then_item(x, (_then_slice(a, b, None), 0))",
        ),
        ("f(x)[i]", "_then_indexed(f(x))[i]"),
        ("x.y[1.0]", "_then_indexed(x.y)[1.0]"),
        (
            "x[i] = 3",
            "(x if _then_type(x) is not _then_array else _then_indexed(x))[i] = 3",
        ),
        ("x[y[0]]", "(x if _then_type(x) is not _then_array else _then_indexed(x))[y[0]]"),
        ("-x", "-_then_negated(x)"),
        ("-(a & b)", "-_then_negated(_then_bitand(a, b))"),
        ("a * b + 1", "_then_add(_then_mult(a, b), 1)"),
        ("-(a * b)", "-_then_mult(a, b)"),
        ("a < 0.1", "_then_lt(a, 0.1)"),
        ("a == b", "_then_eq(a, b)"),
        ("a += b", "a = _then_iadd(a, b)"),
        ("self.a /= b", "self.a = _then_idiv(self.a, b)"),
        ("a[:, 1] *= b", "a[:, 1] = _then_imult(a[:, 1], b)"),
        ("np.maximum(a, b)", "_then_called(np.maximum)(a, b)"),
        ("'%d' % a + b", "_then_formatted('%d', a) + b"),
        ("np.argsort(a)", "_then_called(np.argsort)(a)"),
        ("a.argsort()[::-1]", "_then_called(a.argsort)()[::-1]"),
        ("sum(a)", "_then_called(sum)(a)"),
        ("2 * np.where(a, b, c)", "_then_mult(2, _then_called(np.where)(a, b, c))"),
        ("float(x)", "float(_then_number(x))"),
        ("math.sqrt(x)", "math.sqrt(_then_number(x))"),
        ("'%f' % x", "_then_formatted('%f', x)"),
        ("x.reshape(n, 2)", "_then_indexed(x).reshape(n, 2)"),
    ],
)
def test_rewritten(source, expected):
    assert rewritten(source) == expected


@pytest.mark.parametrize("python2", [False, True])
def test_columns_of_pandas(python2):
    pd = pytest.importorskip("pandas")
    d = pd.DataFrame({"a": [1.0, 2.0, np.nan], "b": [1, 2, 3], "c": ["x", "y", "x"]})
    named = pd.DataFrame({"a": [1, 2]}, index=["x", "y"])
    names = run(
        "d['b'][d.a > 1] = 9\n"
        "d.b[0] = 7\n"
        "d['b'][2] += 1\n"
        "d['a'].fillna(0, inplace=True)\n"
        "d.c.replace('x', 'z', inplace=True)\n"
        "d['c'][d.c == 'y'] = d['c'] + '!'\n"
        "named['a'][1] = 5\n"
        "n = 0\n"
        "rows = [[1, 2], [3, 4]]\n"
        "k = 1\n"
        "for i in range(2): rows[i][k] = x[n][i][k] = i\n"
        "x[0.0][1.0] = 8\n"
        "x[0][1:][:1.5] = 6\n",
        python2,
        d=d,
        named=named,
        x=np.zeros((1, 3, 2)),
    )
    assert d.b.tolist() == [7, 9, 4]
    assert d.a.tolist() == [1, 2, 0]
    assert d.c.tolist() == ["z", "y!", "z"]
    assert named.a.tolist() == [1, 5]
    assert named.index.tolist() == ["x", "y"]
    assert names["rows"] == [[1, 0], [3, 1]]
    assert names["x"].tolist() == [[[0, 0], [6, 6], [0, 0]]]


def test_comparisons_are_rewritten_in_python_2():
    assert rewritten("x == None", True) == "_then_compared(x) == None"
    assert rewritten("x != 'a'", True) == "_then_compared(x) != 'a'"
    assert rewritten("x == y", True) == "_then_eq(x, y)"


@pytest.mark.parametrize(
    "source",
    [
        "n = 3\nn = n / 2\nx[n]",
        "n = 3\nn /= 2\nx[n]",
        "def f(n):\n    x[n]",
        "for n in y:\n    x[n]",
        "with f() as n:\n    x[n]",
        "import n\nx[n]",
        "n = 1\ndef f():\n    global n\n    n = 0.5\nx[n]",
        "for n, m in enumerate(y):\n    x[m]",
        "n = [1, 2]\nx[n]",
        "a, n = 1, 0.5\nx[n]",
        "for n in range(3):\n    pass\nfor n in np.arange(0, 2, 0.5):\n    x[n]",
        "def f(y):\n    n = 5\n    def g():\n        nonlocal n\n        n = 0.5\n        x[n]\n",
        "(n := 0.5)\nx[n]",
    ],
)
def test_names_that_may_be_floats(source):
    assert "_then_item(x, " in rewritten(source)


def test_a_program():
    names = run(
        "n = 5\n"
        "half = x[:n / 2]\n"
        "rest = x[n * 0.5:, 1]\n"
        "x[n / 5] += 100\n"
        "d = {0.5: 'a'}\n"
        "got = d[n / 10]\n"
        "order = []\n"
        "def f(v, what):\n"
        "    order.append(what)\n"
        "    return v\n"
        "f(x, 'x')[f(1.0, 'key')] = f(7, 'value')\n"
        "f(x, 'x')[f(1.0, 'key')] *= f(2, 'value')\n"
        "nested = x[[int(i) for i in x[0]]]\n",
        x=np.zeros((5, 2)),
    )
    assert names["half"].shape == (2, 2)
    assert names["rest"].shape == (3,)
    assert names["x"].tolist() == [[0, 0], [14, 14], [0, 0], [0, 0], [0, 0]]
    assert names["got"] == "a"
    assert names["order"] == ["value", "x", "key", "x", "key", "value"]


def test_classes_of_the_user_s_own_see_their_keys():
    class Keys:
        def __getitem__(self, key):
            return key

    names = run("a, b, c = x[y], x[y:2, y], x[[y]]\n", x=Keys(), y=0.5)
    assert (names["a"], names["b"], names["c"]) == (0.5, (slice(0.5, 2), 0.5), [0.5])


def test_tracebacks_show_the_program_s_line():
    source = "def f(x, i):\n    return (1 +\n            x[i])\nf(x, 'a')\n"
    with pytest.raises(IndexError) as caught:
        run(source, x=np.zeros(3))
    lines = [step.lineno for step in traceback.extract_tb(caught.tb) if step.name == "f"]
    assert lines == [3]
    with pytest.raises(KeyError) as caught_too:
        run(source, x={})
    assert traceback.extract_tb(caught_too.tb)[-1].name == "f"


def test_scopes_of_every_kind_compile():
    run(
        "from __future__ import annotations\n"
        "import contextlib\n"
        "class A:\n"
        "    rows = [[1, 2], [3]]\n"
        "    def __getitem__(self, key): return [row[key] for row in self.rows]\n"
        "async def f(x, *y, **z):\n"
        "    async for i in x: y[i]\n"
        "    async with x as i: y[i]\n"
        "    return [y[i] async for i in x]\n"
        "g = lambda x, i=0: x[i]\n"
        "def h(x, i):\n"
        "    yield x[i]\n"
        "    y = yield from x[i:]\n"
        "    match x:\n"
        "        case {'a': i, **rest}: return rest[i]\n"
        "        case [i, *more]: return more[i]\n"
        "        case _: del x[i]\n"
        "    x[i], y.z[i] = 1, 2\n"
        "    return f'{x[i]:>{y[i]}}'\n"
        "assert A()[0] == [1, 3] and g([5]) == 5 and next(h([8], 0)) == 8\n"
    )


def test_arithmetic():
    names = run(
        "total = 0.\n"
        "for cost in costs: total += cost\n"
        "mean = sum(costs) / len(costs)\n"
        "scaled = w * np.sqrt(2. / 3)\n"
        "class Net:\n"
        "    n = 1\n"
        "    n += 2\n"
        "    def add(self, x):\n"
        "        self.n += self.grown()\n"
        "        self.rows[0] -= x\n"
        "        return self\n"
        "    def grown(self):\n"
        "        self.n = 100\n"
        "        return 5\n"
        "net = Net()\n"
        "net.rows = w.copy()\n"
        "rows = net.rows\n"
        "net.add(np.float64(0.1))\n"
        "d = {'a': [1]}\n"
        "first = d['a']\n"
        "more = [2]\n"
        "d['a'] += more\n"
        "def count():\n"
        "    global total\n"
        "    total += 1\n"
        "    n = 0\n"
        "    def up():\n"
        "        nonlocal n\n"
        "        n += total * 0\n"
        "    up()\n"
        "    return n\n"
        "counted = count()\n"
        "squares = [x ** 2 for x in costs]\n",
        costs=[np.array(0.1, "float32")] * 3,
        w=np.array([0.3, 0.7], "float32"),
        np=np,
    )
    tenth = float(np.float32(0.1))
    assert names["total"] == tenth * 3 + 1
    assert names["mean"] == (tenth + tenth + tenth) / 3
    assert names["scaled"].dtype == "float32"
    assert names["net"].n == 8
    assert names["rows"][0] == np.float32(0.3) - np.float32(0.1)
    assert names["d"]["a"] is names["first"]
    assert names["first"] == [1, 2]
    assert names["counted"] == 0
    assert names["squares"][0].dtype == "float32"


def test_unbound_names_are_the_program_s_errors():
    with pytest.raises(UnboundLocalError, match="'n'"):
        run("n = 0\ndef f(x):\n    n += x\nf(1)")
    with pytest.raises(TypeError, match=r"for \+=: 'int' and 'str'"):
        run("n = m = 0\nn += str(m) if m else x", x="a")
