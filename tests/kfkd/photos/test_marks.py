"""What is drawn and written."""

import theano_today  # noqa: F401  # isort: skip

import csv

import numpy as np
import pytest
from PIL import Image

from kfkd.keypoints import COLUMNS
from kfkd.photos.marks import draw, write_drawing, write_table

POINTS = np.stack(np.meshgrid([30.0, 60, 90], [20.0, 40, 60, 80, 100]), -1).reshape(15, 2)


@pytest.mark.parametrize("size", [(120, 120), (700, 500), (3000, 2000), (1, 1), (5000, 8)])
def test_sizes(size):
    drawn = draw(Image.new("RGB", size, "#777777"), [])
    longer = max(size)
    assert max(drawn.size) == min(max(longer, 640), 1600)


def test_points_lie_where_they_belong():
    drawn = np.asarray(draw(Image.new("RGB", (640, 480), "#777777"), [POINTS * 3]).convert("L"))
    for x, y in POINTS * 3:
        assert drawn[round(y), round(x)] == 255
        around = drawn[round(y) - 8 : round(y) + 9, round(x) - 8 : round(x) + 9]
        assert around.min() < 20  # the ring


def test_legend_and_numbers_only_where_there_is_room():
    photo = Image.new("RGB", (640, 480), "#777777")
    assert draw(photo, []).size == (640, 480)
    assert draw(photo, [POINTS]).height > 480
    grey = np.asarray(draw(photo, [POINTS * 0.3]).crop((0, 0, 640, 480)).convert("L"))
    assert (grey != 0x77).sum() < 15 * 40


def test_table(tmp_path):
    write_table(tmp_path / "a.csv", [('odd, "name".png', 1, POINTS), ("b.png", 2, POINTS + 0.126)])
    with (tmp_path / "a.csv").open(newline="") as f:
        rows = list(csv.reader(f))
    assert rows[0] == ["photo", "face", *COLUMNS]
    assert rows[1][:4] == ['odd, "name".png', "1", "30.00", "20.00"]
    assert rows[2][:4] == ["b.png", "2", "30.13", "20.13"]


def test_drawing_is_a_png(tmp_path):
    write_drawing(tmp_path / "a.png", Image.new("RGB", (3, 2)))
    assert Image.open(tmp_path / "a.png").format == "PNG"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
