"""Mouth, nostrils and beard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kfkd.faces.canvas import Canvas
from kfkd.faces.pose import Form
from kfkd.faces.shapes import Dice, Floats, blob, hump, ramp, stripes


@dataclass
class Mouth:
    """The mouth.

    Attributes
    ----------
    u, half : float
        Its middle, and half its width.
    corner : float
        v of the corners.
    slant : float
        How much further down the corner on the picture's right is.
    top, bottom : float
        v of the lips' outer edges in the middle.
    parted : float
        Height of the opening.
    upper_part : float
        The upper lip's share of both lips' height.
    lips, teeth : float
        Brightness of the lips as a share of the skin's; how much the teeth show.
    bow : float
        Depth of the dip in the upper lip's middle.
    fold, seam : float
        Darkness of the folds beside the mouth, and of the line between the lips.
    """

    u: float
    half: float
    corner: float
    slant: float
    top: float
    bottom: float
    parted: float
    upper_part: float
    lips: float
    teeth: float
    bow: float
    fold: float
    seam: float

    @classmethod
    def thrown(cls, dice: Dice, nose_tip: float) -> Mouth:
        """A random mouth below a nose."""
        smile = max(dice.normal(0.5, 0.55), -0.4)
        laughs = smile > 0.55
        parted = 0.0
        if dice.chance(0.75 if laughs else 0.28):
            parted = dice.uniform(0.09, 0.19) if laughs else dice.uniform(0.015, 0.14)
        full = dice.uniform(0.125, 0.22)
        if parted > 0.0:
            full = full * (0.7 if laughs else 0.86)
        upper = dice.uniform(0.36, 0.48)
        middle = dice.normal(1.04, 0.038) + 0.4 * (nose_tip - 0.66)
        return cls(
            u=dice.normal(0.0, 0.012),
            half=dice.normal(0.395, 0.033) + 0.055 * smile,
            corner=middle + 0.008 + 0.3 * parted - 0.065 * smile,
            slant=dice.normal(0.0, 0.01),
            top=middle - full * upper,
            bottom=middle + full * (1.0 - upper) + parted,
            parted=parted,
            upper_part=upper,
            lips=dice.uniform(0.45, 0.84),
            teeth=dice.uniform(0.65, 1.0) if dice.chance(0.95 if laughs else 0.4) else 0.0,
            bow=dice.uniform(0.0, 0.03),
            seam=dice.uniform(0.4, 0.72) if parted == 0.0 else 0.45,
            fold=max(dice.uniform(0.0, 0.22) + 0.14 * smile, 0.0),
        )

    def points(self) -> list[tuple[float, float]]:
        """(u, v): corner on the picture's right, on its left, top lip, bottom lip."""
        return [
            (self.u + self.half, self.corner + self.slant),
            (self.u - self.half, self.corner - self.slant),
            (self.u, self.top),
            (self.u, self.bottom),
        ]

    def _edges(self, u: Floats, v: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        along = (u - self.u) * (1.0 / self.half)
        squared = along * along
        arc = 1.0 - squared
        down = v - self.corner - self.slant * along
        dip = squared / (squared + 0.02)
        top = arc * (self.top - self.corner - self.bow * dip * arc)
        bottom = arc * (1.0 + 0.35 * squared) * (self.bottom - self.corner)
        return along, down, top, bottom

    def paint(self, canvas: Canvas, skin: float) -> None:
        """Paint the lips, and between them teeth and the dark."""
        window = canvas.pose.window(0.0, 1.08, 0.72, 0.42)
        along, down, top, bottom = self._edges(canvas.u[window], canvas.v[window])
        arc = np.maximum(1.0 - along * along, 0.0)
        inside = np.minimum(down - top, bottom - down)
        canvas.darken(window, 0.2 * blob(along, down - bottom - 0.07, 0.8, 0.07))
        lips = canvas.cover(np.where(arc > 0.0, inside, -1.0), 0.02)
        # The upper lip faces down, away from the light; the lower one gleams.
        height = bottom - top
        seam = top + self.upper_part * (height - self.parted * arc)
        tone = skin * self.lips * (0.86 + 0.18 * ramp((down - seam) * 12.0))
        canvas.lay(window, tone, lips)
        if self.parted > 0.0:
            gap = self.parted * arc * (0.55 + 0.45 * arc)
            depth = down - seam
            hole = canvas.cover(np.where(arc > 0.02, np.minimum(depth, gap - depth), -1.0))
            canvas.lay(window, 0.05, hole)
            biting = np.minimum(np.minimum(0.11, gap - 0.02) - depth, 0.95 - np.abs(along))
            row = (0.92 - 0.5 * along * along) * (0.75 + 0.25 * skin)
            canvas.lay(window, row, hole * canvas.cover(biting) * self.teeth)
        line = (down - seam) * (1.0 / 0.028)
        reach = ramp((1.1 - np.abs(along)) * 7.0) * (0.6 + 0.4 * arc)
        canvas.darken(window, self.seam * hump(line * line) * reach)
        corner = np.abs(along) - 1.0
        canvas.darken(window, 0.34 * blob(corner * self.half, down, 0.07, 0.05))

    def raise_lips(self, canvas: Canvas, relief: Floats) -> None:
        """Add the lips, the hollows around them and the chin to a relief, (96, 96)."""
        window = canvas.pose.window(0.0, 1.15, 0.75, 0.65)
        u, v = canvas.u[window], canvas.v[window]
        middle = 0.5 * (self.top + self.bottom)
        relief[window] += (
            0.09 * blob(u, v - middle, 0.62, 0.42)
            + 0.03 * blob(u, v - self.top - 0.06, 0.36, 0.09)
            + 0.04 * blob(u, v - self.bottom + 0.06, 0.33, 0.1)
            - 0.035 * blob(u, v - self.bottom - 0.1, 0.4, 0.13)
            + 0.075 * blob(u, v - self.bottom - 0.32, 0.42, 0.28)
        )

    def paint_folds(self, canvas: Canvas, nose_tip: float) -> None:
        """Darken the folds from the nose's wings past the mouth's corners."""
        window = canvas.pose.window(0.0, 0.9, 0.95, 0.5)
        out, v = np.abs(canvas.u[window]), canvas.v[window]
        start = nose_tip - 0.02
        along = (v - start) * (1.0 / (self.corner - start))
        line = out - 0.25 - (self.half - 0.10) * along * (1.35 - 0.35 * along)
        inside = np.maximum(along * (1.25 - along), 0.0) * 2.56
        canvas.darken(window, self.fold * hump(line * line * 230.0) * inside)


def paint_nostrils(canvas: Canvas, dice: Dice, nose_tip: float, width: float) -> None:
    """Darken the nostrils, the wings' edges and the shade under the nose."""
    window = canvas.pose.window(0.0, nose_tip + 0.1, 0.6, 0.4)
    out, v = np.abs(canvas.u[window]), canvas.v[window]
    down = v - nose_tip
    place = 0.4 * width
    canvas.darken(window, dice.uniform(0.1, 0.34) * blob(out, down - 0.16, width, 0.08))
    canvas.darken(
        window,
        dice.uniform(0.5, 0.85)
        * blob(out - place, down - 0.115 + 0.35 * (out - place), 0.075, 0.045),
    )
    wing = blob(out - 0.86 * width, down - 0.06, 0.07, 0.13)
    canvas.darken(window, dice.uniform(0.08, 0.34) * wing)


def raise_nose(canvas: Canvas, relief: Floats, form: Form) -> None:
    """Add the nose and its wings to a relief, (96, 96)."""
    window = canvas.pose.window(0.0, 0.3, 0.5, 0.72)
    u, v = canvas.u[window], canvas.v[window]
    wings = blob(np.abs(u) - 0.62 * form.nose_tip_width, v - form.nose_tip - 0.04, 0.11, 0.13)
    relief[window] += form.nose(u, v) + 0.09 * wings


@dataclass
class Beard:
    """Beard, moustache or their shadow.

    Attributes
    ----------
    cheeks, lip, chin : float
        How dense the hair is there, 0 to 1.
    hair, coarse : float
        Its brightness, and how strongly single strands show.
    lip_reach, droop : float
        Length of the moustache in widths of the mouth, and how far its ends hang down.
    """

    cheeks: float
    lip: float
    chin: float
    hair: float
    coarse: float
    lip_reach: float
    droop: float

    @classmethod
    def thrown(cls, dice: Dice, hair: float) -> Beard:
        """A random beard."""
        kind = dice.uniform(0.0, 1.0)
        full, shadow = dice.uniform(0.55, 0.97), dice.uniform(0.08, 0.3)
        cheeks = lip = chin = 0.0
        if kind < 0.3:
            cheeks, lip, chin = shadow, shadow, shadow
        elif kind < 0.43:
            cheeks, lip, chin = full, full, full
        elif kind < 0.57:
            lip = full
            cheeks = chin = 0.4 * shadow
        elif kind < 0.65:
            lip, chin, cheeks = full, full, shadow
        return cls(
            cheeks=cheeks,
            lip=lip,
            chin=chin,
            hair=hair * dice.uniform(0.7, 1.1),
            coarse=dice.uniform(0.04, 0.16),
            lip_reach=dice.uniform(0.6, 1.15),
            droop=dice.uniform(0.02, 0.12),
        )

    def paint(
        self,
        canvas: Canvas,
        dice: Dice,
        mouth: Mouth,
        nose_tip: float,
        skin: Floats,
        clouds: Floats,
    ) -> None:
        """Paint it, but not over the mouth: so call this before the mouth's `paint`."""
        if self.cheeks + self.lip + self.chin == 0.0:
            return
        window = canvas.pose.window(0.0, 1.15, 1.4, 0.85)
        u, v, rough = canvas.u[window], canvas.v[window], clouds[window]
        out = np.abs(u)
        # The hair points away from the mouth's upper middle.
        strands = stripes(dice, u * (34.0 - 12.0 * v) + 1.5 * rough)
        jaw = np.maximum(v - 1.2 + 0.62 * out * out, out - 0.94)
        jaw = canvas.cover(jaw + 0.05 * rough, 0.26) * ramp((v - 0.34) * 4.0)
        base = nose_tip + 0.18
        reach = mouth.half * self.lip_reach
        across = out * (1.0 / reach)
        across = np.minimum(across * across, 1.2)
        high = 0.5 * (mouth.top - base) + 0.05
        droop = v - 0.5 * (mouth.top + base) - self.droop * across - 0.03
        lip = np.minimum(high * (1.0 - 0.55 * across) - np.abs(droop), 1.15 * reach - out)
        lip = canvas.cover(lip + 0.025 * strands + 0.02 * rough, 0.06)
        chin = np.minimum(v - mouth.bottom - 0.03, 0.3 - out + 0.12 * v)
        chin = canvas.cover(chin + 0.03 * rough, 0.16)
        share = np.maximum(np.maximum(self.cheeks * jaw, self.lip * lip), self.chin * chin)
        share = share * skin[window] * (1.0 + self.coarse * strands)
        canvas.lay(window, self.hair, np.minimum(share, 1.0))
