"""Outlines that motifs are put together from: polygons `[k, 2]` within -1 to 1, y up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .palette import Floats

Motif = list[tuple[int, Floats]]
"""Shapes drawn one over another, each an ink number and an outline."""

MIRROR = np.array([-1, 1], dtype=np.float32)
"""Times this, a shape is its mirror image."""


def blob(x: float, y: float, rx: float, ry: float | None = None, angle: float = 0.0, points: int = 28) -> Floats:
    """Return an ellipse turned to the left by an angle; few points make it a regular polygon."""
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False) + np.pi / 2
    oval = np.stack([rx * np.cos(turn), (rx if ry is None else ry) * np.sin(turn)], 1)
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(oval @ np.array([[c, s], [-s, c]]) + [x, y], dtype=np.float32)


def shape(*corners: tuple[float, float]) -> Floats:
    """Return the polygon through corners."""
    return np.array(corners, dtype=np.float32)


def mirrored(*corners: tuple[float, float]) -> Floats:
    """Return the right half given and its mirror image, as one polygon."""
    right = shape(*corners)
    return np.concatenate([right, right[::-1] * MIRROR])


def polar(radius: Callable[[Floats], Floats], points: int = 72) -> Floats:
    """Return the outline whose radius is a function of the angle, which runs clockwise from the top."""
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False, dtype=np.float32)
    return np.asarray(radius(turn)[:, None] * np.stack([np.sin(turn), np.cos(turn)], 1), dtype=np.float32)
