"""Compiled translations: lines of the original, and what only a run changes."""

import traceback

import pytest

from tests.fissix_needed import needs_fissix
from theano_today.python2 import execution, names

pytestmark = needs_fissix


def run(source, **given):
    space = dict(given)
    names.prepare(space)
    exec(execution.compile_text(source, "<test>"), space)
    return space


def test_lines_and_no_carets(tmp_path):
    path = tmp_path / "program.py"
    source = (
        "def f((a, b)):\n    '''\n    doc\n    '''\n    x = a / b; return x\n\n"
        "print 1\nf((1,\n   0))\n"
    )
    path.write_text(source)
    space = {}
    names.prepare(space)
    with pytest.raises(ZeroDivisionError) as caught:
        exec(execution.compile_text(source, str(path)), space)
    frames = [f for f in traceback.extract_tb(caught.tb) if f.filename == str(path)]
    assert [(f.lineno, f.line) for f in frames] == [(8, "f((1,"), (5, "x = a / b; return x")]
    shown = "".join(traceback.format_tb(caught.tb))
    mine = shown[shown.index("program.py") : shown.index("division.py")]
    assert "^" not in mine


def test_comparisons():
    space = run("a = None < 3, 'x' > 7, 1 < 2 < 3, [] >= None\nb = None <= None, 2 > 1.5\n")
    assert space["a"] == (True, True, True, True)
    assert space["b"] == (True, True)
    source = (
        "n = 3\na = None < 2 <> n > None, 3 > n < None in [], 1 < 2 < max(None, 3), 5 < 3 < n\n"
    )
    assert run(source, n=3)["a"] == (True, False, True, False)


def test_chains_end_early():
    """What comes behind a comparison that fails is evaluated only where nothing can happen."""
    run("x = 3 < 2 < absent()\n")
    with pytest.raises(NameError):
        run("x = 1 < 2 < absent()\n")


def test_a_comparison_of_the_programs_own_is_asked():
    class Array:
        def __lt__(self, other):
            return "asked"

        def __gt__(self, other):
            raise TypeError("mine")

    assert run("x = a < 3", a=Array())["x"] == "asked"
    with pytest.raises(TypeError, match="mine"):
        run("x = a > 3", a=Array())


def test_generators_end():
    source = (
        "def g(it):\n    'doc'\n    while 1:\n        yield it.next()\n"
        "def h():\n    yield 1\n    raise StopIteration\n"
        "x = list(g(iter([1, 2]))), list(h()), g.__doc__\n"
    )
    assert run(source)["x"] == ([1, 2], [1], "doc")


def test_a_function_around_a_generator_is_none():
    source = "def f():\n    def g():\n        yield 1\n    raise StopIteration\n"
    space = run(source)
    with pytest.raises(StopIteration):
        space["f"]()


def test_names_of_exceptions_stay():
    space = run("try:\n    1 / 0\nexcept ZeroDivisionError, e:\n    pass\nx = str(e)\n")
    assert "zero" in space["x"]


def test_exec_and_eval_translate():
    source = "exec 'a = 7 / 2'\nb = eval('7 / 2')\nd = {}\nexec 'print 1,; c = 1 / 2' in d\n"
    space = run(source)
    assert (space["a"], space["b"], space["d"]["c"]) == (3, 3, 0)


def test_a_syntax_error_has_the_originals_line():
    with pytest.raises(SyntaxError) as caught:
        execution.compile_text("def f((a, b)):\n    return a\n\n\nbreak\n", "<test>")
    assert (caught.value.lineno, caught.value.text) == (5, "break")


def test_a_file_of_python_3_is_compiled_as_it_is(tmp_path):
    path = tmp_path / "new.py"
    path.write_text("x: int = 7 / 2\nprint(f'{x}', end='')\n")
    space = {}
    exec(execution.compile_file(path), space)
    assert space["x"] == 3.5


def test_types_of_the_programs_own_are_called():
    source = "def str(x): return 'mine'\nresult = str(0.1 + 0.2), unicode(0.1 + 0.2)\n"
    namespace: dict = {}
    names.prepare(namespace)
    exec(execution.compile_text(source, "program.py"), namespace)
    assert namespace["result"] == ("mine", "0.3")


def test_global_behind_a_use():
    """Python 2 warned of it, and meant the module's name throughout."""
    space = run(
        "n = 1\n"
        "global n\n"
        "def f(x):\n"
        "    'doc'\n"
        "    n = x\n"
        "    if x:\n"
        "        global n\n"
        "    def g():\n"
        "        n = 7\n"
        "        return n\n"
        "    return n, g()\n"
        "got = f(5)\n"
        "def h():\n"
        "    print n\n"
        "    global n\n"
        "    for n in [8]: yield n\n"
        "more = list(h())\n"
    )
    assert space["got"] == (5, 7)
    assert space["f"].__doc__ == "doc"
    assert space["n"] == 8
    assert space["more"] == [8]
