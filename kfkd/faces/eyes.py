"""Eyes, brows and glasses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kfkd.faces.canvas import Canvas
from kfkd.faces.shapes import Dice, Floats, blob, hump, mix, ramp, stripes


@dataclass
class Eyes:
    """Both eyes; `out` below is the distance from the nose's line, on either side.

    Attributes
    ----------
    middle, half : float
        Where an eye's middle is (out), and half its length.
    corner : float
        v of the corners: below the pupil.
    tilt : float
        How much further down the outer corner is than the inner.
    upper, lower : float
        Height of the lids' arcs over and under the line of the corners.
    gaze : float
        u by which both pupils are off the eyes' middles.
    iris, white : float
        Their brightness.
    lash, crease, bag, shadow : float
        Strengths of lines and shadows.
    crease_height : float
        How far the fold is above the upper lid.
    highlight : (float, float, float)
        u and v of the lamp's reflection from the pupil, and its strength.
    """

    middle: float
    half: float
    corner: float
    tilt: float
    upper: float
    lower: float
    gaze: float
    iris: float
    white: float
    lash: float
    crease: float
    bag: float
    shadow: float
    crease_height: float
    highlight: tuple[float, float, float]

    @classmethod
    def thrown(cls, dice: Dice) -> Eyes:
        """Random eyes."""
        opening = dice.uniform(0.62, 1.15)
        return cls(
            middle=0.503,
            half=dice.normal(0.193, 0.014),
            corner=dice.normal(0.010, 0.012),
            tilt=dice.normal(-0.005, 0.013),
            upper=0.105 * opening,
            lower=dice.uniform(0.045, 0.062) * (0.55 + 0.45 * opening),
            gaze=dice.normal(0.0, 0.022),
            iris=dice.uniform(0.06, 0.4) * dice.uniform(0.5, 1.0),
            white=dice.uniform(0.62, 0.9),
            lash=dice.uniform(0.5, 0.95),
            crease=dice.uniform(0.1, 0.5),
            bag=dice.uniform(0.0, 0.26),
            shadow=dice.uniform(0.08, 0.42),
            crease_height=dice.uniform(0.045, 0.085),
            highlight=(dice.normal(0.0, 0.025), -dice.uniform(0.015, 0.04), dice.uniform(0.3, 1.0)),
        )

    def points(self, side: int) -> list[tuple[float, float]]:
        """(u, v) of the centre, the inner and the outer corner (side 1: the picture's right)."""
        return [
            (side * 0.5 + self.gaze, 0.0),
            (side * (self.middle - self.half), self.corner - self.tilt),
            (side * (self.middle + self.half), self.corner + self.tilt),
        ]

    def paint(self, canvas: Canvas) -> None:
        """Paint both eyes."""
        window = canvas.pose.window(0.0, 0.0, 0.98, 0.36)
        u, v = canvas.u[window], canvas.v[window]
        side = np.copysign(1.0, u)
        along = (side * u - self.middle) * (1.0 / self.half)
        down = v - self.corner - self.tilt * along
        squared = along * along
        arc = 1.0 - squared
        top = -self.upper * arc * (1.0 + 0.16 * arc - 0.14 * along)
        bottom = self.lower * arc * (1.0 + 0.3 * along)

        dark = self.shadow * blob(along + 0.35, down + 0.11, 1.35, 0.26)
        bag = down - 0.115 - 0.03 * arc
        dark += self.bag * hump(bag * bag * 600.0) * ramp(1.2 * arc)
        below = down - top
        fold = below + self.crease_height * (0.45 + 0.55 * arc)
        dark += self.crease * hump(fold * fold * 1500.0) * ramp(0.5 + arc)
        canvas.darken(window, dark)

        above = bottom - down
        opening = canvas.cover(np.minimum(below, above))
        # A ball: its sides turn away from the light, and the upper lid shades it.
        ball = (0.62 + 0.38 * ramp(below * 14.0)) * (self.white - 0.25 * self.white * squared)
        out = u - 0.5 * side - self.gaze
        radius = np.sqrt(out * out + v * v)
        iris = mix(self.iris, self.iris * 0.35, ramp((radius - 0.06) * 25.0))
        iris = mix(iris, 0.02, canvas.cover(0.045 - radius))
        ball = mix(ball, iris, canvas.cover(0.108 - radius))
        x, y, gleam = self.highlight
        out, high = out - x, v - y
        ball = mix(ball, 1.25, gleam * hump((out * out + high * high) * 900.0))
        canvas.lay(window, ball, opening)

        reach = ramp((1.16 - np.abs(along)) * 6.0)
        lid, rim = below * 29.0 + 0.35, above * 33.0 + 0.33
        lashes = hump(lid * lid) + 0.45 * hump(rim * rim)
        canvas.darken(window, np.minimum(self.lash * lashes * reach, 1.0))


@dataclass
class Brows:
    """Both brows.

    Attributes
    ----------
    inner, outer : list of (out, v)
        Their ends: of the picture's left and right brow.
    arch, thick : float
        How much they bend, and half their thickness.
    hair, density : float
        Their brightness, and how much of the skin they hide.
    """

    inner: list[tuple[float, float]]
    outer: list[tuple[float, float]]
    arch: float
    thick: float
    hair: float
    density: float

    @classmethod
    def thrown(cls, dice: Dice, hair: float) -> Brows:
        """Random brows."""
        raised, frown = dice.normal(0.0, 0.042), dice.normal(-0.006, 0.02)
        inner, outer = dice.normal(0.232, 0.05), dice.normal(0.88, 0.034)
        height = dice.normal(-0.222, 0.02) - raised
        return cls(
            inner=[
                (inner + dice.normal(0.0, 0.012), height + frown + dice.normal(0.0, 0.01))
                for _ in range(2)
            ],
            outer=[
                (outer + dice.normal(0.0, 0.012), height + 0.012 - frown + dice.normal(0.0, 0.012))
                for _ in range(2)
            ],
            arch=dice.uniform(0.03, 0.095),
            thick=dice.uniform(0.022, 0.052),
            hair=hair * dice.uniform(0.6, 1.0),
            density=dice.uniform(0.45, 0.95),
        )

    def points(self, side: int) -> list[tuple[float, float]]:
        """(u, v) of the inner and the outer end."""
        ends = (self.inner[side > 0], self.outer[side > 0])
        return [(side * out, v) for out, v in ends]

    def paint(self, canvas: Canvas, dice: Dice) -> None:
        """Paint both brows."""
        middle = 0.5 * (self.inner[0][1] + self.outer[1][1])
        window = canvas.pose.window(0.0, middle, 1.25, 0.3)
        out, v = np.abs(canvas.u[window]), canvas.v[window]
        right = canvas.u[window] > 0.0
        start, first, stop, last = (
            np.where(right, on_right, on_left)
            for end in (self.inner, self.outer)
            for on_left, on_right in zip(*end, strict=True)
        )
        length = stop - start
        along = (out - start) / length
        inside = np.minimum(np.maximum(along, 0.0), 1.0)
        bend = self.arch * 4.0 * inside * (1.0 - inside) * (0.45 + inside)
        line = v - first - (last - first) * along + bend
        thick = self.thick * (0.55 + 0.9 * ramp(inside * 4.0) - 0.95 * inside * inside)
        strands = stripes(dice, (canvas.u[window] - 0.9 * v) * 30.0)
        inside = np.minimum(thick - np.abs(line), np.minimum(along, 1.0 - along) * length + 0.02)
        share = canvas.cover(inside + 0.008 * strands, 0.022)
        share = share * (self.density * (1.0 + 0.16 * strands))
        canvas.lay(window, self.hair, np.minimum(share, 1.0))


@dataclass
class Glasses:
    """Glasses: two rings, a bridge, and the sides' beginnings.

    Attributes
    ----------
    wide, high : float
        Half the size of a lens.
    square : float
        0 for an ellipse, 1 for a box with round corners.
    v : float
        v of their middle.
    frame, thick : float
        Brightness of the frame, and half its thickness.
    tint, glare, slope : float
        Shade of the lenses; strength and direction of the streak of light on them.
    """

    wide: float
    high: float
    square: float
    v: float
    frame: float
    thick: float
    tint: float
    glare: float
    slope: float

    @classmethod
    def thrown(cls, dice: Dice) -> Glasses:
        """Random glasses."""
        wide = dice.uniform(0.33, 0.41)
        return cls(
            wide=wide,
            high=wide * dice.uniform(0.6, 0.95),
            square=dice.uniform(0.0, 1.0),
            v=dice.uniform(0.03, 0.09),
            frame=dice.uniform(0.6, 1.0) if dice.chance(0.12) else dice.uniform(0.02, 0.35),
            thick=dice.uniform(0.006, 0.024),
            tint=dice.uniform(0.0, 0.18),
            glare=dice.uniform(0.1, 0.45) if dice.chance(0.4) else 0.0,
            slope=dice.uniform(-1.0, 1.0),
        )

    def paint(self, canvas: Canvas) -> None:
        """Paint them over everything else on the face."""
        window = canvas.pose.window(0.0, 0.05, 1.25, 0.55)
        u, v = canvas.u[window], canvas.v[window]
        # They stand before the face and so shift against it when it turns.
        shift = 0.12 * canvas.pose.yaw[0]
        out = np.abs(u - shift)
        across, down = (out - 0.52) * (1.0 / self.wide), (v - self.v) * (1.0 / self.high)
        across, down = across * across, down * down
        # 1 on the lens's edge; grows with the distance from its middle.
        size = np.sqrt(
            np.sqrt(
                mix((across + down) * (across + down), across * across + down * down, self.square)
            )
        )
        edge = (1.0 - size) * self.high
        lens = canvas.cover(edge)
        gleam = self.slope * (u * (1.0 / self.wide)) + down
        canvas.darken(window, lens * self.tint)
        canvas.lay(window, 1.0, lens * self.glare * hump((gleam - 0.5) * (gleam - 0.5) * 3.0))
        shade = edge + 0.05
        canvas.darken(window, 0.16 * hump(shade * shade * 500.0))
        ring = canvas.cover(self.thick - np.abs(edge))
        bridge = canvas.cover(
            np.minimum(
                self.thick - np.abs(v - self.v + 0.3 * self.high - 0.4 * u * u),
                0.53 - self.wide - out,
            )
        )
        sides = canvas.cover(
            np.minimum(self.thick - np.abs(v - self.v + 0.25 * self.high), out - 0.5 - self.wide)
        ) * canvas.cover(1.02 - out)
        canvas.lay(window, self.frame, np.maximum(np.maximum(ring, bridge), sides))


def raise_brows(canvas: Canvas, relief: Floats, brow: float) -> None:
    """Add eye sockets, eyeballs and the ridge of the brows to a relief.

    Parameters
    ----------
    canvas : Canvas
    relief : float64 array, (96, 96)
        z, is changed.
    brow : float
        v of the brows.
    """
    window = canvas.pose.window(0.0, 0.0, 1.4, 0.48)
    out, v = np.abs(canvas.u[window]), canvas.v[window]
    relief[window] += (
        0.055 * blob(out - 0.5, v, 0.25, 0.18)
        - 0.13 * blob(out - 0.45, v + 0.02, 0.40, 0.26)
        + 0.05 * blob(out - 0.5, v - brow, 0.75, 0.2)
    )
