"""Surfaces that hang on the head rather than on the skin: hair, hats. They are turned around the head's axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .anatomy import COLUMNS, Anatomy
from .body import Figure, body_model
from .mesh import FloatArray, IndexArray, triangles

CENTRE = np.array([0.0, -0.025, 0.70])
"""Of the head's ellipsoid on the neutral body, metres."""

RADII = np.array([0.078, 0.117, 0.107])
"""Half width, half depth and half height of the head, metres."""

SEGMENTS = 72


@dataclass(frozen=True)
class Turned:
    """A surface around the head's axis, on the neutral body.

    Parameters
    ----------
    points
        `[V, 3]`, metres.
    faces
        `[F, 3]`.
    angle
        Angle around the axis, `[V]`, radians: 0 in front, + to the wearer's left.
    step
        Which ring of the profile, 0 at the first to 1 at the last, `[V]`.
    """

    points: FloatArray
    faces: IndexArray
    angle: npt.NDArray[np.float64]
    step: npt.NDArray[np.float64]

    @property
    def anatomy(self) -> Anatomy:
        """Return the anatomy of the vertices: of the head, off every limb."""
        values = np.zeros((len(self.points), len(COLUMNS)), np.float32)
        values[:, :3] = self.points
        values[:, COLUMNS.index("head")] = 1
        return Anatomy(values)


def turn(profile: FloatArray) -> Turned:
    """Turn a profile around the head.

    Parameters
    ----------
    profile
        `[rings, 2]`: radius, in units of the head's radii, and height in metres.
    """
    rings = len(profile)
    angle = np.linspace(-np.pi, np.pi, SEGMENTS, endpoint=False)
    phi, ring = np.tile(angle, rings), np.repeat(np.arange(rings), SEGMENTS)
    radius = profile[ring, 0]
    points = np.stack(
        [
            CENTRE[0] + RADII[0] * radius * np.sin(phi),
            CENTRE[1] - RADII[1] * radius * np.cos(phi),
            profile[ring, 1],
        ],
        axis=1,
    )
    first = np.arange(SEGMENTS)
    second = (first + 1) % SEGMENTS
    quads = [
        np.stack([first, second, second + SEGMENTS, first + SEGMENTS], axis=1) + k * SEGMENTS for k in range(rings - 1)
    ]
    return Turned(points, triangles(np.concatenate(quads)), phi, ring / max(rings - 1, 1))


def dome(volume: float, rings: int = 12, lift: float = 0.0) -> FloatArray:
    """Return the profile of the skull from crown to ears, `volume` metres off it."""
    polar = np.linspace(0.02, np.pi / 2, rings)
    grown = 1 + volume / RADII.mean()
    return np.stack([np.sin(polar) * grown, CENTRE[2] + (RADII[2] + volume + lift) * np.cos(polar)], axis=1)


def on_head(figure: Figure, points: FloatArray, *, stiff: bool = True) -> FloatArray:
    """Fit points of the neutral head to a person's head and pose them.

    Parameters
    ----------
    figure
        The person.
    points
        `[V, 3]`, metres, on the neutral body.
    stiff
        Whether everything turns with the head; otherwise what lies below the jaw follows the upper back.
    """
    model = body_model()
    head = _head_vertices()
    low, high = model.neutral[head].min(axis=0), model.neutral[head].max(axis=0)
    own_low, own_high = figure.rest[head].min(axis=0), figure.rest[head].max(axis=0)
    rest = own_low + (points - low) / (high - low) * (own_high - own_low)
    weights = np.zeros((len(points), len(model.bones)), np.float32)
    follows = np.ones(len(points)) if stiff else np.clip((points[:, 2] - 0.5) / 0.12, 0, 1)
    weights[:, model.bones.index("head")] = follows
    weights[:, model.bones.index("spine01")] = 1 - follows
    return figure.pose(rest, weights)


def _head_vertices() -> npt.NDArray[np.bool_]:
    anatomy = body_model().anatomy
    used = np.zeros(len(anatomy), bool)
    used[body_model().quads["body"].ravel()] = True
    found: npt.NDArray[np.bool_] = used & (anatomy.head > 0.6) & (anatomy.z > 0.62)
    return found
