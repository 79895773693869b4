"""The tutorial's figures agree with each other."""

import pytest

from kfkd import tutorial


def test_rmse_as_the_tutorial_rounds_them():
    rmse = {name: round(end.valid_loss**0.5 * 48, 2) for name, end in tutorial.ENDS.items()}
    assert rmse == {
        "net1": 2.74, "net2": 1.90, "net3": 1.72, "net4": 1.79,
        "net5": 1.65, "net6": 1.61, "net7": 1.58, "net8": 1.35,
    }  # fmt: skip


@pytest.mark.parametrize("name", [*tutorial.ENDS, "mine"])
def test_points_end_with_the_end(name):
    points = tutorial.points(name)
    assert [point.epoch for point in points] == sorted({point.epoch for point in points})
    assert points[-1:] == ([tutorial.ENDS[name]] if name in tutorial.ENDS else [])
