"""Errors as the user meets them: one line and exit code 2, or a traceback and 1."""

import pickle

import pytest

from tests.fresh_python import fresh_python
from theano_today import errors

RAISE = "import theano_today.errors\n{}raise theano_today.errors.DataError('bad row 3')"


def test_user_error_is_one_line_and_code_2(tmp_path):
    script = tmp_path / "my script.py"
    script.write_text(RAISE.format(""))
    done = fresh_python(script)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "my script.py: error: bad row 3\n"


def test_a_net_that_diverged_is_code_3():
    done = fresh_python("-c", RAISE.format("").replace("DataError", "DivergedError"))
    assert (done.returncode, done.stderr) == (3, "error: bad row 3\n")


def test_without_a_script_there_is_no_name():
    assert fresh_python("-c", RAISE.format("")).stderr == "error: bad row 3\n"


def test_error_of_several_lines_is_one_line():
    done = fresh_python(
        "-c", "import theano_today.errors\nraise theano_today.errors.DataError('a\\nb')"
    )
    assert done.stderr == "error: a b\n"


def test_other_errors_keep_traceback_and_code_1():
    done = fresh_python("-c", "import theano_today\nraise ValueError('bug')")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ValueError: bug\n")


def test_hook_of_the_user_gets_other_errors_only():
    mine = "import sys\nsys.excepthook = lambda *e: print('mine', e[0].__name__)\n"
    other = fresh_python("-c", f"{mine}import theano_today\nraise KeyError(1)")
    assert (other.returncode, other.stdout, other.stderr) == (1, "mine KeyError\n", "")
    ours = fresh_python("-c", mine + RAISE.format(""))
    assert (ours.returncode, ours.stdout, ours.stderr) == (2, "", "error: bad row 3\n")


def test_hook_installed_twice_is_one_hook():
    done = fresh_python("-c", RAISE.format("theano_today.errors.install_excepthook()\n"))
    assert (done.returncode, done.stderr) == (2, "error: bad row 3\n")


def test_users_hook_on_top_of_ours_and_ours_again():
    wrap = (
        "import sys\nours = sys.excepthook\nsys.excepthook = lambda *e: ours(*e)\n"
        "theano_today.errors.install_excepthook()\n"
    )
    done = fresh_python("-c", RAISE.format(wrap))
    assert (done.returncode, done.stderr) == (2, "error: bad row 3\n")


def test_keyboard_interrupt_is_not_ours():
    done = fresh_python("-c", "import theano_today\nraise KeyboardInterrupt")
    assert "KeyboardInterrupt" in done.stderr
    assert done.returncode not in (0, 2)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.DataError, ValueError),
        (errors.MissingFileError, FileNotFoundError),
        (errors.WriteError, OSError),
        (errors.SetupError, RuntimeError),
        (errors.RunningError, RuntimeError),
        (errors.DivergedError, ArithmeticError),
    ],
)
def test_kinds(kind, builtin):
    error = kind("what to do")
    assert isinstance(error, builtin)
    assert isinstance(error, errors.UserError)
    assert str(error) == "what to do"
    assert str(pickle.loads(pickle.dumps(error))) == "what to do"


def test_write_error_of_the_system():
    error = errors.WriteError(28, "No space left on device", "net2.pickle")
    assert str(error) == "net2.pickle: cannot be written: No space left on device"
    assert (error.errno, error.strerror) == (28, "No space left on device")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_native_windows_gets_a_line():
    done = fresh_python("-c", "import sys; sys.platform = 'win32'; import theano_today")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: theano_today needs Linux or macOS, this is native Windows")
