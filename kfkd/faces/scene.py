"""One whole picture: a face, the light on it and the camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kfkd.faces.canvas import Canvas
from kfkd.faces.eyes import Brows, Eyes, Glasses, raise_brows
from kfkd.faces.head import EVERYWHERE, Hair, Head
from kfkd.faces.mouth import Beard, Mouth, paint_nostrils, raise_nose
from kfkd.faces.pose import Form, Pose
from kfkd.faces.shapes import Dice, Floats, blurred, fog, mix, slopes, unit

DECIMALS = 4
_PARTS = 10000.0


class Face:
    """A random face.

    Parameters
    ----------
    dice : Dice
        Fresh dice; `paint` uses them further.

    Attributes
    ----------
    keypoints : float64 array, (30,)
        x and y of each keypoint in pixels, in the order of `COLUMNS`, rounded to 4 decimals.
    """

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._form = Form.thrown(dice)
        self._eyes = Eyes.thrown(dice)
        self._mouth = Mouth.thrown(dice, self._form.nose_tip)
        self._head = Head.thrown(dice, self._mouth.bottom)
        self._hair = Hair.thrown(dice, self._head)
        self._brows = Brows.thrown(dice, min(self._hair.tone, 0.4))
        self._pose = Pose.thrown(dice, self._form)
        left, right = self._eyes.points(1), self._eyes.points(-1)
        places = [
            left[0], right[0], left[1], left[2], right[1], right[2],
            *self._brows.points(1), *self._brows.points(-1),
            (0.0, self._form.nose_tip), *self._mouth.points(),
        ]  # fmt: skip
        flat = np.array(places)
        points = self._pose.keep_inside(self._pose.project(flat[:, 0], flat[:, 1]), 1.5)
        self.keypoints = np.rint(points.ravel() * _PARTS) / _PARTS

    def paint(self) -> NDArray[np.uint8]:
        """Draw the picture; once only, as the dice are then used up.

        Returns
        -------
        uint8 array, (96, 96)
            Brightness, 255 is white.
        """
        dice, form, head, mouth = self._dice, self._form, self._head, self._mouth
        beard, glasses = Beard.thrown(dice, min(self._hair.tone, 0.5)), Glasses.thrown(dice)
        bearded = dice.chance(0.15 if self._hair.length > 0.7 else 0.65)
        spectacled = dice.chance(0.18)
        clouds = fog(dice, 9)

        canvas = Canvas(self._pose)
        canvas.stuff = _background(canvas, dice, clouds)
        head.paint_behind(canvas, dice, clouds)
        spread = head.spread(canvas.u, canvas.v)
        skin = canvas.cover((1.0 - spread) * 0.5, 0.02)
        mottled = head.skin * (1.0 + 0.05 * clouds + 0.03 * fog(dice, 33))
        canvas.lay(EVERYWHERE, mottled, skin)
        head.paint_forehead(canvas, dice)
        mouth.paint_folds(canvas, form.nose_tip)
        paint_nostrils(canvas, dice, form.nose_tip, form.nose_tip_width)
        if bearded:
            beard.paint(canvas, dice, mouth, form.nose_tip, skin, clouds)
        mouth.paint(canvas, head.skin)
        self._eyes.paint(canvas)
        self._brows.paint(canvas, dice)
        cover, across, down = self._hair.paint(canvas, dice, head, clouds)
        if spectacled:
            glasses.paint(canvas)

        relief = head.relief(canvas, spread)
        raise_nose(canvas, relief, form)
        raise_brows(canvas, relief, self._brows.inner[0][1])
        mouth.raise_lips(canvas, relief)
        lit, gleam = _light(canvas, dice, relief, across, down, skin, cover)
        return _photograph(canvas.stuff * lit + gleam, dice)


def _background(canvas: Canvas, dice: Dice, clouds: Floats) -> Floats:
    tone = dice.uniform(0.01, 0.12)
    if dice.chance(0.25):
        tone = dice.uniform(0.1, 0.25)
    slope, side = dice.normal(0.0, 0.03), dice.normal(0.0, 0.03)
    cloudy = dice.uniform(0.0, 0.2) * dice.uniform(0.0, 1.0)
    wall = tone + slope * canvas.down + side * canvas.across
    wall += cloudy * clouds[::-1]
    return np.maximum(wall, 0.0)


def _light(
    canvas: Canvas,
    dice: Dice,
    relief: Floats,
    across: Floats,
    down: Floats,
    skin: Floats,
    cover: Floats,
) -> tuple[Floats, Floats]:
    """How much light falls on each pixel, and the skin's gleam, each (96, 96)."""
    pose = canvas.pose
    turned = relief * pose.yaw[1] - canvas.u * pose.yaw[0] - canvas.v * pose.pitch[0]
    x, y, z = unit(dice.normal(0.0, 0.6), -dice.uniform(0.0, 0.9), dice.uniform(0.6, 1.2))
    soft = dice.uniform(0.3, 0.75)
    key = dice.uniform(0.95, 1.1) - soft
    oily = dice.uniform(0.0, 0.22) * dice.uniform(0.0, 1.0)

    slope_x, slope_y = slopes(turned * pose.scale)
    steep = 1.0 / np.sqrt(slope_x * slope_x + slope_y * slope_y + 1.0)
    facing = (z - slope_x * x - slope_y * y) * steep
    # Light also comes from around the lamp, so that no shadow has a hard edge.
    wrapped = np.maximum(facing + 0.25, 0.0) * 0.8
    on_skin = soft * (0.45 + 0.55 * steep) + key * 1.25 * wrapped

    mx, my, mz = unit(x, y, z + 1.0)
    mirror = np.maximum((mz - slope_x * mx - slope_y * my) * steep, 0.0)
    for _ in range(4):
        mirror = mirror * mirror
    gleam = mirror * oily * skin * (1.0 - cover)

    ahead = np.sqrt(np.maximum(1.0 - across * across - down * down, 0.0))
    sheen = np.maximum(x * across + y * down + z * ahead + 0.3, 0.0)
    on_hair = soft * (0.5 + 0.5 * ahead) + key * 1.3 * sheen
    aside = np.maximum(1.0 + 0.35 * x * canvas.across, 0.2)
    return mix(mix(aside, on_skin, skin), on_hair, cover), gleam


def _photograph(image: Floats, dice: Dice) -> NDArray[np.uint8]:
    """Exposure, blur, grain and rounding: (96, 96) brightnesses to uint8."""
    gain = dice.uniform(0.95, 1.25)
    black = dice.uniform(0.0, 0.06)
    image = image * gain
    # A film's shoulder: the brightest tones are squeezed together.
    image = image * (1.0 + 0.1 * image) / (1.0 + 0.35 * image * image) * (1.12 - black) + black
    weight = dice.uniform(0.0, 0.24)
    image = blurred(image, weight)
    if dice.chance(0.25):
        image = blurred(image, 0.22)
    image = image + dice.uniform(0.0, 0.05) * dice.uniform(0.1, 1.0) * dice.grain()
    return np.rint(image.clip(0.0, 1.0) * 255.0).astype(np.uint8)
