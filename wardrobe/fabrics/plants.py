"""Flowers and leaves as motifs."""

from __future__ import annotations

import numpy as np

from .outlines import MIRROR, Motif, blob, mirrored, polar, shape
from .palette import Floats


def flower(petals: int, width: float, inner: float = 0.24) -> Motif:
    """Return a flower seen from above: petals of a width, around a heart of a radius."""
    length = (1 - inner * 0.6) / 2
    shapes: Motif = []
    for turn in np.arange(petals) * 2 * np.pi / petals:
        x, y = (1 - length) * np.sin(turn), (1 - length) * np.cos(turn)
        shapes.append((0, blob(float(x), float(y), width, length, float(-turn), points=16)))
        x, y = 0.45 * np.sin(turn), 0.45 * np.cos(turn)
        shapes.append((2, blob(float(x), float(y), width * 0.22, 0.2, float(-turn), points=8)))
    return [*shapes, (1, blob(0, 0, inner, points=16))]


def rose() -> Motif:
    """Return a rose seen from above."""
    shapes: Motif = []
    for ring, (radius, ink) in enumerate([(1.0, 0), (0.78, 2), (0.66, 0), (0.46, 2), (0.36, 0), (0.16, 1)]):
        outline = polar(lambda a, r=radius, k=ring: r * (0.9 + 0.1 * np.abs(np.sin(2.5 * a + 1.3 * k))))  # type: ignore[misc]
        shapes.append((ink, outline))
    return shapes


def leaf(lobes: int = 0) -> Motif:
    """Return a pointed leaf, its edge waved by a number of lobes."""
    along = np.linspace(-1, 1, 25)
    width = 0.42 * (1 - along**2) ** 0.8 * (1 - 0.25 * along)
    if lobes:
        width *= 0.72 + 0.28 * np.cos(along * np.pi * lobes)
    right = np.stack([width, along], 1)
    outline = np.concatenate([right, right[::-1] * [-1, 1]]).astype(np.float32)
    vein = shape((0.03, -1), (0.02, 0.8), (-0.02, 0.8), (-0.03, -1))
    return [(0, outline), (2, vein)]


def sprig() -> Motif:
    """Return a sprig of small leaves."""
    shapes: Motif = [(0, shape((-0.04, -1), (0.04, -1), (0.02, 0.9), (-0.02, 0.9)))]
    for step, y in enumerate(np.linspace(-0.6, 0.75, 5)):
        size = 0.34 - 0.04 * step
        shapes += [(0, blob(sign * size * 0.8, float(y) + 0.1, 0.1, size, -sign * 0.9, points=14)) for sign in (-1, 1)]
    return [*shapes, (1, blob(0, 0.92, 0.1, points=10))]


def fern() -> Motif:
    """Return a fern."""
    shapes: Motif = [(0, shape((-0.03, -1), (0.03, -1), (0.01, 1), (-0.01, 1)))]
    for y in np.linspace(-0.7, 0.9, 11):
        size = 0.5 * (1.05 - y) ** 0.7
        for sign in (-1, 1):
            shapes.append(
                (0, shape((0, float(y) - 0.07), (sign * size, float(y) + 0.16), (sign * size * 0.4, float(y) + 0.14)))
            )
    return shapes


def tulip() -> Motif:
    """Return a tulip with two leaves."""
    cup = mirrored((0, 0.0), (0.36, 0.12), (0.48, 0.5), (0.42, 1), (0.2, 0.66), (0, 0.95))
    leaf = shape((0, -0.9), (0.5, -0.5), (0.6, 0.0), (0.15, -0.5))
    return [
        (1, shape((-0.04, -1), (0.04, -1), (0.04, 0.1), (-0.04, 0.1))),
        (1, leaf),
        (1, leaf * MIRROR),
        (0, cup),
        (2, mirrored((0, 0.1), (0.12, 0.4), (0, 0.7))),
    ]


def palm_leaf() -> Motif:
    """Return a fan of palm leaves."""
    shapes: Motif = []
    for turn in np.linspace(-1.7, 1.7, 9):
        x, y = 0.5 * np.sin(turn), 0.5 * np.cos(turn) - 0.2
        shapes.append((0, blob(float(x), float(y), 0.11, 0.52, float(-turn), points=14)))
    return [*shapes, (2, shape((-0.03, -1), (0.03, -1), (0.03, 0), (-0.03, 0)))]


def monstera() -> Motif:
    """Return a notched leaf."""

    def outline(a: Floats) -> Floats:
        notch = 0.42 * np.clip(np.sin(6.5 * a) - 0.55, 0, 1) * (np.abs(a - np.pi) < 2.4)
        return np.asarray(0.62 + 0.3 * np.cos(a - np.pi) ** 2 - notch - 0.3 * np.exp(-6 * np.minimum(a, 2 * np.pi - a)))

    return [(0, polar(outline, 120)), (2, shape((-0.02, -0.7), (0.02, -0.7), (0.02, 0.4), (-0.02, 0.4)))]
