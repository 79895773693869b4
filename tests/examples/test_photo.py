"""examples/photo.py as a whole, with a net that is not trained."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import csv
import pickle

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone

from tests.examples.test_submission import SMALL
from tests.fresh_python import ROOT, fresh_python
from tests.photos import scene


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    np.random.seed(1)
    net = clone(SMALL)
    net.initialize_layers()
    (folder / "net2.pickle").write_bytes(pickle.dumps(net))
    inside = folder / "holiday"
    inside.mkdir()
    two, _ = scene(640, 400, [(0, 170, 160, 200, 0), (3, 470, 240, 240, 0)])
    Image.fromarray(two).save(inside / "two.png")
    Image.new("RGB", (300, 200), "#888888").save(inside / "nobody.jpg")
    (inside / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    Image.fromarray(scene(100, 100, [(5, 50, 50, 96, 0)])[0]).save(folder / "face.png")
    return folder


def script(folder, *arguments):
    return fresh_python(ROOT / "examples/photo.py", *arguments, cwd=folder, PYTHONPATH=None)


def rows(path):
    with path.open(newline="") as f:
        return list(csv.DictReader(f))


def test_photos(folder):
    pytest.importorskip("cv2", reason="OpenCV is not installed (requirements-examples.txt)")
    import cv2

    packages = str(cv2.__path__[0]).rpartition("/cv2")[0]
    done = fresh_python(
        ROOT / "examples/photo.py", "holiday", "--out", "drawn", cwd=folder, PYTHONPATH=packages
    )
    assert done.returncode == 2  # one of them is broken
    assert done.stderr.count("\n") == 1
    assert "broken.jpg" in done.stderr
    assert "nobody.jpg: no face found" in done.stdout
    assert "two.png: 2 faces" in done.stdout
    table = rows(folder / "drawn/keypoints.csv")
    assert [(row["photo"], row["face"]) for row in table] == [
        ("holiday/two.png", "1"), ("holiday/two.png", "2"),
    ]  # fmt: skip
    assert sorted(p.name for p in (folder / "drawn").iterdir()) == [
        "keypoints.csv", "two_keypoints.png",
    ]  # fmt: skip


def test_a_face_needs_no_detector(folder):
    done = script(folder, "face.png", "--whole")
    assert done.returncode == 0, done.stderr
    assert len(rows(folder / "photos/keypoints.csv")) == 1
    assert Image.open(folder / "photos/face_keypoints.png").width == 640


def test_errors_are_one_line(folder):
    for arguments, words in [
        (["none.png", "--whole"], "none.png: is not there"),
        (["face.png", "--net", "none.pickle"], "none.pickle"),
        (["face.png", "--out", "net2.pickle"], "net2.pickle: cannot be written"),
    ]:
        done = script(folder, *arguments)
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
