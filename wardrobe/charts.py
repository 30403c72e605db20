"""What a point of bare skin is: its CIHP label, and its DensePose part and coordinates.

Everything is a smooth function of the point's anatomy and is evaluated per pixel, so that seams are straight. Part
numbers follow DensePose's published list; U and V are this renderer's own charts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..data.classes import CLASS_IDS
from .anatomy import ANKLE, ELBOW, HIP, KNEE, SHOULDER, WRIST, Anatomy, angle_around

LIMB_SHARE = 0.5
"""From this share of a limb's bones on, a point belongs to the limb."""

JAW = 0.608
"""Height of the jaw line at the chin, metres; it rises towards the ears."""

_TORSO_BACK, _TORSO_FRONT = 1, 2
_HANDS, _FEET, _HEADS = (4, 3), (5, 6), (24, 23)
_UPPER_LEG, _LOWER_LEG = ((10, 9), (8, 7)), ((14, 13), (12, 11))
_UPPER_ARM, _LOWER_ARM = ((15, 16), (17, 18)), ((19, 20), (21, 22))
"""Part numbers as (left, right), for limbs in front and then behind."""


def skin_labels(anatomy: Anatomy) -> npt.NDArray[np.uint8]:
    """Return the CIHP label of bare skin, `[n]`."""
    left = anatomy.x > 0
    labels = np.full(len(anatomy), CLASS_IDS["torso_skin"], np.uint8)
    labels[anatomy.z > jaw_line(anatomy)] = CLASS_IDS["face"]
    for share, names in ((anatomy.leg, ("left_leg", "right_leg")), (anatomy.arm, ("left_arm", "right_arm"))):
        limb = share > LIMB_SHARE
        labels[limb & left] = CLASS_IDS[names[0]]
        labels[limb & ~left] = CLASS_IDS[names[1]]
    return labels


def jaw_line(anatomy: Anatomy) -> npt.NDArray[np.float32]:
    """Return the height above which skin is the head's, `[n]`, metres."""
    line: npt.NDArray[np.float32] = JAW + 0.35 * np.clip(anatomy.y + 0.12, 0, 0.12) + 0.1 * np.abs(anatomy.x)
    return line


def body_map(anatomy: Anatomy) -> npt.NDArray[np.uint8]:
    """Return DensePose part, U and V of points of the body, `[n, 3]`."""
    count = len(anatomy)
    side = (anatomy.x <= 0).astype(np.int64)  # 0 left, 1 right
    part = np.zeros(count, np.uint8)
    chart = np.zeros((count, 2), np.float32)

    def put(rows: npt.NDArray[np.bool_], numbers: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> None:
        part[rows] = np.broadcast_to(np.asarray(numbers, np.uint8), (count,))[rows]
        chart[rows, 0] = np.broadcast_to(np.asarray(u, np.float32), (count,))[rows]
        chart[rows, 1] = np.broadcast_to(np.asarray(v, np.float32), (count,))[rows]

    back = anatomy.y > 0.0
    everywhere = np.ones(count, bool)
    torso = np.where(back, _TORSO_BACK, _TORSO_FRONT)
    put(everywhere, torso, (anatomy.x + 0.2) / 0.4, (anatomy.z + 0.1) / 0.72)
    head = anatomy.z > jaw_line(anatomy)
    put(head, np.asarray(_HEADS)[side], (anatomy.y + 0.17) / 0.27, (anatomy.z - 0.6) / 0.22)

    limbs = (
        (anatomy.leg, anatomy.leg_along, (HIP, KNEE, ANKLE), (_UPPER_LEG, _LOWER_LEG)),
        (anatomy.arm, anatomy.arm_along, (SHOULDER, ELBOW, WRIST), (_UPPER_ARM, _LOWER_ARM)),
    )
    for share, reach, joints, parts in limbs:
        for half in (0, 1):
            rows = (share > LIMB_SHARE) & ((reach < 1) if half == 0 else (reach >= 1))
            angle = angle_around(anatomy, joints[half], joints[half + 1])
            numbers = np.asarray(parts[half])[(np.abs(angle) > np.pi / 2).astype(np.int64), side]
            put(rows, numbers, np.mod(angle / np.pi + 0.5, 1.0), (reach - half + 0.2) / 1.4)
    put(anatomy.hand > LIMB_SHARE, np.asarray(_HANDS)[side], (anatomy.y + 0.33) / 0.2, (anatomy.z + 0.05) / 0.25)
    put(anatomy.foot > LIMB_SHARE, np.asarray(_FEET)[side], (np.abs(anatomy.x) - 0.1) / 0.14, (anatomy.y + 0.25) / 0.33)
    values = np.clip(chart, 0, 1) * 255 + 0.5
    return np.concatenate([part[:, None], values.astype(np.uint8)], axis=1)
