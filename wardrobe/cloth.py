"""Cloth coordinates: where on a flat piece of fabric a point of a garment lies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .anatomy import ANKLE, ELBOW, HIP, KNEE, SHOULDER, WRIST, Anatomy, angle_around
from .cutting import ARM_LENGTH, LEG_LENGTH, SLEEVE_SHARE
from .fabric import Fabric
from .layer import Paint, Surface

FRONT, BACK, LEFT, RIGHT = 0, 1, 2, 3
"""Panels."""

_TORSO, _ARM, _LEG, _SKIRT = 0.155, 0.055, 0.085, 0.19
"""Radii that turn angles into metres of cloth."""

Trim = Callable[[Surface, npt.NDArray[np.float32], npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Surface, cloth coordinates and albedo to albedo: seams, plackets, collars."""


def cloth_coordinates(
    anatomy: Anatomy, *, trousers: bool = False, skirt: bool = False
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Return cloth coordinates and panels.

    Parameters
    ----------
    anatomy
        Points of a garment.
    trousers
        Whether its lower part wraps around each leg.
    skirt
        Whether it wraps around both legs.

    Returns
    -------
    tuple
        `[n, 2]`, metres: s around the body (0 centre front, + to the wearer's left), t up; and `[n]`: 0 front,
        1 back, 2 and 3 the left and right sleeve or leg.
    """
    around = np.arctan2(anatomy.x, -(anatomy.y - 0.0))
    s = around * (_SKIRT if skirt else _TORSO)
    t = anatomy.z.copy()
    panel = np.where(np.abs(around) > np.pi / 2, BACK, FRONT).astype(np.uint8)
    side = np.where(anatomy.x > 0, LEFT, RIGHT).astype(np.uint8)
    sleeve = anatomy.arm > SLEEVE_SHARE
    if sleeve.any():
        reach = anatomy.arm_along
        angle = np.where(reach < 1, angle_around(anatomy, SHOULDER, ELBOW), angle_around(anatomy, ELBOW, WRIST))
        s = np.where(sleeve, angle * _ARM, s)
        t = np.where(sleeve, 0.4 - reach * ARM_LENGTH, t)
        panel = np.where(sleeve, side, panel)
    if trousers:
        leg = anatomy.z < -0.03
        reach = anatomy.leg_along
        angle = np.where(reach < 1, angle_around(anatomy, HIP, KNEE), angle_around(anatomy, KNEE, ANKLE))
        s = np.where(leg, angle * _LEG + np.where(anatomy.x > 0, 0.1, -0.1), s)
        t = np.where(leg, -reach * LEG_LENGTH, t)
        panel = np.where(leg, side, panel)
    return np.stack([s, t], axis=1).astype(np.float32), panel


def painted(fabric: Fabric, *, trousers: bool = False, skirt: bool = False, trims: tuple[Trim, ...] = ()) -> Paint:
    """Return the paint of a garment of this fabric, with trims."""

    def paint(surface: Surface) -> npt.NDArray[np.float32]:
        cloth, panel = cloth_coordinates(surface.anatomy, trousers=trousers, skirt=skirt)
        colour = fabric(cloth, panel)
        for trim in trims:
            colour = trim(surface, cloth, colour)
        return colour

    return paint


def hem_line(width: float, strength: float = 0.82) -> Trim:
    """Darken a line along every cut: the seam of a hem."""

    def trim(
        surface: Surface, cloth: npt.NDArray[np.float32], colour: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        line = np.abs(surface.margin - width) < 0.0025
        return np.where(line[:, None], colour * strength, colour)

    return trim


def ribbing(width: float, tint: npt.NDArray[np.float32]) -> Trim:
    """Give every cut a border in another colour: the rib of a neck or a cuff."""

    def trim(
        surface: Surface, cloth: npt.NDArray[np.float32], colour: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        return np.where((surface.margin < width)[:, None], tint, colour).astype(np.float32)

    return trim


def placket(top: float, bottom: float, button: npt.NDArray[np.float32], spacing: float = 0.085) -> Trim:
    """Draw a button strip down the centre front, from `top` to `bottom`, metres."""

    def trim(
        surface: Surface, cloth: npt.NDArray[np.float32], colour: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        front = (surface.anatomy.y < 0) & (cloth[:, 1] < top) & (cloth[:, 1] > bottom)
        x = surface.anatomy.x
        line = front & (np.abs(np.abs(x) - 0.016) < 0.002)
        colour = np.where(line[:, None], colour * 0.72, colour)
        phase = np.mod(cloth[:, 1], spacing) - spacing / 2
        dot = front & (np.hypot(x, phase) < 0.0065)
        return np.where(dot[:, None], button, colour).astype(np.float32)

    return trim


def pocket(x: float, z: float, width: float, height: float) -> Trim:
    """Outline a patch pocket in front, on the wearer's side that the sign of x names."""

    def trim(
        surface: Surface, cloth: npt.NDArray[np.float32], colour: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        a = surface.anatomy
        inside = np.minimum(width / 2 - np.abs(a.x - x), height / 2 - np.abs(a.z - z))
        line = (a.y < 0) & (a.arm < SLEEVE_SHARE) & (np.abs(inside) < 0.0025)
        return np.where(line[:, None], colour * 0.75, colour).astype(np.float32)

    return trim
