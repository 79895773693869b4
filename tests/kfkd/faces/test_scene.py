import hashlib

import numpy as np
import pytest

from kfkd import faces


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
