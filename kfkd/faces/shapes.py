"""Soft shapes, dice and textures from which a face is made.

Every machine must draw the same bytes. Hence only operations that IEEE 754 rounds exactly
(+ - * / sqrt, comparisons, rounding to whole numbers) and only RandomState's uniform numbers:
exp, sin, pow and the normal numbers differ in their last bit between C libraries and
processors, and a sum's order of adding differs between NumPy's vector units.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIDE = 96


class Dice:
    """The random numbers of one face; they depend on nothing but `seed` and `row`.

    Parameters
    ----------
    seed, row : int
        From 0 to 2**32 - 1.
    state : RandomState, optional
        Is started anew and used; making one takes ten times as long.
    """

    def __init__(self, seed: int, row: int, state: np.random.RandomState | None = None) -> None:
        self._state = np.random.RandomState(0) if state is None else state
        self._state.seed([seed, row])
        self._next = self._flat().__next__
        self._bell = self._bells().__next__

    def _flat(self) -> Iterator[float]:
        while True:
            # About twice as many as a face takes.
            yield from self._state.random_sample(200).tolist()

    def _bells(self) -> Iterator[float]:
        while True:
            # Not np.sum nor, for floats, the built-in sum: they add in an order of their own.
            six = self._state.random_sample((6, 80))
            total = six[0] + six[1] + six[2] + six[3] + six[4] + six[5]
            yield from ((total - 3.0) * 1.4142135623730951).tolist()

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`, all equally likely."""
        return low + (high - low) * self._next()

    def normal(self, mean: float, std: float) -> float:
        """A bell-shaped number, never further than 4.2 `std` from `mean`."""
        return mean + std * self._bell()

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._next() < probability

    def grid(self, *shape: int) -> Floats:
        """Numbers between -1 and 1 in an array of the given shape."""
        return 2.0 * self._state.random_sample(shape) - 1.0

    def grain(self) -> Floats:
        """Noise between -1 and 1, most of it near 0: float64 array, (96, 96)."""
        speckles = np.frombuffer(self._state.bytes(2 * SIDE * SIDE), np.uint8)
        first, second = speckles.reshape(2, SIDE, SIDE).astype(np.float64)
        return (first + second) * (1.0 / 255.0) - 1.0


def turn(dice: Dice, std: float, limit: float = 0.33) -> tuple[float, float]:
    """Sine and cosine of a random angle of about `std` radians.

    Parameters
    ----------
    dice : Dice
    std : float
        Standard deviation of the angle, in radians.
    limit : float
        The largest angle to either side, in radians.

    Returns
    -------
    sine, cosine : float
    """
    half = min(max(dice.normal(0.0, std / 2.0), -limit / 2.0), limit / 2.0)
    scale = 1.0 + half * half
    return 2.0 * half / scale, (1.0 - half * half) / scale


def ramp(value: NDArray[np.floating]) -> Floats:
    """0 below 0, 1 above 1, a smooth S between (float64, shape of `value`)."""
    inside = value.clip(0.0, 1.0)
    return inside * inside * (3.0 - 2.0 * inside)


def hump(squared: Floats) -> Floats:
    """A round hill: 1 where `squared` (a squared radius) is 0, level 0 from 1 on."""
    height = np.maximum(1.0 - squared, 0.0)
    return height * height


def blob(across: Floats, down: Floats, width: float, height: float) -> Floats:
    """A hump over an ellipse.

    Parameters
    ----------
    across, down : float64 array
        Distances from the centre.
    width, height : float
        Half axes, in the same unit.

    Returns
    -------
    float64 array
        From 0 to 1.
    """
    across = across * (1.0 / width)
    down = down * (1.0 / height)
    return hump(across * across + down * down)


def mix(below: Floats | float, above: Floats | float, share: Floats | float) -> Floats:
    """`below` where `share` is 0, `above` where it is 1."""
    return below + (above - below) * share  # type: ignore[return-value]


def _stretch(points: int) -> tuple[NDArray[np.intp], Floats]:
    place = np.arange(SIDE) * ((points - 1) / SIDE)
    index = np.floor(place).astype(np.intp)
    return index, ramp(place - index)


_STRETCHES = {points: _stretch(points) for points in (9, 33)}


_COARSE = np.arange(128) // 4
_FINE = ramp(np.arange(128) % 4 / 4.0)


def fog(dice: Dice, points: int) -> Floats:
    """Clouds without a sharp edge.

    Parameters
    ----------
    dice : Dice
    points : int
        Random points across and down (9 or 33): the more, the finer.

    Returns
    -------
    float64 array, (96, 96)
        Between -1 and 1.
    """
    index, share = _STRETCHES[points]
    coarse = dice.grid(points, points)
    rows = mix(coarse[index], coarse[index + 1], share[:, None])
    return mix(rows[:, index], rows[:, index + 1], share)


def stripes(dice: Dice, place: Floats) -> Floats:
    """Noise along one coordinate; equal places get equal values, as strands of hair do.

    Parameters
    ----------
    dice : Dice
    place : float64 array
        The coordinate, in strands.

    Returns
    -------
    float64 array, shape of `place`
        Between -1 and 1.
    """
    rough = dice.grid(33)
    table = dice.grid(129) * 0.4
    table[:128] += 0.6 * mix(rough[_COARSE], rough[_COARSE + 1], _FINE)
    table[128] = table[0]
    below = np.floor(place)
    share = place - below
    index = below.astype(np.int64) & 127
    return mix(table[index], table[index + 1], share)


def blurred(image: Floats, weight: float) -> Floats:
    """`image` with each pixel mixed with its neighbours.

    Parameters
    ----------
    image : float64 array, (96, 96)
    weight : float
        Share of each of the two neighbours along an axis, 0 to 1/3.

    Returns
    -------
    float64 array, (96, 96)
    """
    whole = image * (1.0 - 2.0 * weight)
    image = image * weight
    whole[1:] += image[:-1]
    whole[:-1] += image[1:]
    whole[0] += image[0]
    whole[-1] += image[-1]
    image = whole * weight
    whole *= 1.0 - 2.0 * weight
    # Along the rows in one piece, as NumPy is slow at rows cut short; then mend their ends.
    flat, line = whole.ravel(), image.ravel()
    left, right = whole[:, 0] + image[:, 0], whole[:, -1] + image[:, -1]
    flat[1:] += line[:-1]
    flat[:-1] += line[1:]
    whole[:, 0] = left + image[:, 1]
    whole[:, -1] = right + image[:, -2]
    return whole


def slopes(height: Floats) -> tuple[Floats, Floats]:
    """How steeply a surface rises to the right and downwards.

    Parameters
    ----------
    height : float64 array, (96, 96)

    Returns
    -------
    across, down : float64 array, (96, 96)
        Rise per pixel.
    """
    across, down = np.empty_like(height), np.empty_like(height)
    flat = height.ravel()
    np.subtract(flat[2:], flat[:-2], out=across.ravel()[1:-1])
    across *= 0.5
    across[:, 0], across[:, -1] = across[:, 1], across[:, -2]
    np.subtract(height[2:], height[:-2], out=down[1:-1])
    down *= 0.5
    down[0], down[-1] = down[1], down[-2]
    return across, down


def unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    """The direction (x, y, z) with length 1."""
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length
