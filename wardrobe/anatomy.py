"""Where a point of the body is: neutral position and limb parameters, per vertex or per pixel.

Every vertex of every layer carries these numbers of the *neutral* body. Hems, labels, charts and textures are
functions of them, so a garment moves exactly to any body in any pose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]

COLUMNS = ("x", "y", "z", "arm", "arm_along", "leg", "leg_along", "head", "hand", "foot")

SHOULDER = np.array([0.162, -0.017, 0.467])
ELBOW = np.array([0.329, -0.021, 0.279])
WRIST = np.array([0.446, -0.179, 0.164])
HIP = np.array([0.102, -0.008, 0.039])
KNEE = np.array([0.135, -0.040, -0.350])
ANKLE = np.array([0.177, -0.004, -0.749])
"""Joints of the neutral body's left side, in metres; x to its left, y to its back, z up."""


@dataclass(frozen=True)
class Anatomy:
    """Points of the neutral body.

    Parameters
    ----------
    values
        `[n, 10]`, float32, columns as in `COLUMNS`: position in metres (x to the person's left, y to the back, z up,
        0 near the crotch); shares of arm, leg, head, hand and foot in [0, 1]; how far along the arm (0 shoulder,
        1 elbow, 2 wrist) and the leg (0 hip, 1 knee, 2 ankle).
    """

    values: Values

    def __getattr__(self, name: str) -> Values:
        """Return one column `[n]`."""
        try:
            column: Values = self.values[:, COLUMNS.index(name)]
        except ValueError:
            raise AttributeError(name) from None
        return column

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Anatomy:
        """Return some of the points."""
        return Anatomy(self.values[rows])


def along(points: npt.NDArray[np.float64], joints: tuple[npt.NDArray[np.float64], ...]) -> npt.NDArray[np.float64]:
    """Return how far along a chain of joints each point lies: k at joint k, beyond the ends extrapolated.

    Parameters
    ----------
    points
        `[n, 3]`; either side, since x is taken as positive.
    joints
        Joints of the left side.
    """
    points = points * [1, 1, 1]
    points[:, 0] = np.abs(points[:, 0])
    nearest = np.full(len(points), np.inf)
    found = np.zeros(len(points))
    last = len(joints) - 2
    for k in range(last + 1):
        start, bone = joints[k], joints[k + 1] - joints[k]
        share = (points - start) @ bone / (bone @ bone)
        share = np.clip(share, -9 if k == 0 else 0, 9 if k == last else 1)
        distance = np.linalg.norm(points - start - share[:, None] * bone, axis=1)
        closer = distance < nearest
        found[closer] = k + share[closer]
        nearest[closer] = distance[closer]
    return found


def angle_around(
    anatomy: Anatomy, start: npt.NDArray[np.float64], end: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Return the angle of points around a bone of their own side, in radians: 0 in front, ±π behind, + outwards."""
    bone = (end - start) / np.linalg.norm(end - start)
    ahead = np.array([0.0, -1.0, 0.0])
    front: npt.NDArray[np.float64] = ahead - float(ahead @ bone) * bone
    front = front / float(np.linalg.norm(front))
    outward = np.cross(bone, front)
    if outward[0] < 0:
        outward = -outward
    offset = np.stack([np.abs(anatomy.x), anatomy.y, anatomy.z], axis=1) - start.astype(np.float32)
    angle: npt.NDArray[np.float32] = np.arctan2(offset @ outward.astype(np.float32), offset @ front.astype(np.float32))
    return angle
