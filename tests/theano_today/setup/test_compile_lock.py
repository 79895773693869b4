"""Theano's compile directory, locked: nobody waits for the dead, and nobody for long."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest

from tests.fresh_python import ROOT, fresh_python

# Says "asking", then "locked" when it has the lock, and keeps it until its stdin is closed.
HOLDER = """
import theano_today, sys
from theano.gof import compilelock
print("asking", flush=True)
compilelock.get_lock()
print("locked", flush=True)
sys.stdin.read()
compilelock.release_lock()
"""


@pytest.fixture
def variables(tmp_path):
    # stock: the engine would compile its kernels into each of these folders.
    flags = f"engine=stock,base_compiledir={tmp_path}"
    return os.environ | {"THEANO_FLAGS": flags, "PYTHONPATH": str(ROOT)}


def start(variables):
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", HOLDER],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("end", ["killed", "released"])
def test_the_next_one_waits_and_goes_on_at_once(end, variables):
    first = start(variables)
    assert [first.stdout.readline() for _ in range(2)] == ["asking\n", "locked\n"]
    second = start(variables)
    try:
        assert second.stdout.readline() == "asking\n"
        assert not select.select([second.stdout], [], [], 0.5)[0]
        begin = time.monotonic()
        if end == "killed":
            first.send_signal(signal.SIGKILL)
        else:
            first.stdin.close()
        assert second.stdout.readline() == "locked\n"
        assert time.monotonic() - begin < 4  # Theano asked every 5 to 10 seconds
        _, said = second.communicate(timeout=60)
        assert said == ""
        assert second.returncode == 0
    finally:
        for process in (first, second):
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()


def test_what_stock_theano_left_behind_is_nothing(variables, tmp_path):
    code = (
        "import theano_today, theano, pathlib\n"
        "folder = pathlib.Path(theano.config.compiledir, 'lock_dir')\n"
        "folder.mkdir()\n"
        "(folder / 'lock').write_text('1_0123456789_elsewhere\\n')\n"
        "from theano.gof import compilelock\n"
        "with compilelock.lock_ctx(): print('locked')\n"
    )
    done = fresh_python("-W", "ignore", "-c", code, timeout=60, **variables)
    assert (done.stdout, done.stderr) == ("locked\n", "")


def test_an_error_while_compiling_frees_it(variables):
    code = (
        "import theano_today\n"
        "from theano.gof import compilelock\n"
        "for keep in (False, True):\n"
        "    try:\n"
        "        with compilelock.lock_ctx(keep_lock=keep): raise KeyboardInterrupt\n"
        "    except KeyboardInterrupt:\n"
        "        print(compilelock.get_lock.n_lock)\n"
    )
    done = fresh_python("-W", "ignore", "-c", code, timeout=60, **variables)
    assert done.stdout == "0\n0\n", done.stderr


def test_nested_and_refreshed(variables):
    code = (
        "import theano_today\n"
        "from theano.gof import compilelock\n"
        "from theano import config\n"
        "with compilelock.lock_ctx():\n"
        "    compilelock.get_lock.start_time -= config.compile.timeout\n"
        "    with compilelock.lock_ctx(): print(compilelock.get_lock.n_lock)\n"
        "print(compilelock.get_lock.n_lock)\n"
    )
    done = fresh_python("-W", "ignore", "-c", code, timeout=60, **variables)
    assert done.stdout == "2\n0\n", done.stderr
