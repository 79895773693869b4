import hashlib

import numpy as np
import pandas as pd
import pytest

from kfkd import faces
from kfkd.faces import table
from kfkd.faces.pose import Form, Pose
from kfkd.faces.shapes import Dice
from theano_today.errors import DataError


@pytest.fixture(scope="module")
def drawn():
    images, points = faces.draw_many(range(200))
    return images.reshape(-1, 96, 96), points.reshape(-1, 15, 2)


def _digest(*arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def test_same_bytes_everywhere():
    # A new digest means new faces: raise faces.VERSION with it.
    images, points = faces.draw_many([*range(40), 7048, 7049, 8831])
    assert faces.VERSION == 1
    assert _digest(images) == "8db077f0e76ed86e99197bf47080807b3867bebd68268a920d07db7d013c536b"
    assert (
        _digest(np.rint(points * 1e4).astype("<i8"))
        == "441395fcd1cfd8d8ee84ea61f04f8841a338a93f05f75530ffade322864b2461"
    )


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


def test_shapes_and_types():
    image, keypoints = faces.draw(0)
    assert (image.shape, image.dtype) == ((96, 96), np.uint8)
    assert (keypoints.shape, keypoints.dtype) == ((30,), np.float64)
    images, points = faces.draw_many([])
    assert (images.shape, images.dtype) == ((0, 9216), np.uint8)
    assert (points.shape, points.dtype) == ((0, 30), np.float64)


def test_other_row_or_seed_other_face():
    images, _ = faces.draw_many([0, 1, 2])
    assert len({image.tobytes() for image in images}) == 3
    assert (faces.draw(0, seed=1)[0] != faces.draw(0)[0]).mean() > 0.5


@pytest.mark.parametrize(("row", "seed"), [(-1, 0), (2**32, 0), (0, -1), (0, 2**32)])
def test_bad_row_or_seed(row, seed):
    with pytest.raises(DataError, match="expected 0 to"):
        faces.draw(row, seed)


def test_keypoints_are_inside_and_wander():
    points = faces.keypoints(range(1500)).reshape(-1, 15, 2)
    assert points.min() >= 1.0
    assert points.max() <= 94.0
    mean, std = points.mean(axis=0), points.std(axis=0)
    at = faces.KEYPOINTS.index
    for name, x, y in [
        ("left_eye_center", 63.3, 40.0),
        ("right_eye_center", 33.0, 40.2),
        ("left_eyebrow_outer_end", 74.0, 33.2),
        ("right_eyebrow_inner_end", 40.5, 33.0),
        ("nose_tip", 48.2, 60.5),
        ("mouth_left_corner", 61.0, 71.8),
        ("mouth_center_bottom_lip", 48.2, 76.5),
    ]:
        assert mean[at(name)] == pytest.approx([x, y], abs=1.5)
        # Enough for net2 to have something to learn in its first epochs: see kfkd.faces.
        assert (std[at(name)] > 5.0).all()
        assert (std[at(name)] < 12.0).all()


def test_left_is_the_pictures_right():
    points = faces.keypoints(range(300)).reshape(-1, 15, 2)
    x = dict(zip(faces.KEYPOINTS, points[:, :, 0].T, strict=True))
    y = dict(zip(faces.KEYPOINTS, points[:, :, 1].T, strict=True))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        inner, outer = x[f"{side}_eye_inner_corner"], x[f"{side}_eye_outer_corner"]
        assert (sign * inner < sign * x[f"{side}_eye_center"]).all()
        assert (sign * x[f"{side}_eye_center"] < sign * outer).all()
    assert (x["mouth_right_corner"] < x["mouth_left_corner"]).all()
    assert (y["nose_tip"] < y["mouth_center_top_lip"]).mean() > 0.98
    assert (y["mouth_center_top_lip"] < y["mouth_center_bottom_lip"]).all()


def test_pixels_are_seen_where_keypoints_are_put():
    # Of a face that is turned a good deal: (u, v), through `project`, to a pixel and back.
    u, v = np.array([0.5, -0.7, 0.9, 0.0, -0.4]), np.array([0.0, 0.02, -0.2, 0.66, 1.07])
    for row in range(40):
        dice = Dice(1, row)
        pose = Pose.thrown(dice, Form.thrown(dice))
        seen_u, seen_v = pose.face(*pose.plane())
        points = pose.project(u, v)
        x, y = np.rint(points).astype(int).clip(1, 94).T
        for seen, wanted in ((seen_u, u), (seen_v, v)):
            there = seen[y, x]
            there = there + (points[:, 0] - x) * (seen[y, x + 1] - seen[y, x - 1]) / 2
            there = there + (points[:, 1] - y) * (seen[y + 1, x] - seen[y - 1, x]) / 2
            inside = (np.abs(points - np.stack([x, y], axis=1)) < 1.0).all(axis=1)
            pixels = np.abs(there - wanted)[inside] * pose.scale
            assert pixels.max() < 0.6


def _mean_at(images, points, x, y, radius):
    """Mean brightness of the squares around points moved by (x, y), one number a face."""
    places = np.rint(points + np.array([x, y])).astype(int)
    return np.array([
        image[max(b - radius, 0) : b + radius + 1, max(a - radius, 0) : a + radius + 1].mean()
        for image, (a, b) in zip(images, places, strict=True)
    ])  # fmt: skip


@pytest.mark.parametrize("name", ["left_eye_center", "right_eye_center"])
def test_pupil_is_darker_than_the_skin_below(drawn, name):
    images, points = drawn
    points = points[:, faces.KEYPOINTS.index(name)]
    pupil = _mean_at(images, points, 0, 0, 1)
    assert (pupil < _mean_at(images, points, 0, 9, 1)).mean() > 0.9
    # It is the darkest place around, not merely a dark one.
    for x in (-6, 6):
        assert (pupil < _mean_at(images, points, x, 0, 1)).mean() > 0.75


def test_brows_lie_between_their_ends(drawn):
    images, points = drawn
    for side in ("left", "right"):
        inner = points[:, faces.KEYPOINTS.index(f"{side}_eyebrow_inner_end")]
        outer = points[:, faces.KEYPOINTS.index(f"{side}_eyebrow_outer_end")]
        inside = inner + 0.12 * (outer - inner)
        assert (
            _mean_at(images, inside, 0, 0, 1)
            < _mean_at(images, inner - 0.3 * (outer - inner), 0, 0, 1)
        ).mean() > 0.8


def test_mouth_is_darker_than_the_skin_beside_it(drawn):
    images, points = drawn
    for name, outwards in (("mouth_left_corner", 6), ("mouth_right_corner", -6)):
        corner = points[:, faces.KEYPOINTS.index(name)]
        inside = _mean_at(images, corner, -outwards / 6, 0, 1)
        assert (inside < _mean_at(images, corner, outwards, 0, 1)).mean() > 0.7


def test_pictures_differ_in_light(drawn):
    brightness = drawn[0].mean(axis=(1, 2))
    assert 15 < brightness.std() < 45
    assert 70 < brightness.mean() < 120
    assert drawn[0].std(axis=(1, 2)).min() > 10


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
