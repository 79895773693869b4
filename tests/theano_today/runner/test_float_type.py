"""Which floatX a program gets that does not say."""

import os

import pytest

from tests.fresh_python import fresh_python
from theano_today.runner import float_type


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("THEANO_FLAGS", "")
    monkeypatch.setenv("THEANORC", str(tmp_path / "absent"))


@pytest.mark.parametrize(
    ("source", "float64"),
    [
        ("import theano\nx = theano.shared(1.)\n", True),
        ("from lasagne import layers\n", True),
        ("import theano\nprint theano\n# floatX=float32\n", True),
        ("import theano\ntheano.config.floatX = 'float32'\n", False),
        ("import theano\nx = x.astype('float32')\n", False),
        ("import theano\nx = T.fmatrix()\n", False),
        ("import numpy\n", False),
        ("import theano\ndef broken(:\n    '''\n", True),
    ],
)
def test_sources(tmp_path, source, float64):
    path = tmp_path / "prog.py"
    path.write_text(source)
    assert float_type.decide(path, tmp_path) == ("float64" if float64 else None)
    assert ("floatX=float64" in os.environ["THEANO_FLAGS"]) == float64


def test_the_programs_modules_count(tmp_path):
    (tmp_path / "prog.py").write_text("import helper\nprint 'old'\n")
    (tmp_path / "helper.py").write_text("import theano, types_\n")
    (tmp_path / "types_.py").write_text("pass\n")
    assert float_type.decide(tmp_path / "prog.py", tmp_path) == "float64"
    os.environ["THEANO_FLAGS"] = ""
    (tmp_path / "types_.py").write_text("dtype = 'float32'\n")
    assert float_type.decide(tmp_path / "prog.py", tmp_path) is None


def test_the_users_word_is_the_last(tmp_path, monkeypatch):
    path = tmp_path / "prog.py"
    path.write_text("import theano\n")
    monkeypatch.setenv("THEANO_FLAGS", "floatX=float32,device=cpu")
    assert float_type.decide(path, tmp_path) is None
    monkeypatch.setenv("THEANO_FLAGS", "device=cpu")
    (tmp_path / "rc").write_text("[global]\nfloatX = float32\n")
    monkeypatch.setenv("THEANORC", str(tmp_path / "rc"))
    assert float_type.decide(path, tmp_path) == "float32"
    (tmp_path / "rc").write_text("no file of settings\n")
    monkeypatch.setenv("THEANO_FLAGS", "device=cpu")
    assert float_type.decide(path, tmp_path) == "float64"
    assert os.environ["THEANO_FLAGS"] == "device=cpu,floatX=float64"


def test_a_program_that_never_heard_of_floatx(tmp_path):
    """Each of its lines fails with float32: shared variables, scan, inputs are float64."""
    (tmp_path / "prog.py").write_text(
        "import numpy as np, theano, theano.tensor as T\n"
        "W = theano.shared(np.eye(3))\n"
        "x, h = T.matrix(), T.vector()\n"
        "hs, _ = theano.scan(lambda a, h: T.tanh(T.dot(a, W) + h), sequences=x, outputs_info=h)\n"
        "cost = hs.sum()\n"
        "f = theano.function([x, h], cost, updates=[(W, W - .1 * T.grad(cost, W))])\n"
        "print(f(np.ones((2, 3)), np.zeros(3)).dtype)\n"
    )
    flags = f"mode=FAST_COMPILE,cxx=,base_compiledir={tmp_path}"
    done = fresh_python("-m", "theano_today", "prog.py", cwd=tmp_path, THEANO_FLAGS=flags)
    assert done.stdout == "float64\n", done.stderr
    flags += ",floatX=float32"
    done = fresh_python("-m", "theano_today", "prog.py", cwd=tmp_path, THEANO_FLAGS=flags)
    assert done.returncode == 1
    assert "floatX=float64" in done.stderr.splitlines()[-1]
