"""`pip install .` and `python -m theano_today setup`, in an environment outside the checkout."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.fresh_python import ROOT

PROGRAM = """
import theano_today
import numpy as np
from lasagne import layers
from nolearn.lasagne import NeuralNet

net = NeuralNet(
    layers=[
        ("input", layers.InputLayer), ("conv", layers.Conv2DLayer), ("pool", layers.MaxPool2DLayer),
        ("output", layers.DenseLayer),
    ],
    input_shape=(None, 1, 12, 12), conv_num_filters=8, conv_filter_size=(3, 3),
    pool_pool_size=(2, 2), output_num_units=2, output_nonlinearity=None,
    update_learning_rate=0.01, regression=True, max_epochs=3, verbose=1,
)
X = np.random.rand(100, 1, 12, 12).astype("float32")
net.fit(X, X.mean(axis=(2, 3)).repeat(2, 1))
from theano_today.engine import library
assert library.kernels() is not None
"""


@pytest.mark.long
def test_from_nothing(tmp_path):
    # A copy: pip leaves a folder build/ in what it installs from.
    project = tmp_path / "project"
    project.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "theano_today", project / "theano_today", ignore=ignored)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    (tmp_path / "program.py").write_text(PROGRAM)
    home = tmp_path / "home"
    home.mkdir()

    def run(*arguments):
        return subprocess.run(
            [str(tmp_path / "venv/bin/python"), *arguments],
            cwd=tmp_path,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"} | pip_settings(),
            capture_output=True,
            text=True,
            timeout=900,
        )

    installed = run("-m", "pip", "install", "--quiet", str(project))
    assert installed.returncode == 0, installed.stderr
    made = run("-m", "theano_today", "setup")
    assert made.returncode == 0, made.stderr
    lines = made.stdout.splitlines()
    assert "installing Theano 1.0.5, Lasagne 0.1, nolearn 0.6.1" in lines
    assert lines[-1] == "installing fissix==24.4.24, appdirs==1.4.4"
    trained = run("program.py")
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.splitlines()[-1].startswith("     3  |")


def pip_settings():
    """Where this machine's pip finds packages, if it is told by the environment."""
    names = ("PIP_", "SSL_CERT", "REQUESTS_CA", "HTTP_PROXY", "HTTPS_PROXY", "https_proxy")
    return {k: v for k, v in os.environ.items() if k.startswith(names)}
