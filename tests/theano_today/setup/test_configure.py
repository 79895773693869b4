"""The settings that Theano starts with: ours, the user's, and those of old files."""

import shutil
from pathlib import Path

import pytest

import theano_today
from tests.fresh_python import fresh_python, says


def test_ours_and_the_users():
    out = says(
        "import theano_today, theano; c = theano.config; print(c.floatX, c.device, c.optimizer)",
        THEANO_FLAGS="floatX=float64,optimizer=fast_compile",
    )
    assert out.split() == ["float64", "cpu", "fast_compile"]


def test_a_gpu_of_opencl_is_not_there():
    done = fresh_python(
        "-c",
        "import theano_today, theano; print(theano.config.device)",
        THEANO_FLAGS="device=opencl0:1",
    )
    assert done.stdout.strip() == "cpu"
    assert done.stderr.splitlines() == [
        "THEANO_FLAGS device=opencl0:1: Theano's GPU back end is gone; running on the CPU"
    ]


def test_an_old_theanorc(tmp_path):
    rc = tmp_path / "theanorc"
    rc.write_text("[global]\ndevice = gpu\nfloatX = float64\n[blas]\nldflags = -lnowhere\n")
    code = (
        "import theano_today, theano\n"
        "c = theano.config; print(c.floatX, c.device, [c.blas.ldflags])"
    )
    assert says(code, THEANORC=str(rc)).split() == ["float32", "cpu", "['']"]


@pytest.mark.parametrize("engine", ["stock", pytest.param("fused", marks=pytest.mark.long)])
def test_a_folder_with_a_space(tmp_path, engine):
    """Of the engine the kernels as well, whose compilation takes a while."""
    root = tmp_path / "my folder"
    shutil.copytree(Path(theano_today.__file__).parent, root / "theano_today")
    code = (
        "import theano_today, theano.tensor as T\n"
        "x = T.matrix(); print((x + 1).eval({x: [[1]]}), T.dot(x, x).eval({x: [[3]]}))"
    )
    home = tmp_path / "my home"
    home.mkdir()
    done = says(code, PYTHONPATH=str(root), HOME=str(home), THEANO_FLAGS=f"engine={engine}")
    assert done.strip() == "[[2.]] [[9.]]"
