"""Nothing is printed about the old packages' age; what they say and what concerns the user is."""

from __future__ import annotations

import sys

import pytest

from tests.fresh_python import ROOT, fresh_python, says

IN_PYTHON = "mode=Mode,linker=py,optimizer=None"

NET = """
import theano_today
import numpy as np, theano, theano.tensor as T
import lasagne, nolearn.lasagne, theano.gpuarray, theano.sparse, theano.typed_list
from lasagne import layers
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams
from theano.tensor.signal.downsample import max_pool_2d

net = nolearn.lasagne.NeuralNet(
    layers=[("input", layers.InputLayer), ("conv", layers.Conv2DLayer),
            ("pool", layers.MaxPool2DLayer), ("output", layers.DenseLayer)],
    input_shape=(None, 1, 6, 6), conv_num_filters=2, conv_filter_size=(3, 3),
    pool_pool_size=(2, 2), output_num_units=2, output_nonlinearity=None,
    regression=True, max_epochs=1, update_learning_rate=0.01, verbose=0)
X = np.random.RandomState(0).normal(size=(10, 1, 6, 6)).astype("float32")
net.fit(X, X[:, 0, 0, :2].copy())
x = T.matrix()
sums, updates = theano.scan(lambda v, total: total + v, x, T.zeros_like(x[0]))
one, other = RandomStreams(1), MRG_RandomStreams(1)
outputs = [sums[-1], theano.grad(sums[-1].sum(), x), max_pool_2d(x, (2, 2)), T.argsort(x),
           one.uniform((2,)), one.permutation(n=3), one.multinomial(n=2, pvals=[0.5, 0.5]),
           other.uniform((2,)), other.normal((2,)), other.multinomial(pvals=T.ones((1, 2)) / 2)]
theano.function([x], outputs, updates=updates)(np.ones((3, 2), "float32"))
# And in C
theano.function([x], x.sum(), mode=theano.Mode("cvm"))(np.ones((3, 2), "float32"))
"""


@pytest.mark.parametrize("warnings", [pytest.param("always", marks=pytest.mark.long), "error"])
def test_a_net_scan_and_random_numbers(warnings, tmp_path):
    # always: without bytecode, as on the first import after an installation that left none.
    done = fresh_python(
        f"-W{warnings}",
        "-c",
        NET,
        THEANO_FLAGS=IN_PYTHON,
        PYTHONPYCACHEPREFIX=tmp_path if warnings == "always" else None,
    )
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.long
def test_workers():
    done = fresh_python(
        "-c",
        """
import theano_today, joblib
import numpy as np
from lasagne import layers
from nolearn.lasagne import NeuralNet
from sklearn.model_selection import GridSearchCV

net = NeuralNet(layers=[("input", layers.InputLayer), ("output", layers.DenseLayer)],
                input_shape=(None, 4), output_num_units=2, output_nonlinearity=None,
                regression=True, max_epochs=1, update_learning_rate=0.01, verbose=0)
X = np.ones((20, 4), "float32")
search = GridSearchCV(net, {"update_learning_rate": [0.01, 0.1]}, cv=2, n_jobs=2)
search.fit(X, X[:, :2].copy())
""",
        THEANO_FLAGS=IN_PYTHON,
    )
    assert done.stderr == ""
    assert done.returncode == 0


def warned(code, tmp_path):
    """Run a script of these lines after the imports; return {line: what it was warned of}."""
    script = tmp_path / "script.py"
    script.write_text(
        f"import theano_today, numpy as np, theano, theano.tensor as T, lasagne\n{code}"
    )
    done = fresh_python("-Wdefault", script, THEANO_FLAGS=IN_PYTHON)
    assert done.returncode == 0, done.stderr
    lines = [line.removeprefix(f"{script}:") for line in done.stderr.splitlines()]
    found = [line.partition(": ") for line in lines if line[:1].isdigit()]
    return {int(number): message for number, _, message in found}


def test_the_users_own_warnings(tmp_path):
    found = warned(
        """x = T.tensor4()
from theano.tensor.signal.pool import pool_2d
np.core.multiarray
pool_2d(x, (2, 2))
T.nnet.conv2d(x, x, image_shape=(1, 1, 4, 4), filter_shape=(1, 1, 4, 4))
pool_2d(x, ds=(2, 2), ignore_border=True)
import scipy.signal.signaltools as s; s.convolve
import pkg_resources
""",
        tmp_path,
    )
    assert "numpy.core is deprecated" in found.pop(4)
    assert "ignore_border default value changed" in found.pop(5)
    assert "`image_shape` keyword argument" in found.pop(6)
    assert "ds" in found.pop(7)
    assert "convolve" in found.pop(8)
    assert "pkg_resources is deprecated" in found.pop(9)
    assert not found


def test_the_users_own_source_is_compiled_as_ever(tmp_path):
    (tmp_path / "mine.py").write_text("path = '\\d'\n")
    done = fresh_python(
        "-Wdefault", "-c", "import theano_today, theano, mine", PYTHONPATH=f"{tmp_path}:{ROOT}"
    )
    assert "invalid escape sequence" in done.stderr
    assert done.stderr.count("Warning") == 1


def test_lasagne_knows_its_version_without_pkg_resources():
    says(
        "import theano_today, sys, lasagne, theano.gpuarray, importlib.metadata\n"
        "assert lasagne.__version__ == importlib.metadata.version('lasagne')\n"
        "assert 'pkg_resources' not in sys.modules"
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 has the real imp")
def test_imp_is_supplied():
    says("import theano_today, imp; imp.reload")
