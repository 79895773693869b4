"""What is said where there is no compiler, or no headers."""

from tests.fresh_python import fresh_python


def test_no_compiler_is_one_line(tmp_path):
    done = fresh_python("net2.py", "--epochs", "1", PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("net2.py: error: no C++ compiler found (looked for ")


def test_no_headers_is_one_line():
    done = fresh_python(
        "-c",
        "import theano_today, sysconfig\n"
        "sysconfig.get_paths = lambda *a, **k: {'include': '/nowhere'}\n"
        "import theano",
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: Python's C headers are not installed (/nowhere/Python.h")
