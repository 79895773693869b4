"""Rows of faces: their labels, which of these are missing, and the CSV."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from kfkd import faces
from kfkd.faces import table
from theano_today.errors import DataError


def _digest(*arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def test_same_gaps_everywhere():
    assert (
        _digest(faces.labelled())
        == "dd260694649509b5f2df844260b70b2aa0b9dcadfad93f23d5df6e8d800b0518"
    )


def test_face_does_not_depend_on_its_neighbours():
    images, points = faces.draw_many([3, 900, 4])
    for i, row in enumerate([3, 900, 4]):
        image, keypoints = faces.draw(row)
        assert (image.ravel() == images[i]).all()
        assert (keypoints == points[i]).all()
    assert (faces.keypoints([3, 900, 4]) == points).all()


@pytest.mark.parametrize(("row", "seed"), [(-1, 0), (2**32, 0), (0, -1), (0, 2**32)])
def test_bad_row_or_seed(row, seed):
    with pytest.raises(DataError, match="expected 0 to"):
        faces.draw(row, seed)


def test_missing_labels_as_kaggles():
    known = faces.labelled()
    assert known.shape == (7049, 15)
    number = known.sum(axis=1)
    assert (number == 15).sum() == 2140
    assert (number[2284:] <= 4).all()
    assert number[:2284].min() > 4

    def lacking(*names):
        wanted = [name not in names for name in faces.KEYPOINTS]
        return int((known == wanted).all(axis=1).sum())

    few = {"left_eye_center", "right_eye_center", "nose_tip", "mouth_center_bottom_lip"}
    assert lacking(*set(faces.KEYPOINTS) - few) == 4755
    assert lacking(*set(faces.KEYPOINTS) - few, "mouth_center_bottom_lip") == 10
    assert lacking("mouth_center_bottom_lip") == 13
    assert lacking("left_eyebrow_outer_end") == 31
    assert lacking("right_eyebrow_outer_end") == 26
    assert lacking("left_eyebrow_outer_end", "right_eyebrow_outer_end") == 6


def test_training_csv(tmp_path):
    path = faces.write_csv(tmp_path, rows=60)
    assert path == tmp_path / "training.csv"
    frame = pd.read_csv(path)
    assert tuple(frame.columns) == (*faces.COLUMNS, "Image")
    images, points = faces.draw_many(range(60))
    known = np.repeat(faces.labelled()[:60], 2, axis=1)
    labels = frame[list(faces.COLUMNS)].to_numpy()
    assert (np.isnan(labels) == ~known).all()
    assert labels[known] == pytest.approx(points[known], abs=1e-9)
    pixels = np.array([np.array(text.split(" "), dtype=int) for text in frame["Image"]])
    assert (pixels == images).all()
    assert b"\r" not in path.read_bytes()


def test_test_csv_has_other_faces(tmp_path):
    path = faces.write_csv(tmp_path, test=True, rows=10)
    assert path == tmp_path / "test.csv"
    frame = pd.read_csv(path)
    assert list(frame.columns) == ["ImageId", "Image"]
    assert frame["ImageId"].tolist() == list(range(1, 11))
    images, _ = faces.draw_many(range(faces.TRAIN_ROWS, faces.TRAIN_ROWS + 10))
    assert frame["Image"][9] == " ".join(map(str, images[9].tolist()))


def test_lengths_by_default(tmp_path, monkeypatch):
    def fake(rows, seed=0):
        return np.zeros((len(rows), 4), np.uint8), np.zeros((len(rows), 30))

    monkeypatch.setattr(table, "draw_many", fake)
    assert len(pd.read_csv(faces.write_csv(tmp_path))) == 7049
    assert len(pd.read_csv(faces.write_csv(tmp_path, test=True))) == 1783


def test_interrupted_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "training.csv"
    path.write_text("old")

    def interrupted(images):
        yield b"0"
        raise KeyboardInterrupt

    monkeypatch.setattr(table, "_pixels", interrupted)
    with pytest.raises(KeyboardInterrupt):
        faces.write_csv(tmp_path, rows=3)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
