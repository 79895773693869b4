"""Predictions part by part: each face once, whatever the parts are, and after a stop."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import argparse
import csv
import os
import pickle
import signal
import threading
import time

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone

from kfkd.keypoints import COLUMNS
from kfkd.nets import predict_columns
from kfkd.photos import keypoints
from tests.clusters import REASON
from tests.examples.test_submission import SMALL
from theano_today.errors import DataError, MissingFileError

pytest.importorskip("distributed", reason=REASON)

from kfkd.cluster import predicting
from kfkd.cluster.predicting import parts_of, predict_many, predict_part

COUNT = 23
FACES = np.random.RandomState(0).randint(0, 256, (COUNT, 96, 96)).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    np.random.seed(1)
    net = clone(SMALL)
    net.initialize_layers()
    (folder / "net2.pickle").write_bytes(pickle.dumps(net))
    with (folder / "faces.csv").open("w") as f:
        f.write("ImageId,Image\n")
        for i, face in enumerate(FACES, 1):
            f.write(f"{i},{' '.join(map(str, face.ravel()))}\n")
    pictures = folder / "pictures"
    pictures.mkdir()
    for i, face in enumerate(FACES[:5], 1):
        Image.fromarray(face).resize((192, 192), Image.Resampling.NEAREST).save(
            pictures / f"{i}.png"
        )
    (pictures / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def expected(folder):
    net = pickle.loads((folder / "net2.pickle").read_bytes())
    X = (FACES / np.float32(255)).reshape(-1, 1, 96, 96)
    found = predict_columns({COLUMNS: net}, X)
    return np.stack([found[c] for c in COLUMNS], 1)


def options(folder, faces, out, **changed):
    given = {
        "faces": folder / faces, "net": folder / "net2.pickle", "out": out, "rows": 4,
        "fresh": False, "quiet": False, "scheduler": None, "workers": 2,
    }  # fmt: skip
    return argparse.Namespace(**(given | changed))


def table(*paths):
    """Names and numbers of the parts' rows."""
    names, values = [], []
    for path in paths:
        with path.open(newline="") as f:
            rows = list(csv.reader(f))
        assert rows[0][1:] == list(COLUMNS)
        names += [row[0] for row in rows[1:]]
        values += [[float(v) for v in row[1:]] for row in rows[1:]]
    return names, np.array(values)


def predicted(folder, tmp_path, faces, rows):
    paths = []
    for i, part in enumerate(parts_of(folder / faces, rows)):
        paths.append(tmp_path / f"part-{i:06d}.csv")
        predict_part(part, str(folder / "net2.pickle"), str(paths[-1]))
    return table(*paths)


@pytest.mark.parametrize("rows", [1, 4, 7, COUNT, 100])
def test_csv(folder, expected, tmp_path, rows):
    names, values = predicted(folder, tmp_path, "faces.csv", rows)
    assert names == [str(i) for i in range(1, COUNT + 1)]
    np.testing.assert_allclose(values, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["text", "bytes", "list"])
def test_parquet(folder, expected, tmp_path, kind):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    make = {
        "text": lambda face: " ".join(map(str, face.ravel())),
        "bytes": lambda face: face.tobytes(),
        "list": lambda face: face.ravel().tolist(),
    }[kind]
    content = {"Image": [make(face) for face in FACES], "other": list(range(COUNT))}
    parquet.write_table(pyarrow.table(content), tmp_path / "faces.parquet", row_group_size=9)
    paths = []
    for i, part in enumerate(parts_of(tmp_path / "faces.parquet", 5)):
        paths.append(tmp_path / f"part-{i}.csv")
        predict_part(part, str(folder / "net2.pickle"), str(paths[-1]))
    assert len(paths) == 5  # of 9, 9 and 5 rows
    names, values = table(*paths)
    assert names == [str(i) for i in range(1, COUNT + 1)]
    np.testing.assert_allclose(values, expected, atol=1e-4)


def test_pictures(folder, tmp_path):
    (part,) = parts_of(folder / "pictures", 10)
    path = tmp_path / "part.csv"
    rows, problems = predict_part(part, str(folder / "net2.pickle"), str(path))
    assert rows == 5
    assert len(problems) == 1
    assert "broken.png" in problems[0]
    names, values = table(path)
    assert names == [f"{i}.png" for i in range(1, 6)]
    net = pickle.loads((folder / "net2.pickle").read_bytes())
    alone = [keypoints(folder / "pictures" / name, net, is_face=True)[0] for name in names]
    np.testing.assert_allclose(values.reshape(-1, 15, 2), alone, atol=1e-3)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("ImageId,Picture\n1,2\n", "line 1 has no column Image; found ImageId, Picture"),
        ("ImageId,Image\n", "has no rows"),
        ("ImageId,Image\n1,2 3\n", "byte 14: column Image: "),
        ("ImageId,Image\n1,2,3\n", "byte 14: found 3 fields, expected 2"),
    ],
)
def test_errors(folder, tmp_path, content, says):
    path = tmp_path / "faces.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=says) as caught:
        for part in parts_of(path, 4):
            predict_part(part, str(folder / "net2.pickle"), str(tmp_path / "part.csv"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "part.csv").exists()


def test_a_drive_that_is_not_shared(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(predicting.errors, "place", "worker 1 (tcp://host:1) on node7")
    part = next(parts_of(folder / "faces.csv", 4))
    part["path"] = "/nowhere/faces.csv"
    with pytest.raises(MissingFileError, match=r"on node7: cannot read /nowhere/faces.csv \("):
        predict_part(part, str(folder / "net2.pickle"), str(tmp_path / "part.csv"))


def test_what_is_not_there(tmp_path):
    with pytest.raises(MissingFileError, match="there is no"):
        list(parts_of(tmp_path / "faces.csv", 4))
    with pytest.raises(DataError, match=r"no picture, \.csv or \.parquet"):
        list(parts_of(tmp_path, 4))
    (tmp_path / "faces.txt").touch()
    with pytest.raises(DataError, match=r"expected a folder of pictures, a \.csv or a \.parquet"):
        list(parts_of(tmp_path / "faces.txt", 4))


def slow_part(part, net, path):
    time.sleep(0.1)
    # For the test to see who is at work.
    with open(f"{path}.{os.getpid()}", "w"):  # noqa: PTH123
        return predict_part(part, net, path)


def kill_one(folder):
    while True:
        for path in folder.glob("part-000002.csv.*"):
            os.kill(int(path.suffix[1:]), signal.SIGKILL)
            return
        time.sleep(0.01)


@pytest.mark.long
def test_killed_and_gone_on(folder, expected, tmp_path, capsys, monkeypatch):
    out = tmp_path / "predicted"
    killer = threading.Thread(target=kill_one, args=(out,))
    killer.start()
    monkeypatch.setattr(predicting, "predict_part", slow_part)
    assert predict_many(options(folder, "faces.csv", out)) == 0
    killer.join()
    monkeypatch.undo()
    parts = sorted(out.glob("part-*.csv"))
    names, values = table(*parts)
    assert names == [str(i) for i in range(1, COUNT + 1)]
    np.testing.assert_allclose(values, expected, atol=1e-4)
    # What is there is not made again.
    before = [path.stat().st_mtime_ns for path in parts[1:]]
    parts[0].unlink()
    capsys.readouterr()
    assert predict_many(options(folder, "faces.csv", out)) == 0
    assert f"{len(parts) - 1} of {len(parts)} parts are in" in capsys.readouterr().out
    assert [path.stat().st_mtime_ns for path in parts[1:]] == before
    assert table(*parts)[0] == names
    for faces, rows in (("faces.csv", 5), ("pictures", 4)):
        with pytest.raises(DataError, match="has parts of a run with"):
            predict_many(options(folder, faces, out, rows=rows))
