"""examples/submission.py as a whole, from small CSV files and a net that is not trained."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pickle

import numpy as np
import pytest
from lasagne import layers
from nolearn.lasagne import NeuralNet
from sklearn.base import clone

from kfkd.keypoints import COLUMNS
from tests.csv_files import image, unlabelled
from tests.fresh_python import ROOT, fresh_python

SMALL = NeuralNet(
    [("input", layers.InputLayer), ("output", layers.DenseLayer)],
    input_shape=(None, 1, 96, 96), output_num_units=30, output_nonlinearity=None,
    regression=True, update_learning_rate=0.01,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three test faces, a table that asks for four values, and a pickle of each kind."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "test.csv").write_bytes(unlabelled(image(1), image(2), image(3)))
    rows = ["3,nose_tip_x", "1,left_eye_center_y", "1,nose_tip_y", "2,mouth_center_bottom_lip_y"]
    table = "".join(f"{i},{row}\n" for i, row in enumerate(rows, 1))
    (folder / "IdLookupTable.csv").write_text("RowId,ImageId,FeatureName,Location\n" + table)
    np.random.seed(1)
    one = clone(SMALL)
    one.initialize_layers()
    halves = {}
    for columns in (COLUMNS[10:], COLUMNS[:10]):
        halves[columns] = clone(SMALL)
        halves[columns].output_num_units = len(columns)
        halves[columns].initialize_layers()
    (folder / "net2.pickle").write_bytes(pickle.dumps(one))
    (folder / "net-specialists.pickle").write_bytes(pickle.dumps(halves))
    return folder


def script(folder, *arguments):
    return fresh_python(
        ROOT / "examples/submission.py", *arguments, cwd=folder, KFKD_DATA=folder, PYTHONPATH=None
    )


@pytest.mark.parametrize("name", ["net2.pickle", "net-specialists.pickle"])
def test_submission(folder, name):
    (folder / "labels.csv").write_text("ImageId,nose_tip_x\n3,48\n")
    done = script(folder, name, "--labels", "labels.csv")
    assert done.returncode == 0, done.stderr
    lines = (folder / "submission.csv").read_text().splitlines()
    assert lines[0] == "RowId,Location"

    nets = pickle.loads((folder / name).read_bytes())
    nets = nets if isinstance(nets, dict) else {COLUMNS: nets}
    X = np.array([image(i).split() for i in (1, 2, 3)], np.float32).reshape(3, 1, 96, 96) / 255
    pixels = {c: v for n in nets for c, v in zip(n, nets[n].predict(X).T * 48 + 48, strict=True)}
    expected = [
        pixels["nose_tip_x"][2], pixels["left_eye_center_y"][0],
        pixels["nose_tip_y"][0], pixels["mouth_center_bottom_lip_y"][1],
    ]  # fmt: skip
    found = np.array([line.split(",") for line in lines[1:]], float)
    assert found[:, 0].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(found[:, 1], np.clip(expected, 0, 96), rtol=1e-4)
    error = abs(found[0, 1] - 48)
    assert done.stdout.splitlines() == [
        "wrote submission.csv: 4 rows of 3 faces",
        f"RMSE of the 1 rows that labels.csv knows: {error:.5f} pixels",
    ]


def test_errors_are_one_line(folder):
    done = script(folder, "--data", folder / "nowhere")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    done = script(folder, "nothing.pickle")
    assert done.returncode == 2
    assert done.stderr.startswith("submission.py: error: there is no nothing.pickle")
