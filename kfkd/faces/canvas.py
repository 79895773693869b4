"""What the parts of a face are painted on: the stuff's brightness at each pixel."""

from __future__ import annotations

import numpy as np

from kfkd.faces.pose import Pose
from kfkd.faces.shapes import SIDE, Floats

Window = tuple[slice, slice]


class Canvas:
    """Brightness of the stuff (before light falls on it) and the face's places.

    Attributes
    ----------
    pose : Pose
    across, down : float64 array, (96, 96)
        Each pixel's place in the plane of the eyes, for what is not on the face.
    u, v : float64 array, (96, 96)
        Each pixel's place on the face.
    stuff : float64 array, (96, 96)
        Share of the light that is thrown back.
    """

    def __init__(self, pose: Pose) -> None:
        self.pose = pose
        self.across, self.down = pose.plane()
        self.u, self.v = pose.face(self.across, self.down)
        self.stuff = np.zeros((SIDE, SIDE))

    def cover(self, distance: Floats, softness: float = 0.0) -> Floats:
        """How much of each pixel a shape covers.

        Parameters
        ----------
        distance : float64 array
            How far the pixel's middle is inside the shape's edge (below 0: outside), in
            distances between the eyes.
        softness : float
            Width of a blurred edge, in the same unit; at least a pixel's width is used.

        Returns
        -------
        float64 array
            From 0 to 1.
        """
        width = 1.1 / self.pose.scale + softness
        return (distance * (1.0 / width) + 0.5).clip(0.0, 1.0)

    def lay(self, window: Window, value: Floats | float, share: Floats) -> None:
        """Lay `value` over the window, `share` of it opaque."""
        stuff = self.stuff[window]
        stuff += (value - stuff) * share

    def darken(self, window: Window, share: Floats) -> None:
        """Take `share` of the brightness away."""
        self.stuff[window] *= 1.0 - share
