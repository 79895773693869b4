"""Where a face's points come to lie in the picture, and where a pixel lies on the face.

A face has its own measure: u to the right, v down, z towards the viewer, from the middle
between the eyes, in distances between the eyes (about 31 pixels).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from kfkd.faces.shapes import SIDE, Dice, Floats, hump, ramp, turn

Number = TypeVar("Number", float, Floats)

_Y, _X = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)


@dataclass
class Form:
    """The rough form of a head in depth: a flat dome with a nose.

    Attributes
    ----------
    nose_tip : float
        Its v.
    nose_height, nose_root_width, nose_tip_width : float
        How far the nose stands out, and its half widths.
    dome_across, dome_down : float
        How fast the dome falls off.
    """

    nose_tip: float
    nose_height: float
    nose_root_width: float
    nose_tip_width: float
    dome_across: float
    dome_down: float

    @classmethod
    def thrown(cls, dice: Dice) -> Form:
        """A random form."""
        tip = dice.normal(0.66, 0.09)
        return cls(
            nose_tip=tip,
            nose_height=dice.normal(0.27, 0.03),
            nose_root_width=dice.uniform(0.15, 0.21),
            nose_tip_width=dice.uniform(0.25, 0.34),
            dome_across=dice.uniform(0.28, 0.36),
            dome_down=dice.uniform(0.12, 0.18),
        )

    def dome(self, u: Number, v: Number) -> Number:
        """z of the head without the nose."""
        down = v - 0.35
        return -(u * u * self.dome_across + down * down * self.dome_down)

    def nose(self, u: Floats, v: Floats) -> Floats:
        """z that the nose adds; its top is at the tip."""
        along = ramp((v + 0.25) * (1.0 / (self.nose_tip + 0.25)))
        along = along * (0.45 + 0.55 * along)
        end = ramp((v - self.nose_tip) * (1.0 / 0.22))
        width = self.nose_root_width + (self.nose_tip_width - self.nose_root_width) * along
        across = u / width
        return hump(across * across) * (along * (1.0 - end)) * self.nose_height


@dataclass
class Pose:
    """How a head is turned, and where it is in the picture.

    Attributes
    ----------
    yaw, pitch, roll : (float, float)
        Sine and cosine of the turns to the side, up or down, and in the picture's plane.
    scale : float
        Pixels per distance between the eyes.
    x, y : float
        The point between the eyes, in pixels.
    depth : float
        z at the eyes, around which the head turns.
    """

    form: Form
    yaw: tuple[float, float]
    pitch: tuple[float, float]
    roll: tuple[float, float]
    scale: float
    x: float
    y: float
    depth: float

    @classmethod
    def thrown(cls, dice: Dice, form: Form) -> Pose:
        """A random pose; one in eight heads is turned more than the others.

        Places and sizes vary about twice as much as in Kaggle's pictures, and heads are smaller:
        see `kfkd.faces`.
        """
        loose = 1.9 if dice.chance(0.125) else 1.0
        return cls(
            form=form,
            yaw=turn(dice, 0.185 * loose),
            pitch=turn(dice, 0.14),
            roll=turn(dice, 0.1 * loose),
            scale=min(max(dice.normal(31.0, 3.0 * loose), 24.0), 46.0),
            x=dice.normal(48.2, 8.0),
            y=dice.normal(40.0, 6.5),
            depth=form.dome(0.5, 0.0),
        )

    def project(self, u: Floats, v: Floats) -> Floats:
        """Pixels of points on the face.

        Parameters
        ----------
        u, v : float64 array, (n,)

        Returns
        -------
        float64 array, (n, 2)
            x and y in pixels; a whole number is the middle of a pixel.
        """
        z = self.form.dome(u, v) + self.form.nose(u, v) - self.depth
        across = u * self.yaw[1] + z * self.yaw[0]
        down = v * self.pitch[1] + z * self.pitch[0]
        sine, cosine = self.roll
        x = self.x + (across * cosine - down * sine) * self.scale
        y = self.y + (across * sine + down * cosine) * self.scale
        return np.stack([x, y], axis=1)

    def keep_inside(self, points: Floats, margin: float) -> Floats:
        """Move the picture just so far that `points` are `margin` pixels inside its frame.

        Parameters
        ----------
        points : float64 array, (n, 2)
            As from `project`.
        margin : float
            In pixels.

        Returns
        -------
        float64 array, (n, 2)
            The points in the moved picture.
        """
        low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        end = SIDE - 1.0 - margin
        moves = [max(margin - low[axis], 0.0) - max(high[axis] - end, 0.0) for axis in (0, 1)]
        self.x += moves[0]
        self.y += moves[1]
        return points + np.array(moves)

    def plane(self) -> tuple[Floats, Floats]:
        """Each pixel's place in the plane of the eyes (two float64 arrays, (96, 96))."""
        sine, cosine = self.roll
        x, y = (_X - self.x) * (1.0 / self.scale), (_Y - self.y) * (1.0 / self.scale)
        return x * cosine + y * sine, y * cosine - x * sine

    def face(self, across: Floats, down: Floats) -> tuple[Floats, Floats]:
        """Each pixel's (u, v) on the face: `project` the other way round.

        Parameters
        ----------
        across, down : float64 array, (96, 96)
            From `plane`.

        Returns
        -------
        u, v : float64 array, (96, 96)
        """
        form = self.form
        yaw, pitch = self.yaw[0] / self.yaw[1], self.pitch[0] / self.pitch[1]
        across, down = across * (1.0 / self.yaw[1]), down * (1.0 / self.pitch[1])
        # On the dome, z solves the quadratic equation z = dome(across - z yaw, down - z pitch).
        below = down - 0.35
        squared = form.dome_across * yaw * yaw + form.dome_down * pitch * pitch
        linear = 1.0 - across * (2.0 * form.dome_across * yaw)
        linear -= below * (2.0 * form.dome_down * pitch)
        z = form.dome(across, down) - self.depth
        root = np.sqrt(np.maximum(linear * linear + z * (4.0 * squared), 0.0))
        z = 2.0 * z / (linear + root)
        u, v = across - z * yaw, down - z * pitch
        # For the nose each round divides the error by two or more.
        window = self.window(0.0, 0.3, 0.5, 0.72)
        near_u, near_v = u[window], v[window]
        for _ in range(4):
            z = form.dome(near_u, near_v) + form.nose(near_u, near_v) - self.depth
            near_u = across[window] - z * yaw
            near_v = down[window] - z * pitch
        u[window], v[window] = near_u, near_v
        return u, v

    def window(self, u: float, v: float, width: float, height: float) -> tuple[slice, slice]:
        """The pixels around a point of the face, as an index of an image.

        Parameters
        ----------
        u, v : float
            The point.
        width, height : float
            Half the window's size.

        Returns
        -------
        rows, columns : slice
        """
        z = self.form.dome(u, v) - self.depth
        across, down = u * self.yaw[1] + z * self.yaw[0], v * self.pitch[1] + z * self.pitch[0]
        x = self.x + (across * self.roll[1] - down * self.roll[0]) * self.scale
        y = self.y + (across * self.roll[0] + down * self.roll[1]) * self.scale
        across, down = width * self.scale, height * self.scale
        return (
            slice(max(int(y - down), 0), max(min(int(y + down) + 2, SIDE), 0)),
            slice(max(int(x - across), 0), max(min(int(x + across) + 2, SIDE), 0)),
        )
