"""Head, hair, ears, neck and clothes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kfkd.faces.canvas import Canvas
from kfkd.faces.shapes import Dice, Floats, blob, hump, mix, ramp, stripes

EVERYWHERE = (slice(None), slice(None))


@dataclass
class Head:
    """The head's outline.

    Attributes
    ----------
    half : float
        Half its width.
    middle, up, down : float
        v where it is widest, and from there to the crown and to the chin.
    square, taper : float
        How angular the jaw is, and how narrow.
    skin : float
        The skin's brightness.
    round, cheeks : float
        How far the skull and the cheeks stand out.
    ear, ear_v : float
        How far the ears stand off, and v of their middle.
    """

    half: float
    middle: float
    up: float
    down: float
    square: float
    taper: float
    skin: float
    round: float
    cheeks: float
    ear: float
    ear_v: float

    @classmethod
    def thrown(cls, dice: Dice, mouth_bottom: float) -> Head:
        """A random head whose chin lies below the mouth."""
        middle = dice.uniform(0.1, 0.35)
        chin = max(dice.normal(1.68, 0.06), mouth_bottom + 0.3)
        return cls(
            half=dice.normal(1.09, 0.05),
            middle=middle,
            up=dice.normal(1.64, 0.09),
            down=chin - middle,
            square=dice.uniform(0.2, 0.8),
            taper=dice.uniform(0.2, 1.1),
            skin=dice.uniform(0.55, 0.9),
            round=dice.uniform(0.75, 1.05),
            cheeks=dice.uniform(0.02, 0.1),
            ear=dice.uniform(0.03, 0.13),
            ear_v=dice.normal(0.22, 0.05),
        )

    def spread(self, u: Floats, v: Floats) -> Floats:
        """1 on the outline, less inside, 0 in the middle, (96, 96)."""
        down = v - self.middle
        below = down > 0.0
        down = down * np.where(below, 1.0 / self.down, 1.0 / self.up)
        down = down * down
        across = u * (1.0 / self.half)
        across = across * across * np.where(below, 1.0 + self.taper * down, 1.0)
        return across + down * (1.0 - self.square + self.square * down)

    def paint_behind(self, canvas: Canvas, dice: Dice, clouds: Floats) -> None:
        """Paint clothes, neck and ears."""
        rows = (slice(canvas.pose.window(0.0, 0.75, 0.0, 0.0)[0].start, None), slice(None))
        across, down = np.abs(canvas.across[rows] + 0.2 * canvas.pose.yaw[0]), canvas.down[rows]
        cloth = dice.uniform(0.03, 0.9)
        collar = dice.uniform(0.6, 0.85)
        slope, height = dice.uniform(0.15, 0.5), dice.uniform(1.2, 1.45)
        body = canvas.cover(down - height - slope * (across - collar), 0.05)
        canvas.lay(rows, cloth * (1.0 + 0.3 * clouds[rows]), body)
        neck = canvas.cover(
            np.minimum(collar + 0.04 - across + 0.15 * (down - 1.3), down - 0.9), 0.03
        )
        canvas.lay(rows, self.skin * (0.34 + 0.25 * ramp((down - 1.15) * 1.6)), neck)
        window = canvas.pose.window(0.0, self.ear_v, self.half + 0.4, 0.42)
        out, v = np.abs(canvas.u[window]) - self.half, canvas.v[window] - self.ear_v
        lean = out - 0.12 * (0.3 - v) - self.ear + 0.06
        high = v * v
        edge = 1.0 - np.sqrt(lean * lean * 60.0 + high * 11.5)
        hollow = hump((lean - 0.01) * (lean - 0.01) * 300.0 + high * 25.0)
        ear = (0.95 - 0.45 * hollow) * (0.72 + 0.28 * ramp(2.5 * edge))
        canvas.lay(window, self.skin * ear, canvas.cover(edge * 0.12))

    def relief(self, canvas: Canvas, spread: Floats) -> Floats:
        """z of the skull and the cheeks, (96, 96)."""
        relief = np.sqrt(np.maximum(1.0 - spread, 0.004)) * self.round
        window = canvas.pose.window(0.0, 0.75, 1.3, 0.75)
        out, v = np.abs(canvas.u[window]), canvas.v[window]
        relief[window] += self.cheeks * (
            blob(out - 0.62, v - 0.55, 0.42, 0.42) - 0.5 * blob(out - 0.72, v - 0.98, 0.36, 0.4)
        )
        return relief

    def paint_forehead(self, canvas: Canvas, dice: Dice) -> None:
        """Darken the forehead's furrows."""
        deep = dice.uniform(-0.25, 0.16)
        wide, high = dice.uniform(0.1, 0.16), dice.uniform(-0.5, -0.4)
        if deep <= 0.0:
            return
        window = canvas.pose.window(0.0, -0.55, 1.0, 0.4)
        u, v = canvas.u[window], canvas.v[window]
        line = (v - high + 0.12 * u * u) * (1.0 / wide)
        line = line - np.rint(line)
        canvas.darken(window, deep * hump(line * line * 20.0) * blob(u, v - high, 0.8, 0.36))


@dataclass
class Hair:
    """Hair on the head.

    Attributes
    ----------
    tone : float
        Brightness.
    line, temple : float
        v of the hairline, and u where the hair begins at the sides.
    volume, flare : float
        How far it stands out from the head, and how much further at the bottom.
    length : float
        v of its lower end.
    part, drop : float
        u of the parting, and how far the hair falls from there over the forehead.
    slant, recede, square : float
        The hairline's slope, depth of the bays at the temples, and how angular it is.
    strands, curl : float
        How strongly the strands show, and how much they are bent.
    ragged, soft : float
        How uneven and how blurred the hair's edge is.
    bald : bool
        No hair at all.
    """

    tone: float
    line: float
    temple: float
    volume: float
    flare: float
    length: float
    part: float
    drop: float
    slant: float
    recede: float
    square: float
    strands: float
    curl: float
    ragged: float
    soft: float
    bald: bool

    @classmethod
    def thrown(cls, dice: Dice, head: Head) -> Hair:
        """Random hair."""
        tone = dice.uniform(0.03, 0.16)
        if dice.chance(0.3):
            tone = dice.uniform(0.2, 0.4)
        kind = dice.uniform(0.0, 1.0)
        hair = cls(
            tone=tone,
            line=dice.normal(-0.92, 0.1),
            temple=head.half * dice.uniform(0.9, 1.0),
            volume=dice.uniform(0.02, 0.22),
            flare=0.0,
            length=dice.uniform(-0.15, 0.35),
            part=dice.normal(0.0, 0.4),
            drop=dice.uniform(-0.05, 0.2),
            slant=dice.normal(0.0, 0.09),
            recede=dice.uniform(-0.2, 0.28),
            square=dice.uniform(0.0, 1.0),
            strands=dice.uniform(0.15, 0.5),
            curl=dice.uniform(0.0, 0.7) * dice.uniform(0.0, 1.0),
            ragged=dice.uniform(0.5, 1.6),
            soft=dice.uniform(0.02, 0.14),
            bald=kind < 0.05,
        )
        width, length, fringe = dice.uniform(0.76, 0.98), dice.uniform(0.8, 3.0), dice.chance(0.3)
        volume, flare = dice.uniform(0.08, 0.34), dice.uniform(-0.05, 0.25)
        line = dice.uniform(-0.62, -0.38)
        if kind < 0.13:
            hair.line -= 0.3
        elif kind > 0.55:
            hair.length, hair.volume, hair.flare = length, volume, flare
            hair.temple = head.half * width
            hair.square = hair.square * hair.square
            if fringe:
                hair.line, hair.drop, hair.square, hair.recede = line, 0.05, 0.8, 0.0
        return hair

    def paint(
        self, canvas: Canvas, dice: Dice, head: Head, clouds: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Paint the hair over the head.

        Returns
        -------
        cover, across, down : float64 array, (96, 96)
            The share of each pixel that hair covers, and the directions in which the hair's
            surface looks there (u and v of its normal).
        """
        u, v = canvas.u, canvas.v
        above = np.minimum(v - head.middle, 0.0)
        below = v - head.middle - above
        across = u * (1.0 / (head.half + self.volume)) * (1.0 - self.flare * below)
        down = above * (1.0 / (head.up + 1.15 * self.volume))
        if self.bald:
            return np.zeros_like(u), across, down

        spread = across * across + down * down
        part = u - self.part
        strands = stripes(dice, part * (27.0 - 8.0 * np.minimum(v, 1.2)) + 8.0 * self.curl * clouds)
        wild = self.ragged * (strands + clouds)
        cover = canvas.cover((1.0 - spread) * 0.5 + 0.05 * wild, 0.05)
        line = self.line + self.drop * np.minimum(part * part * 1.5, 1.0) + self.slant * u
        if self.recede > 0.0:
            corner = np.abs(u) - 0.6
            line = line - self.recede * hump(corner * corner * 6.0)
        side = u * (1.0 / self.temple)
        side = side * side
        over = np.minimum(v - 0.45, 0.0) / (0.45 - line)
        over = over * over
        box = np.sqrt(side * side + over * over)
        edge = mix(side + over, box, self.square) * 0.45 - 0.45 + 0.035 * wild
        ends = canvas.cover(self.length - v + 0.08 * strands, 0.12)
        cover = cover * ends
        # The hair's own shade on the skin beside it.
        canvas.darken(EVERYWHERE, 0.3 * cover * (edge * 6.0 + 1.0).clip(0.0, 1.0))
        cover = cover * canvas.cover(edge, self.soft)
        tone = self.tone * (1.0 + self.strands * strands + 0.25 * clouds)
        canvas.lay(EVERYWHERE, tone, cover)
        return cover, across, down
