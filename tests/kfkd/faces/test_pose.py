"""Where the keypoints are, and that they are seen there."""

import numpy as np
import pytest

from kfkd import faces
from kfkd.faces.pose import Form, Pose
from kfkd.faces.shapes import Dice


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
