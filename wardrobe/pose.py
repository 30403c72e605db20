"""Poses of people who are photographed in clothes, and rare ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import ELBOW, SHOULDER
from .mesh import FloatArray


@dataclass(frozen=True)
class _Arm:
    """Ranges in degrees: how far an arm is lowered from the A-pose, swung forward, bent and turned at the elbow."""

    lower: tuple[float, float]
    swing: tuple[float, float]
    bend: tuple[float, float]
    inward: tuple[float, float] = (-0.1, 0.4)


_ARMS = {
    "hanging": _Arm((24, 38), (-14, 10), (0, 22)),
    "relaxed": _Arm((14, 32), (-20, 14), (8, 45)),
    "forearm up": _Arm((20, 36), (-10, 5), (60, 110), (-0.2, 0.9)),
    "on hip": _Arm((8, 18), (8, 22), (70, 95), (1.2, 1.9)),
    "away": _Arm((-12, 10), (-20, 15), (0, 60)),
    "raised": _Arm((-75, -35), (-20, 10), (10, 90)),
}
_USUAL = (0.42, 0.28, 0.12, 0.08, 0.08, 0.02)
_RARE = (0.05, 0.1, 0.2, 0.25, 0.2, 0.2)


def rotation(axis: tuple[float, ...], degrees: float) -> FloatArray:
    """Return the matrix `[3, 3]` that turns about an axis (Rodrigues)."""
    unit = np.asarray(axis, float)
    unit = unit / np.linalg.norm(unit)
    cross = np.array([[0, -unit[2], unit[1]], [unit[2], 0, -unit[0]], [-unit[1], unit[0], 0]])
    angle = np.radians(degrees)
    matrix: FloatArray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return matrix


def sample_pose(rng: np.random.Generator, *, rare: bool = False, from_behind: float = 0.05) -> dict[str, FloatArray]:
    """Draw a standing pose.

    Parameters
    ----------
    rng
        Source of randomness.
    rare
        Poses that are rare in catalogues: raised or folded arms, wide steps, strong turns.
    from_behind
        Share of other poses that are seen from behind.

    Returns
    -------
    dict
        Rotation matrices by bone.
    """

    def within(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    turn = within(-22, 22)
    if rare:
        turn = within(30, 60) * rng.choice([-1, 1]) if rng.random() < 0.6 else within(-30, 30)
    elif rng.random() < from_behind:
        turn = 180 + within(-25, 25)
    lean = 10 if rare else 4
    pose = {
        "root": rotation((0, 0, 1), turn),
        "spine03": rotation((1, 0, 0), within(-lean, lean)) @ rotation((0, 1, 0), within(-1.5 * lean, 1.5 * lean)),
        "spine01": rotation((0, 0, 1), within(-2 * lean, 2 * lean)),
        "neck02": rotation((0, 0, 1), within(-16, 16)),
        "head": rotation((1, 0, 0), within(-7, 7)) @ rotation((0, 1, 0), within(-6, 6)),
    }
    names = list(_ARMS)
    shared = rng.choice(len(names), p=_RARE if rare else _USUAL)
    for side, sign in (("L", 1), ("R", -1)):
        kind = shared if rng.random() < 0.5 else rng.choice(len(names), p=_RARE if rare else _USUAL)
        arm = _ARMS[names[kind]]
        pose[f"clavicle.{side}"] = rotation((0, 1, 0), sign * within(0, 4))
        bone = tuple((ELBOW - SHOULDER) * [sign, 1, 1])
        pose[f"upperarm01.{side}"] = (
            rotation((1, 0, 0), within(*arm.swing))
            @ rotation((0, 1, 0), sign * within(*arm.lower))
            @ rotation(bone, sign * within(0, 28))  # forearms turn inwards, as relaxed arms do
        )
        pose[f"lowerarm01.{side}"] = rotation((1, 0, sign * within(*arm.inward)), -within(*arm.bend))
        pose[f"wrist.{side}"] = rotation((1, 0, 0), within(-12, 12))
        stride, spread = (30, 16) if rare else (9, 9)
        pose[f"upperleg01.{side}"] = rotation((1, 0, 0), within(-stride, 0.6 * stride)) @ rotation(
            (0, 1, 0), sign * within(0, spread)
        )
        pose[f"lowerleg01.{side}"] = rotation((1, 0, 0), within(0, 1.6 * stride))
        curl = within(0, 14)
        for finger in range(1, 6):
            for joint in (1, 2):
                pose[f"finger{finger}-{joint}.{side}"] = rotation((1, 0, sign * 0.2), curl + within(0, 5))
    return pose
