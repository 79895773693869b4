"""Warnings in functions of ours name the line of the program."""

import warnings

import pytest

from tests.fissix_needed import needs_fissix
from tests.fresh_python import fresh_python

PROGRAM = """import numpy as np
zeros = np.zeros(2)


def ratio(x, y):
    return x / y


ratio(zeros, zeros)
np.float32(1) / np.float32(0)
"""


@pytest.mark.parametrize("python2", [False, pytest.param(True, marks=needs_fissix)])
def test_of_numpy(tmp_path, python2):
    (tmp_path / "prog.py").write_text(PROGRAM + "print 'done'\n" * python2)
    done = fresh_python("-m", "theano_today", "prog.py", cwd=tmp_path)
    assert done.returncode == 0
    places = [line for line in done.stderr.splitlines() if "RuntimeWarning" in line]
    assert [place.partition(": RuntimeWarning")[0] for place in places] == [
        f"{tmp_path}/prog.py:6",
        f"{tmp_path}/prog.py:10",
    ]
    assert "return x / y" in done.stderr


def test_others_stay(tmp_path):
    (tmp_path / "prog.py").write_text("import warnings\nwarnings.warn('mine')\n")
    done = fresh_python("-m", "theano_today", "prog.py", cwd=tmp_path)
    assert f"{tmp_path}/prog.py:2: UserWarning: mine" in done.stderr
    assert not hasattr(warnings.showwarning, "_names_the_program")
