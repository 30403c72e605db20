"""Things, animals and signs as motifs."""

from __future__ import annotations

import numpy as np

from .outlines import MIRROR, Motif, blob, mirrored, polar, shape


def star(points: int, inner: float) -> Motif:
    """Return a star of so many points, whose notches lie at radius `inner`."""
    turn = np.arange(2 * points) * np.pi / points
    radius = np.where(np.arange(2 * points) % 2, inner, 1.0)
    return [(0, np.stack([radius * np.sin(turn), radius * np.cos(turn)], 1).astype(np.float32))]


def heart() -> Motif:
    """Return a heart."""
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    x = np.sin(turn) ** 3
    y = (13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)) / 16
    return [(0, np.stack([x, y], 1).astype(np.float32))]


def moon() -> Motif:
    """Return a crescent."""
    outer, inner = np.linspace(0.5, 2 * np.pi - 0.5, 30), np.linspace(2 * np.pi - 0.75, 0.75, 30)
    first = np.stack([np.cos(outer), np.sin(outer)], 1)
    second = np.stack([0.28 + 0.78 * np.cos(inner), 0.78 * np.sin(inner)], 1)
    return [(0, np.concatenate([first, second]).astype(np.float32))]


def cat() -> Motif:
    """Return a cat's head."""
    head = mirrored((0, 0.5), (0.3, 0.55), (0.7, 1), (0.82, 0.2), (0.75, -0.3), (0.4, -0.75), (0, -0.85))
    eyes: Motif = [(1, blob(s * 0.36, 0.05, 0.15, 0.19, points=14)) for s in (-1, 1)]
    pupils: Motif = [(2, blob(s * 0.36, 0.05, 0.06, 0.16, points=10)) for s in (-1, 1)]
    return [(0, head), *eyes, *pupils, (1, shape((-0.1, -0.25), (0.1, -0.25), (0, -0.4)))]


def bear() -> Motif:
    """Return a bear's head."""
    ears: Motif = [(0, blob(s * 0.62, 0.62, 0.32, points=16)) for s in (-1, 1)]
    inner: Motif = [(1, blob(s * 0.62, 0.62, 0.16, points=12)) for s in (-1, 1)]
    eyes: Motif = [(2, blob(s * 0.3, 0.18, 0.09, points=10)) for s in (-1, 1)]
    return [
        *ears,
        *inner,
        (0, blob(0, 0, 0.85, 0.8)),
        (1, blob(0, -0.3, 0.4, 0.34)),
        *eyes,
        (2, blob(0, -0.18, 0.13)),
    ]


def bird() -> Motif:
    """Return a flying bird."""
    body = shape((-1, 0.1), (-0.5, 0.3), (0, 0.15), (0.45, 0.45), (0.7, 0.42), (0.98, 0.28), (0.7, 0.22), (0.5, -0.2))
    body = np.concatenate([body, shape((0.1, -0.45), (-0.4, -0.25), (-0.95, -0.3), (-0.6, -0.05))])
    return [
        (0, body),
        (2, shape((-0.2, 0.05), (0.3, 0.1), (-0.1, 0.95), (-0.4, 0.7))),
        (1, blob(0.66, 0.32, 0.05, points=8)),
    ]


def anchor() -> Motif:
    """Return an anchor."""
    shank = shape((-0.09, -0.9), (0.09, -0.9), (0.09, 0.55), (-0.09, 0.55))
    arc = np.linspace(np.pi + 0.25, 2 * np.pi - 0.25, 24)
    outer = np.stack([0.85 * np.cos(arc), 0.95 * np.sin(arc)], 1)
    inner = np.stack([0.65 * np.cos(arc[::-1]), 0.72 * np.sin(arc[::-1])], 1)
    hook = shape((0.55, -0.35), (0.98, -0.42), (0.85, 0.08))
    ring = [(0, blob(0, 0.75, 0.25)), (1, blob(0, 0.75, 0.12))]
    bar = shape((-0.45, 0.3), (0.45, 0.3), (0.45, 0.45), (-0.45, 0.45))
    curve = np.concatenate([outer, inner]).astype(np.float32)
    return [*ring, (0, shank), (0, bar), (0, curve), (0, hook), (0, hook * MIRROR)]


def palm_tree() -> Motif:
    """Return a palm tree."""
    trunk = shape((-0.12, -1), (0.16, -1), (0.14, -0.3), (0.02, 0.35), (-0.08, 0.35), (0.02, -0.3))
    fronds: Motif = []
    for turn in (-1.9, -1.25, -0.5, 0.4, 1.15, 1.85):
        x, y = 0.42 * np.sin(turn), 0.35 + 0.36 * np.cos(turn)
        fronds.append((0, blob(float(x), float(y), 0.12, 0.46, float(-turn), points=14)))
    return [(1, trunk), *fronds]


def peaks() -> Motif:
    """Return two snowy peaks."""
    return [
        (0, shape((-1, -0.7), (-0.25, 0.75), (0.1, 0.05), (0.35, 0.45), (1, -0.7))),
        (1, shape((-0.25, 0.75), (-0.47, 0.32), (-0.3, 0.38), (-0.2, 0.2), (-0.02, 0.3))),
        (1, shape((0.35, 0.45), (0.2, 0.22), (0.36, 0.24), (0.55, 0.1))),
    ]


def gem() -> Motif:
    """Return a cut gem."""
    return [
        (0, mirrored((0, 0.6), (0.55, 0.6), (1, 0.15), (0, -0.9))),
        (1, mirrored((0, 0.6), (0.3, 0.15), (0, -0.9))),
        (2, shape((0.3, 0.15), (1, 0.15), (0.9, 0.05), (0.32, 0.05))),
    ]


def cherries() -> Motif:
    """Return a pair of cherries."""
    stems: Motif = [(1, shape((0.1, 0.95), (0.2, 0.9), (s * 0.5, -0.3), (s * 0.5 - 0.08, -0.3))) for s in (-1, 1)]
    fruit: Motif = [(0, blob(s * 0.52, -0.5, 0.42)) for s in (-1, 1)]
    shine: Motif = [(2, blob(s * 0.52 - 0.14, -0.36, 0.09, 0.13, points=10)) for s in (-1, 1)]
    return [*stems, *fruit, *shine, (1, blob(0.5, 0.8, 0.16, 0.4, -1.2, points=14))]


def fish() -> Motif:
    """Return a fish."""
    return [
        (0, blob(0.15, 0, 0.75, 0.42)),
        (0, shape((-0.45, 0), (-1, 0.45), (-0.85, 0), (-1, -0.45))),
        (1, blob(0.55, 0.1, 0.1, points=10)),
        (2, shape((0.1, 0.15), (-0.2, 0.3), (-0.25, -0.3), (0.1, -0.15), (-0.02, 0))),
    ]


def butterfly() -> Motif:
    """Return a butterfly."""
    upper = shape((0.04, 0.05), (0.3, 0.75), (0.85, 0.95), (0.98, 0.55), (0.7, 0.1))
    lower = shape((0.04, 0.0), (0.65, 0.02), (0.75, -0.45), (0.4, -0.85), (0.15, -0.5))
    shapes: Motif = []
    for side in (np.ones(2, dtype=np.float32), MIRROR):
        shapes += [(0, upper * side), (1, lower * side), (2, blob(0.62, 0.6, 0.16, points=12) * side)]
        shapes += [(0, blob(0.45, -0.4, 0.14, points=12) * side)]
    return [*shapes, (2, blob(0, 0, 0.07, 0.6, points=14))]


def mushroom() -> Motif:
    """Return a spotted mushroom."""
    cap = polar(lambda a: np.where(np.cos(a) > -0.1, 0.95, 0.3).astype(np.float32))
    spots: Motif = [
        (1, blob(x, y, r, points=12)) for x, y, r in ((-0.4, 0.35, 0.15), (0.1, 0.65, 0.14), (0.5, 0.25, 0.17))
    ]
    return [(1, mirrored((0, 0.1), (0.24, 0.05), (0.32, -0.95), (0, -0.98))), (0, cap), *spots]


def crown() -> Motif:
    """Return a crown."""
    gems: Motif = [(1, blob(x, -0.42, 0.1, points=10)) for x in (-0.5, 0.0, 0.5)]
    return [(0, mirrored((0, 0.75), (0.35, 0.0), (0.9, 0.6), (0.75, -0.7), (0, -0.7))), *gems]


def smile() -> Motif:
    """Return a smiling face."""
    arc = np.linspace(np.pi + 0.35, 2 * np.pi - 0.35, 20)
    outer = np.stack([0.62 * np.cos(arc), 0.62 * np.sin(arc)], 1)
    inner = np.stack([0.48 * np.cos(arc), 0.42 * np.sin(arc)], 1)
    mouth = np.concatenate([outer, inner[::-1]])
    eyes: Motif = [(1, blob(s * 0.32, 0.28, 0.1, 0.18, points=12)) for s in (-1, 1)]
    return [(0, blob(0, 0, 0.98, points=40)), *eyes, (1, mouth.astype(np.float32))]


def cactus() -> Motif:
    """Return a cactus in a pot."""
    arm = shape((0.15, -0.3), (0.62, -0.3), (0.62, 0.35), (0.42, 0.35), (0.42, -0.1), (0.15, -0.1))
    return [
        (0, mirrored((0, 1), (0.16, 0.95), (0.22, 0.8), (0.22, -0.7), (0, -0.7))),
        (0, arm),
        (0, arm * MIRROR + shape((0, 0.3))),
        (1, mirrored((0, -0.6), (0.42, -0.6), (0.3, -1), (0, -1))),
    ]


def lips() -> Motif:
    """Return lips."""
    return [
        (0, mirrored((0, 0.28), (0.3, 0.48), (1, 0.02), (0.45, -0.5), (0, -0.6))),
        (1, mirrored((0, 0.02), (0.3, 0.1), (0.85, 0.02), (0.3, -0.12), (0, -0.14))),
    ]


def rocket() -> Motif:
    """Return a rocket."""
    fin = shape((0.28, -0.2), (0.62, -0.65), (0.28, -0.5))
    return [
        (2, mirrored((0, -1), (0.18, -0.5), (0, -0.5))),
        (1, fin),
        (1, fin * MIRROR),
        (0, mirrored((0, 1), (0.24, 0.55), (0.3, 0.1), (0.26, -0.55), (0, -0.55))),
        (2, blob(0, 0.25, 0.14, points=14)),
    ]


def paw() -> Motif:
    """Return a paw."""
    toes = ((-0.68, 0.1, 0.2), (-0.25, 0.6, 0.23), (0.25, 0.6, 0.23), (0.68, 0.1, 0.2))
    return [(0, mirrored((0, 0.1), (0.35, -0.1), (0.6, -0.55), (0.4, -0.85), (0, -0.7))),
            *[(0, blob(x, y, r, r * 1.25, points=14)) for x, y, r in toes]]  # fmt: skip


def boat() -> Motif:
    """Return a sailing boat."""
    return [
        (0, shape((-0.95, -0.45), (0.95, -0.45), (0.6, -0.9), (-0.65, -0.9))),
        (1, shape((0.05, 0.95), (0.05, -0.3), (0.8, -0.3))),
        (2, shape((-0.05, 0.75), (-0.05, -0.3), (-0.7, -0.3))),
    ]


def sun() -> Motif:
    """Return a sun with rays."""
    rays = star(14, 0.68)[0]
    return [rays, (1, blob(0, 0, 0.58, points=32)), (0, blob(0, 0, 0.48, points=32))]


def eye() -> Motif:
    """Return an eye."""
    return [
        (0, mirrored((0, 0.55), (0.45, 0.4), (1, 0), (0.45, -0.4), (0, -0.5))),
        (1, blob(0, 0.02, 0.4)),
        (2, blob(0, 0.02, 0.2)),
        (0, blob(0.1, 0.14, 0.08, points=10)),
    ]


def planet() -> Motif:
    """Return a planet with its ring."""
    return [(0, blob(0, 0, 0.6)), (2, blob(-0.1, 0.2, 0.45, 0.14, 0.3)), (1, blob(0, 0, 1.0, 0.2, 0.35)),
            (0, blob(0, 0.06, 0.55, 0.3, 0.35))]  # fmt: skip


def clover() -> Motif:
    """Return a clover leaf."""
    lobes: Motif = [(0, blob(0.5 * np.sin(a), 0.2 + 0.5 * np.cos(a), 0.42)) for a in (0, 2.1, -2.1)]
    return [(0, shape((-0.06, 0), (0.06, 0), (0.2, -1), (0.04, -1))), *lobes]


def arrow() -> Motif:
    """Return an arrow."""
    return [(0, mirrored((0, 1), (0.7, 0.2), (0.26, 0.3), (0.26, -0.9), (0, -0.9)))]


def skull() -> Motif:
    """Return a skull."""
    eyes: Motif = [(1, blob(s * 0.33, 0.1, 0.23, 0.27, points=16)) for s in (-1, 1)]
    teeth: Motif = [
        (1, shape((x - 0.02, -0.9), (x + 0.02, -0.9), (x + 0.02, -0.6), (x - 0.02, -0.6))) for x in (-0.2, 0, 0.2)
    ]
    jaw = mirrored((0, -0.4), (0.45, -0.4), (0.4, -0.92), (0, -0.95))
    return [
        (0, blob(0, 0.2, 0.8, 0.75)),
        (0, jaw),
        *eyes,
        (1, shape((-0.1, -0.35), (0.1, -0.35), (0, -0.12))),
        *teeth,
    ]


def bolt() -> Motif:
    """Return a flash of lightning."""
    return [(0, shape((0.15, 1), (-0.6, -0.1), (-0.08, -0.1), (-0.3, -1), (0.6, 0.25), (0.08, 0.25), (0.5, 1)))]
