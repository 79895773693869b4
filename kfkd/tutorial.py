"""What the tutorial published of its nets' training on Kaggle's faces."""

from __future__ import annotations

from typing import NamedTuple


class Point(NamedTuple):
    """Losses after an epoch: mean squared errors of coordinates from -1 to 1."""

    epoch: int
    train_loss: float
    valid_loss: float


# What each net ended with, or was left at.
ENDS = {
    "net1": Point(400, 0.002244, 0.003255),
    "net2": Point(1000, 0.001079, 0.001566),
    "net3": Point(3000, 0.000678, 0.001288),
    "net4": Point(1000, 0.000496, 0.001387),
    "net5": Point(2000, 0.000373, 0.001184),
    "net6": Point(3000, 0.001306, 0.001121),
    "net7": Point(3000, 0.001195, 0.001087),
    "net8": Point(10000, 0.000760, 0.000787),
}

# Of net2's training it shows more.
NET2 = [
    Point(1, 0.111763, 0.042740),
    Point(2, 0.018500, 0.009413),
    Point(3, 0.008598, 0.007918),
    Point(4, 0.007292, 0.007284),
    Point(5, 0.006783, 0.006841),
    Point(500, 0.001791, 0.002013),
    ENDS["net2"],
]


def points(name: str) -> list[Point]:
    """Return the losses that the tutorial gives for a net, such as "net2"; none for others."""
    if name == "net2":
        return NET2
    return [ENDS[name]] if name in ENDS else []
