"""Faces found in scenes, and cut out."""

import theano_today  # noqa: F401  # isort: skip

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from kfkd.photos.faces import Square, cut, find_faces, whole
from tests.photos import scene, wall
from theano_today.errors import MissingPackageError


def needs_opencv():
    pytest.importorskip("cv2", reason="OpenCV is not installed (requirements-examples.txt)")


def test_faces_are_found_where_they_are():
    needs_opencv()
    placed = [(0, 130, 120, 160, 0), (3, 420, 300, 220, 8), (6, 560, 90, 90, -10)]
    grey, _ = scene(640, 440, placed)
    found = find_faces(grey)
    assert len(found) == 3
    for (_, x, y, side, _), square in zip(sorted(placed, key=lambda f: -f[3]), found, strict=True):
        middle = np.array([square.x, square.y]) + square.side / 2
        assert np.abs(middle - (x, y)).max() < 0.2 * side
        assert 0.6 < square.side / side < 1.1


def test_large_pictures_are_looked_at_small():
    needs_opencv()
    grey, _ = scene(640, 440, [(0, 330, 220, 300, 0)])
    large = np.asarray(Image.fromarray(grey).resize((3200, 2200)))
    (a,), (b,) = find_faces(grey), find_faces(large)
    assert abs(b.side / a.side - 5) < 0.4
    assert abs(b.x + b.side / 2 - 5 * (a.x + a.side / 2)) < 0.1 * b.side


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (23, 23), (200, 300)])
def test_no_faces(shape):
    needs_opencv()
    assert find_faces(wall(*shape[::-1])) == []


def test_without_opencv(monkeypatch):
    for module in (None, SimpleNamespace(__version__="5.0.0")):
        monkeypatch.setitem(sys.modules, "cv2", module)
        with pytest.raises(MissingPackageError, match="requirements-examples"):
            find_faces(wall(50, 50))


def test_whole():
    assert whole(wall(100, 60)) == Square(20, 0, 60)
    assert whole(wall(30, 61)) == Square(0, 15.5, 30)


@pytest.mark.parametrize("angle", [0.0, 0.3, -0.5])
@pytest.mark.parametrize("side", [40, 96, 333])
def test_cut_and_back(side, angle):
    """A bright spot's place in the cut, taken back into the picture, is where it was."""
    y, x = np.mgrid[:500, :600]
    for u, v in [(20, 70), (48, 48), (80, 30)]:
        square = Square(150.3, 90.8, side, angle)
        spot = square.to_picture(np.array([[u, v]], float))[0]
        width = side / 96 * 4
        light = np.exp(-((x + 0.5 - spot[0]) ** 2 + (y + 0.5 - spot[1]) ** 2) / (2 * width**2))
        face = cut((light * 255).astype(np.uint8), square)
        assert face.shape == (96, 96)
        assert face.dtype == np.float32
        weight = face**2 / (face**2).sum()
        rows, columns = np.mgrid[:96, :96] + 0.5
        assert abs((weight * columns).sum() - u) < 0.35
        assert abs((weight * rows).sum() - v) < 0.35


def test_whole_faces_are_not_changed():
    grey = wall(96, 96)
    np.testing.assert_array_equal(cut(grey, whole(grey)), grey.astype(np.float32) / 255)


def test_beyond_the_edge_the_last_pixels_go_on():
    grey = np.full((50, 40), 77, np.uint8)
    for square in [Square(-30, -30, 60), Square(20, 30, 90, 0.4), Square(-200, 300, 20)]:
        np.testing.assert_allclose(cut(grey, square), 77 / 255, atol=1e-6)
