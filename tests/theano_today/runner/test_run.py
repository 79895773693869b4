"""python -m theano_today SCRIPT and -m MODULE: what a program sees, and what is seen of it."""

import signal

import pytest

from tests.fissix_needed import needs_fissix
from tests.fresh_python import ROOT, fresh_python
from theano_today.runner import run as run_program


def write(folder, **files):
    for name, text in files.items():
        path = folder / (name.replace("__in__", "/") + ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def run(*arguments, cwd, **environment):
    return fresh_python("-m", "theano_today", *arguments, cwd=cwd, **environment)


@pytest.fixture
def elsewhere(tmp_path_factory):
    return tmp_path_factory.mktemp("elsewhere")


def test_what_a_program_sees(tmp_path, elsewhere):
    write(
        tmp_path,
        prog="import sys, os, pickle, beside\n"
        "class A: pass\n"
        "print(sys.argv[1:], os.path.basename(sys.argv[0]), __name__)\n"
        "print(sys.path[0] == os.path.dirname(os.path.abspath(__file__)), beside.x)\n"
        "print(sys.modules['__main__'].A is A, type(pickle.loads(pickle.dumps(A()))) is A)\n"
        "print('theano_today' in sys.modules, __builtins__ is not None)\n",
        beside="x = 'beside'\n",
    )
    done = run(tmp_path / "prog.py", "-m", "--keep", "x", cwd=elsewhere)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "['-m', '--keep', 'x'] prog.py __main__",
        "True beside",
        "True True",
        "True True",
    ]


@pytest.mark.parametrize(
    ("end", "code"),
    [("", 0), ("sys.exit(7)", 7), ("sys.exit('why')", 1), ("1 / 0", 1), ("os._exit(3)", 3)],
)
def test_exit_codes(tmp_path, end, code):
    write(tmp_path, prog=f"import sys, os\n{end}\n")
    assert run("prog.py", cwd=tmp_path).returncode == code


def test_check_says_what_graphs_run_on(tmp_path):
    program = "import theano\nx = theano.tensor.fvector()\nf = theano.function([x], x[0])\nprint(1)"
    write(tmp_path, prog=program)
    done = run("--check", "prog.py", cwd=tmp_path)
    assert done.stdout == "1\n"
    assert "theano_today: function 1, prog.py line 3: 2 Ops" in done.stderr
    assert "Subtensor" in done.stderr


def test_tracebacks_begin_with_the_program(tmp_path):
    write(tmp_path, prog="import lib\nlib.f(\n    0)\n", lib="def f(n):\n    return 1 / n\n")
    done = run("prog.py", cwd=tmp_path)
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('prog.py", line 2, in <module>')
    assert lines[2].strip() == "lib.f("
    assert "lib.py" in done.stderr
    assert "theano_today/" not in done.stderr
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_an_interrupted_program(tmp_path):
    text = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"
    write(tmp_path, prog=text)
    done = run("prog.py", cwd=tmp_path)
    assert done.returncode == -signal.SIGINT
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "prog.py" in lines[1]
    assert lines[-1] == "KeyboardInterrupt"
    assert done.stderr.count("Traceback") == 1


def test_the_programs_own_excepthook(tmp_path):
    write(tmp_path, prog="import sys\nsys.excepthook = lambda *e: print('mine', e[0])\n1 / 0\n")
    done = run("prog.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "mine <class 'ZeroDivisionError'>\n")


def test_errors_of_the_user_are_one_line(tmp_path):
    write(tmp_path, prog="from theano_today.errors import DataError\nraise DataError('bad row')\n")
    done = run("prog.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "prog.py: error: bad row\n")


def test_the_projects_own_script_is_python_3():
    done = run("net2.py", "--help", cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


@needs_fissix
def test_syntax_errors_are_the_users(tmp_path):
    write(tmp_path, prog="x = 1\ndef f(:\n    pass\n")
    done = run("prog.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "def f(:" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("SyntaxError")
    assert "line 2" in done.stderr


def test_a_folder_with_a_main(tmp_path):
    write(tmp_path, app__in____main__="import part\nprint(part.x)\n", app__in__part="x = 5\n")
    assert run("app", cwd=tmp_path).stdout == "5\n"


def test_modules(tmp_path):
    write(
        tmp_path,
        pack__in____init__="where = 'init'\n",
        pack__in__tool="import sys\nfrom . import where\nprint(where, __name__, sys.argv[1:])\n",
        pack__in____main__="from . import where\nprint('main', where, __package__)\n",
        single="import sys, os\nprint(os.path.basename(sys.argv[0]), __name__)\n",
    )
    assert run("-m", "pack.tool", "a", "-m", cwd=tmp_path).stdout == "init __main__ ['a', '-m']\n"
    assert run("-m", "pack", cwd=tmp_path).stdout == "main init pack\n"
    assert run("-m", "single", cwd=tmp_path).stdout == "single.py __main__\n"
    assert run("-m", "json.tool", "--help", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["absent.py"], "absent.py: no such file"),
        (["-m", "absent_module"], "-m absent_module: no module of that name"),
        (["data.bin"], "data.bin: this is no Python program"),
        ([], "give a program, -m MODULE, a notebook, setup or --check"),
        (["--no-such-option", "x"], "unrecognized arguments: --no-such-option"),
        (["-m"], "expected one argument"),
        (["a.ipynb"], "a.ipynb: no such file"),
        (["setup", "--always", "--never"], "not allowed with"),
    ],
)
def test_bad_input(tmp_path, arguments, says):
    (tmp_path / "data.bin").write_bytes(b"\x7fELF\0\0")
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


OLD = {
    "prog": "import lib, sys\nprint lib.half(9), sys.argv[1:]\nlib.fail((1,\n    0))\n",
    "lib": "def half(n):\n    return n / 2\n\ndef fail((a, b)):\n    'doc'\n\n    return a / b\n",
}


@needs_fissix
@pytest.mark.parametrize(
    "expression",
    [
        "range(7 / 2)",
        "'abc'[:3 / 2]",
        "[0] + map(str, [1])",
        "map(str, [1]) + [0]",
        "zip('a', 'b')[0]",
        "len(filter(None, [1]))",
        "{1: 2}.keys()[0]",
        "{1: 2}.keys().sort()",
        "{1: 2}.values() >= 1",
        "{1: 2}.items() + [3]",
        "range(3).append(1)",
        "b'ab'.split('a')",
        "'a'.join([b'a'])",
    ],
)
def test_errors_that_python_2_explains(expression):
    with pytest.raises((TypeError, AttributeError)) as caught:
        eval(expression)
    assert "--python2" in run_program._hint(caught.value)


@pytest.mark.parametrize("expression", ["1 + 'a'", "(1).x", "len(3)", "None + 1"])
def test_errors_that_it_does_not(expression):
    with pytest.raises((TypeError, AttributeError)) as caught:
        eval(expression)
    assert run_program._hint(caught.value) is None


def test_no_hint_where_all_was_translated(tmp_path):
    write(tmp_path, prog="print len(iter([]))\n")
    assert "--python2" not in run("prog.py", cwd=tmp_path).stderr


class TestPython2:
    def test_a_program_and_its_modules(self, tmp_path, elsewhere):
        write(tmp_path, **OLD)
        done = run(tmp_path / "prog.py", "a", cwd=elsewhere)
        assert (done.returncode, done.stdout) == (1, "4 ['a']\n")
        shown = done.stderr.splitlines()
        assert shown[:2] == [
            "prog.py: Python 2, translated as it runs",
            "Traceback (most recent call last):",
        ]
        assert "line 3, in <module>" in shown[2]
        assert shown[3] == "    lib.fail((1,"
        assert "line 7, in fail" in shown[4]
        assert shown[5:] == [
            "    return a / b",
            "ZeroDivisionError: integer division or modulo by zero",
        ]

    def test_other_folders_are_not_translated(self, tmp_path, elsewhere):
        write(tmp_path, prog="import there\nprint there.half(9)\n")
        write(elsewhere, there="def half(n):\n    return n / 2\n")
        assert run("prog.py", cwd=tmp_path, PYTHONPATH=elsewhere).stdout == "4.5\n"

    def test_environments_inside_are_not_translated(self, tmp_path):
        write(
            tmp_path,
            prog="import sys\nsys.path.append('env/site-packages')\nimport there\nprint there.x\n",
        )
        (tmp_path / "env" / "site-packages").mkdir(parents=True)
        (tmp_path / "env" / "site-packages" / "there.py").write_text("x = 7 / 2\n")
        assert run("prog.py", cwd=tmp_path).stdout == "3.5\n"

    def test_keep(self, tmp_path, elsewhere):
        write(tmp_path, **(OLD | {"lib": OLD["lib"].replace("a / b", "a / 1")}))
        done = run("--keep", elsewhere / "new", "prog.py", "a", cwd=tmp_path)
        assert done.returncode == 0
        assert f"the translation goes to {elsewhere / 'new'}" in done.stderr
        again = fresh_python(elsewhere / "new" / "prog.py", "a", cwd=elsewhere)
        assert (again.returncode, again.stdout) == (0, done.stdout)
        assert (tmp_path / "prog.py").read_text() == OLD["prog"]
        assert (
            "nothing to translate"
            in run("--keep", "x", "-m", "json.tool", "--help", cwd=tmp_path).stderr
        )

    def test_keep_of_packages(self, tmp_path, elsewhere):
        write(
            tmp_path,
            prog="import pack\nfrom pack import inner\nprint inner.half(7), pack.y\n",
            pack__in____init__="from inner import half\nimport other\ny = other.x\n",
            pack__in__inner="def half(n):\n    return n / 2\n",
            pack__in__other="x = `3`\n",
        )
        done = run("--keep", elsewhere, "prog.py", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "3 3\n")
        again = fresh_python(elsewhere / "prog.py", cwd=tmp_path)
        assert (again.returncode, again.stdout) == (0, "3 3\n")

    def test_keep_overwrites_nothing(self, tmp_path, elsewhere):
        write(tmp_path, prog="import lib\nprint lib.x\n", lib="x = 7 / 2\nprint x\n")
        done = run("--keep", ".", "prog.py", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "prog.py exists" in done.stderr
        assert (tmp_path / "prog.py").read_text() == "import lib\nprint lib.x\n"
        for _ in range(2):
            assert run("--keep", elsewhere, "prog.py", cwd=tmp_path).stdout == "3\n3\n"
        with (elsewhere / "lib.py").open("a") as file:
            file.write("# mine\n")
        done = run("--keep", elsewhere, "prog.py", cwd=tmp_path)
        assert (done.returncode, "lib.py exists" in done.stderr) == (2, True)
        assert (elsewhere / "lib.py").read_text().endswith("# mine\n")

    def test_a_program_that_does_not_say(self, tmp_path):
        write(tmp_path, prog="n = 7 / 2\nprint(range(n))\n")
        done = run("prog.py", cwd=tmp_path)
        assert done.returncode == 1
        assert "--python2" in done.stderr.splitlines()[-1]
        assert run("--python2", "prog.py", cwd=tmp_path).stdout == "[0, 1, 2]\n"

    def test_python3_translates_only_what_it_cannot_parse(self, tmp_path):
        write(tmp_path, prog="import old\nprint(old.x, 7 / 2)\n", old="print 'old'\nx = 7 / 2\n")
        assert run("--python3", "prog.py", cwd=tmp_path).stdout == "old\n3 3.5\n"
        assert run("prog.py", cwd=tmp_path).stdout == "old\n(3, 3)\n"

    def test_a_module_of_python_3_among_them(self, tmp_path):
        write(tmp_path, prog="import new\nprint new.x\n", new="y = 7 / 2\nx = f'{y}'\n")
        assert run("prog.py", cwd=tmp_path).stdout == "3.5\n"

    def test_packages_and_implicit_relative_imports(self, tmp_path):
        write(
            tmp_path,
            prog="import pack.a\nprint pack.a.x\n",
            pack__in____init__="",
            pack__in__a="import json\nfrom random import pick\nx = json.where, pick\n",
            pack__in__json="where = 'of the package'\n",
            pack__in__random="pick = 7 / 2\n",
        )
        done = run("prog.py", cwd=tmp_path)
        assert done.stdout == "('of the package', 3)\n", done.stderr

    def test_modules_of_python_2(self, tmp_path):
        write(tmp_path, pack__in____init__="", pack__in__tool="import other\nprint other.x / 2\n")
        write(tmp_path, pack__in__other="x = 7\n")
        done = run("-m", "pack.tool", cwd=tmp_path)
        assert done.stdout == "3\n", done.stderr

    def test_output_without_a_last_end_of_line(self, tmp_path):
        write(tmp_path, prog="print 1,\n")
        assert run("prog.py", cwd=tmp_path).stdout == "1\n"

    def test_processes_are_forked(self, tmp_path):
        write(
            tmp_path,
            prog="from multiprocessing import Pool\ndef f(n): return n / 2\n"
            "p = Pool(1)\nprint p.map(f, [7, 9])\n",
        )
        assert run("prog.py", cwd=tmp_path).stdout == "[3, 4]\n"

    def test_joblib_forks_too(self, tmp_path):
        write(
            tmp_path,
            prog="import joblib, work\nf = joblib.delayed(work.half)\n"
            "print joblib.Parallel(n_jobs=2)(f(n) for n in [7, 9])\n",
            work="def half(n): return n / 2\n",
        )
        assert run("prog.py", cwd=tmp_path).stdout == "[3, 4]\n"

    def test_a_mistake_in_python_2(self, tmp_path):
        write(tmp_path, prog="print 'a'\nx = 1\nif x:\nprint 'b'\n")
        done = run("prog.py", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert "line 4" in done.stderr
        assert "print 'b'" in done.stderr

    def test_without_fissix(self, tmp_path):
        write(tmp_path, prog="print 1\n")
        (tmp_path / "block").mkdir()
        (tmp_path / "block" / "fissix.py").write_text("raise ImportError\n")
        done = run("prog.py", cwd=tmp_path, PYTHONPATH=tmp_path / "block")
        assert done.returncode == 2
        assert "python -m theano_today setup" in done.stderr
        assert "Traceback" not in done.stderr


def test_numpy_s_habits_in_files_of_python_3(tmp_path):
    write(
        tmp_path,
        prog="import numpy as np, beside\n"
        "x = np.arange(10)\n"
        "print(x[:len(x) / 3], x[7.0], np.zeros(2.0), beside.half(x))\n"
        "print(float(np.array([2.5])), -(x > 7)[8:], np.array([[1], [2, 3]]).dtype)\n"
        "np.save('objects.npy', np.array([{'a': 1}, None]))\n"
        "print(np.load('objects.npy')[0], [np.float64(0.5)])\n"
        "beside.fails(x)\n",
        beside="def half(x):\n    n = len(x)\n    return x[n / 2:n * 0.7]\n\n\n"
        "def fails(x):\n    return x['a']\n",
    )
    done = run("prog.py", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "[0 1 2] 7 [0. 0.] [5 6]",
        "2.5 [False False] object",
        "{'a': 1} [np.float64(0.5)]",
    ]
    error = done.stderr.splitlines()
    assert error[-1].startswith("IndexError: only integers")
    assert [line.split(", line ")[1] for line in error if ", line " in line] == [
        "7, in <module>",
        "7, in fails",
    ]


@needs_fissix
def test_numpy_s_habits_in_files_of_python_2(tmp_path):
    write(
        tmp_path,
        prog="import numpy as np\n"
        "x = np.arange(12.).reshape(3, 4)\n"
        "print x[[[0, 1], [1, 2]]], x[2.0, :1.5], x == None, x[0] == 'a'\n"
        "print [np.float32(0.5), x.mean()], -np.array([True])\n"
        "if x != None: print '%.1f' % x[0, 1:2], int(x[0, 1:2])\n",
    )
    done = run("prog.py", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "[1. 6.] [8.] False False",
        "[0.5, 5.5] [False]",
        "1.0 1",
    ]
