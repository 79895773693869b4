"""A net that was pickled when the package was called runtime."""

import importlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.fresh_python import says
from theano_today import former_names

# A net of 4 inputs, 3 hidden units and 2 outputs, trained for 3 epochs by the code of 25 November
# 2026, with EarlyStopping, AdjustVariable, ReduceOnPlateau, HistoryLog and RestoreBest.
PICKLE = Path(__file__).with_name("net_of_runtime.pickle")
# What it predicted for the first three rows of RandomState(0).normal(size=(40, 4)).
PREDICTED = [
    [0.3626551, 0.12096599],
    [0.32526237, -0.12946716],
    [0.05182524, -0.0777982],
]


def inputs():
    return np.random.RandomState(0).normal(size=(40, 4)).astype(np.float32)


def test_it_predicts():
    net = pickle.loads(PICKLE.read_bytes())
    np.testing.assert_allclose(net.predict(inputs()[:3]), PREDICTED, rtol=1e-5)
    assert [row["epoch"] for row in net.train_history_] == [1, 2, 3]


def test_it_trains_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    net = pickle.loads(PICKLE.read_bytes())
    X = inputs()
    net.fit(X, X[:, :2].copy(), epochs=1)
    assert net.train_history_[-1]["epoch"] == 4
    assert net.train_history_[-1]["train_loss"] < net.train_history_[-2]["train_loss"]
    assert Path("history.csv").read_text().count("\n") == 5
    assert "     4  |" in capsys.readouterr().out


def test_as_the_front_page_says():
    code = f"import pickle; from load import load2d; pickle.load(open({os.fspath(PICKLE)!r}, 'rb'))"
    says(code)


@pytest.mark.parametrize("name", former_names.FORMER)
def test_each_name(name):
    module, now = importlib.import_module(name), importlib.import_module(former_names.FORMER[name])
    names = {k: v for k, v in vars(now).items() if k[:1] != "_"}
    if hasattr(now, "restore_of_runtime"):
        names["restore"] = now.restore_of_runtime  # what pickles of that time call
    assert names.items() <= vars(module).items()


def test_a_package_of_the_users_own_goes_first(tmp_path):
    (tmp_path / "runtime.py").write_text("mine = 1\n")
    code = f"import sys; sys.path.insert(0, {os.fspath(tmp_path)!r})\nimport theano_today, runtime"
    says(f"{code}\nassert runtime.mine")
