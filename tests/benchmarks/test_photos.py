"""benchmarks/photos.py: the scenes that it makes."""

import theano_today  # noqa: F401  # isort: skip

import numpy as np
import pytest

from benchmarks.photos import HEIGHT, WIDTH, scene


@pytest.mark.parametrize("seed", range(4))
def test_points_of_the_face_lie_where_the_scene_says(seed):
    """The centre of a bright spot, for several spots."""
    y, x = np.mgrid[:96, :96] + 0.5
    for point in [(30, 30), (66, 40), (48, 80)]:
        spot = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / 18)
        grey, A, b = scene((spot * 255).astype(np.uint8), np.random.RandomState(seed))
        assert grey.shape == (HEIGHT, WIDTH)
        place = A @ point + b
        rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
        reach = 8 * np.sqrt(np.linalg.det(A))
        near = np.hypot(columns - place[0], rows - place[1]) < reach
        light = grey * near
        found = [(light * v).sum() / light.sum() for v in (columns, rows)]
        assert np.abs(found - place).max() < 0.1 + 0.05 * np.sqrt(np.linalg.det(A))
