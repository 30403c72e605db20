"""Cuts: hems, sleeves, necklines and openings, as signed distances on the neutral body (positive: cloth)."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .layer import Cut, Distance

NECK_HEIGHT = 0.545
"""Where a crew neck sits at the sides of the neck, metres."""

ARM_LENGTH, LEG_LENGTH = 0.26, 0.39
"""Of half a limb, metres: turns limb parameters into distances."""

SLEEVE_SHARE = 0.4
"""From this share of arm bones on, cloth is sleeve."""


def above(height: float) -> Cut:
    """Keep what is higher than a height."""
    return lambda a: a.z - height


def below(height: float) -> Cut:
    """Keep what is lower than a height."""
    return lambda a: height - a.z


def sleeves(length: float) -> Cut:
    """Keep the torso, and arms up to `length` (1 elbow, 2 wrist)."""

    def cut(a: Anatomy) -> Distance:
        return np.where(a.arm > SLEEVE_SHARE, (length - a.arm_along) * ARM_LENGTH, 1.0).astype(np.float32)

    return cut


def armholes(half_width: float) -> Cut:
    """Keep the torso without sleeves; above the armpits no wider than `half_width`."""

    def cut(a: Anatomy) -> Distance:
        high = np.clip((a.z - 0.36) / 0.08, 0, 1)
        straps = half_width - np.abs(a.x) + 0.12 * (1 - high)
        return np.minimum((0.45 - a.arm) * 0.1, straps).astype(np.float32)

    return cut


def straps(inner: float, width: float, top: float) -> Cut:
    """Keep the torso under `top`, and thin straps above it."""

    def cut(a: Anatomy) -> Distance:
        strap = width / 2 - np.abs(np.abs(a.x) - inner - 0.12 * np.clip(a.z - top, 0, 1))
        bodice = np.minimum(top - 0.25 * np.abs(a.x) - a.z, (0.45 - a.arm) * 0.1)
        return np.maximum(bodice, np.where((a.arm < 0.6) & (a.z > top - 0.05), strap, -1.0)).astype(np.float32)

    return cut


def legs(length: float) -> Cut:
    """Keep the hips, and legs up to `length` (1 knee, 2 ankle)."""

    def cut(a: Anatomy) -> Distance:
        return np.where(a.z < 0.02, (length - a.leg_along) * LEG_LENGTH, 1.0).astype(np.float32)

    return cut


def crew_neck(half_width: float, depth: float, back: float = 0.025) -> Cut:
    """Keep what is outside an ellipse around the neck, deeper in front than behind."""

    def cut(a: Anatomy) -> Distance:
        deep = np.where(a.y < 0, depth, back)
        fall = np.maximum(NECK_HEIGHT - a.z, 0) / deep
        radius = np.sqrt((a.x / half_width) ** 2 + fall**2)
        return ((radius - 1) * np.minimum(half_width, deep) - 5 * np.maximum(a.z - NECK_HEIGHT, 0)).astype(np.float32)

    return cut


def v_neck(half_width: float, depth: float) -> Cut:
    """Keep what is outside a V in front."""

    def cut(a: Anatomy) -> Distance:
        edge = NECK_HEIGHT - depth + np.abs(a.x) / half_width * depth
        front = (edge - a.z) * half_width / depth
        behind = NECK_HEIGHT - 0.01 + 0.1 * np.abs(a.x) - a.z
        return np.where(a.y < 0.0, np.maximum(front, np.abs(a.x) - half_width), behind).astype(np.float32)

    return cut


def high_neck(height: float) -> Cut:
    """Keep the neck up to a height: turtlenecks and collars."""
    return lambda a: (height + 0.25 * (a.y + 0.03) - a.z).astype(np.float32)


def open_front(half_gap: float, spread: float) -> Cut:
    """Keep everything but a strip down the front, wider towards the hem."""

    def cut(a: Anatomy) -> Distance:
        gap = half_gap + spread * np.clip(0.35 - a.z, 0, 1) + 0.25 * np.clip(a.z - 0.42, 0, 1)
        return np.where((a.y < 0) & (a.arm < SLEEVE_SHARE), np.abs(a.x) - gap, 1.0).astype(np.float32)

    return cut


def not_hands(a: Anatomy) -> Distance:
    """Keep everything but hands and head."""
    return np.minimum(0.5 - a.hand, 0.7 - a.head).astype(np.float32)


def both(*cuts: Cut) -> Cut:
    """Keep what all cuts keep."""
    return lambda a: np.minimum.reduce([cut(a) for cut in cuts])
