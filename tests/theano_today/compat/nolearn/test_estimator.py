"""NeuralNet as an estimator of today's scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

import theano_today


def tiny_net(**settings):
    from lasagne.layers import DenseLayer, InputLayer
    from nolearn.lasagne import NeuralNet

    arguments = {
        "layers": [("input", InputLayer), ("hidden", DenseLayer), ("output", DenseLayer)],
        "input_shape": (None, 4),
        "hidden_num_units": 3,
        "output_num_units": 2,
        "output_nonlinearity": None,
        "update_learning_rate": 0.01,
        "regression": True,
        "max_epochs": 2,
        "verbose": 1,
    }
    return NeuralNet(**(arguments | settings))


def tiny_data(rows=20):
    random = np.random.RandomState(0)
    X = random.normal(size=(rows, 4)).astype(np.float32)
    return X, X[:, :2].copy()


def test_clones_train_and_print_once(capsys):
    from sklearn.base import clone

    copy = clone(clone(tiny_net()))
    copy.fit(*tiny_data())
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("     1  |")]
    assert len(rows) == 1
    assert copy.hidden_num_units == 3


def test_load_params_from_another_net():
    first, second = tiny_net(verbose=0), tiny_net(verbose=0)
    X, y = tiny_data()
    first.partial_fit(X, y)
    second.load_params_from(first)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))


def classifier(**settings):
    from lasagne.nonlinearities import softmax

    return tiny_net(
        **{"regression": False, "output_nonlinearity": softmax, "verbose": 0, "max_epochs": 1}
        | settings
    )


def labelled():
    X, _ = tiny_data()
    return X, (X[:, 0] > 0).astype(np.int64)


def test_verbose_can_be_set_after_cloning(capsys):
    from sklearn.base import clone

    def mine(net, history):
        pass

    talking = tiny_net(on_epoch_finished=[mine])
    quiet = clone(clone(talking).set_params(verbose=0))
    assert quiet.on_epoch_finished == [mine]
    quiet.fit(*tiny_data())
    assert not capsys.readouterr().out
    assert len(talking.on_epoch_finished) == 2  # the original's are its own
    again = clone(quiet.set_params(verbose=1)).set_params(verbose=2)
    assert [type(h).__name__ for h in again.on_epoch_finished] == ["function", "PrintLog"]
    assert [type(h).__name__ for h in again.on_training_started] == ["PrintLayerInfo"]


def test_tags_are_by_regression():
    from sklearn.base import is_classifier, is_regressor
    from sklearn.utils import get_tags

    for net, expected in ((classifier(), True), (tiny_net(), False)):
        assert is_classifier(net) == expected
        assert is_regressor(net) == (not expected)
        assert get_tags(net).target_tags.required
    assert is_regressor(classifier().set_params(regression=True))


def test_classes_are_the_output_units_once_made():
    import pickle

    net = classifier(output_num_units=3)
    assert not hasattr(net, "classes_")
    net.initialize_layers()
    assert list(net.classes_) == [0, 1, 2]
    assert "classes_" not in vars(net)
    assert list(pickle.loads(pickle.dumps(net)).classes_) == [0, 1, 2]
    regression = tiny_net()
    regression.initialize_layers()
    assert not hasattr(regression, "classes_")


def test_probabilities_of_cross_validation():
    from sklearn.model_selection import cross_val_predict

    X, y = labelled()
    found = cross_val_predict(classifier(), X, y, cv=2, method="predict_proba")
    assert found.shape == (20, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_ensembles_calibration_and_pipelines():
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import VotingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = labelled()
    voting = VotingClassifier([("a", classifier()), ("b", classifier())], voting="soft")
    voting.fit(X, y + 3)  # which scikit-learn numbers from 0 on
    expected = np.mean([net.predict_proba(X) for net in voting.estimators_], axis=0)
    np.testing.assert_allclose(voting.predict_proba(X), expected)
    assert set(voting.predict(X)) <= {3, 4}

    calibrated = CalibratedClassifierCV(classifier(), cv=2).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)

    pipeline = make_pipeline(StandardScaler(), classifier()).fit(X, y)
    scaled = pipeline[0].transform(X)
    np.testing.assert_array_equal(pipeline.predict(X), pipeline[1].predict(scaled))
    for shown in (pipeline, classifier(), tiny_net()):
        assert "NeuralNet" in shown._repr_html_()


GRID = """
import theano_today
import numpy as np
from lasagne.layers import DenseLayer, InputLayer
from lasagne.nonlinearities import softmax
from nolearn.lasagne import NeuralNet
from sklearn.model_selection import GridSearchCV

X = np.random.RandomState(0).normal(size=(24, 4)).astype(np.float32)
net = NeuralNet(
    [("input", InputLayer), ("output", DenseLayer)], input_shape=(None, 4), output_num_units=2,
    output_nonlinearity=softmax, update_learning_rate=0.1, verbose=1,
)
grid = GridSearchCV(net, {"max_epochs": [1, 2], "verbose": [0]}, cv=2, n_jobs=2)
print(grid.fit(X, (X[:, 0] > 0).astype(np.int64)).best_score_ > 0)
"""


@pytest.mark.long
def test_workers_of_a_grid_search_print_and_warn_of_nothing(tmp_path):
    import os
    import subprocess
    import sys
    from pathlib import Path

    (tmp_path / "grid.py").write_text(GRID)
    root = Path(theano_today.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONWARNINGS": "default"}
    done = subprocess.run(
        [sys.executable, "grid.py"], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("True\n", "")
