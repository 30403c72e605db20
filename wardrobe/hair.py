"""Hair: a shell on the scalp, falls around the head, buns and tails."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..data.classes import CLASS_IDS
from .anatomy import Anatomy
from .body import Figure, body_model
from .headgear import CENTRE, RADII, dome, on_head, turn
from .layer import Distance, Layer, Paint, Surface, drape, one_label, stack_cuts
from .raster import CUTS
from .skin import Colour

STYLES = {
    "buzz": 0.06,
    "short": 0.24,
    "tousled": 0.12,
    "bob": 0.16,
    "long": 0.2,
    "ponytail": 0.08,
    "bun": 0.07,
    "afro": 0.05,
    "bald": 0.02,
}

_LINE_Y = (-0.15, -0.115, -0.085, -0.06, -0.03, -0.005, 0.02, 0.09)
_LINE_Z = (0.762, 0.760, 0.748, 0.715, 0.693, 0.68, 0.64, 0.605)
"""The hairline from the forehead over the temple and around the ear to the nape, metres on the neutral body."""

_EAR = 0.0745
"""Half the head's width without ears, metres."""


def hair(rng: np.random.Generator, figure: Figure, colour: Colour, style: str, *, hat: bool) -> tuple[Layer, ...]:
    """Return a head of hair in one of the `STYLES`; under a hat it lies flat."""
    if style == "bald":
        return ()
    paint = _strands(rng, np.asarray(colour, np.float32))
    volume = 0.3 if hat else float(rng.uniform(0.7, 1.3))
    layers = [_shell(rng, figure, paint, style, volume)]
    if style in ("bob", "long"):
        layers.append(_fall(rng, figure, paint, style, volume))
    if style in ("bun", "ponytail") and not hat:
        layers.append(_knot(rng, figure, paint, style))
    return tuple(layers)


def _shell(rng: np.random.Generator, figure: Figure, paint: Paint, style: str, volume: float) -> Layer:
    sheet = body_model().scalp
    a = sheet.anatomy
    high = np.clip((a.z - 0.7) / 0.1, 0, 1)
    depth = {"buzz": 0.002, "short": 0.008, "tousled": 0.012, "afro": 0.042}.get(style, 0.009)
    crown = {"buzz": 0.0, "short": 0.014, "tousled": 0.026, "afro": 0.03}.get(style, 0.008)
    rough = {"buzz": 0.0, "short": 0.002, "tousled": 0.006, "afro": 0.008}.get(style, 0.001)
    noise = sum(np.sin(a.values[:, :3] @ rng.normal(0, 70, 3) + rng.uniform(0, 6.28)) for _ in range(5))
    thickness = volume * (depth + crown * high) + rough * noise / 2
    recede = float(rng.uniform(-0.006, 0.016))
    wobble = rng.uniform(0, 6.28, 3)

    def hairline(p: Anatomy) -> Distance:
        line = np.interp(p.y, _LINE_Y, _LINE_Z) + recede * (p.y < -0.05) + 0.05 * np.abs(p.x) * (p.y < -0.09)
        ragged = 0.003 * (np.sin(210 * p.x + wobble[0]) + np.sin(330 * p.y + wobble[1]) + np.sin(530 * p.x + wobble[2]))
        return (p.z - line + ragged).astype(np.float32)

    def beside_ears(p: Anatomy) -> Distance:
        return np.where(p.z < 0.72, _EAR - np.abs(p.x), 1.0).astype(np.float32)

    points = drape(figure, sheet, np.maximum(thickness, 0.0015))
    return Layer(
        points,
        sheet.faces,
        a,
        stack_cuts(a, (hairline, beside_ears)),
        0.006,
        one_label(CLASS_IDS["hair"]),
        paint,
        gloss=0.2,
    )


def _fall(rng: np.random.Generator, figure: Figure, paint: Paint, style: str, volume: float) -> Layer:
    """Return hair that falls from the crown past the ears."""
    end = float(rng.uniform(0.56, 0.64) if style == "bob" else rng.uniform(0.28, 0.55))
    bulk = 0.009 * volume + 0.004
    crown = dome(bulk, lift=0.006 * volume)
    heights = np.linspace(CENTRE[2], end, 18)[1:]
    drop = CENTRE[2] - heights
    flare = rng.uniform(-0.25, 0.5) * np.clip(drop, 0, 0.12) - rng.uniform(0.2, 0.7) * np.clip(drop - 0.14, 0, 1)
    fall = np.stack([crown[-1, 0] + flare / RADII.mean() * 0.5, heights], axis=1)
    turned = turn(np.concatenate([crown, fall]))
    points = turned.points.copy()
    below = np.clip((0.6 - points[:, 2]) / 0.1, 0, 1)
    ahead = rng.random(2) < 0.5  # each side falls in front of the shoulder or behind it
    side = (np.sin(turned.angle) > 0).astype(int)
    target = np.where(ahead[side] & (np.abs(turned.angle) < 2.0), -0.115, 0.085)
    points[:, 1] += below * 0.85 * (target - points[:, 1])
    waves = rng.integers(9, 16)
    points += 0.003 * np.sin(waves * turned.angle + 3 * np.sin(18 * points[:, 2]))[:, None] * [1, 1, 0]
    parting = float(rng.uniform(-0.5, 0.5))
    fringe = float(rng.uniform(0.728, 0.74)) if rng.random() < 0.35 else float(rng.uniform(0.765, 0.785))
    opening = float(rng.uniform(1.0, 1.45))
    ragged = rng.uniform(0, 6.28, 2)

    def face(angle: npt.NDArray[np.float64], z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        arch = fringe + 0.02 * np.abs(angle - parting)
        strands = 0.004 * np.sin(31 * angle + ragged[0]) + 0.003 * np.sin(53 * angle + ragged[1])
        widest = opening * (0.75 + 0.25 * np.clip((z - 0.62) / 0.1, 0, 1))
        return np.maximum(z - arch + strands, (np.abs(angle) - widest) * 0.09)

    cuts = np.ones((len(points), CUTS), np.float32)
    cuts[:, 0] = face(turned.angle, points[:, 2])
    cuts[:, 1] = points[:, 2] - end - 0.012 + 0.01 * np.sin(23 * turned.angle) + 0.006 * np.sin(57 * turned.angle)
    anatomy = turned.anatomy
    return Layer(
        on_head(figure, points, stiff=False),
        turned.faces,
        anatomy,
        cuts,
        0.012,
        one_label(CLASS_IDS["hair"]),
        paint,
        gloss=0.2,
    )


def _knot(rng: np.random.Generator, figure: Figure, paint: Paint, style: str) -> Layer:
    """Return a bun on top of the head or a tail behind it."""
    radius = float(rng.uniform(0.03, 0.042))
    polar = np.linspace(0.05, np.pi - 0.05, 12)
    turned = turn(np.stack([np.sin(polar), np.cos(polar)], axis=1))
    unit = (turned.points - [CENTRE[0], CENTRE[1], 0]) / [RADII[0], RADII[1], 1]
    if style == "bun":
        centre = np.array([0.0, rng.uniform(0.0, 0.05), 0.825])
        points = centre + unit * radius * [1, 1, 0.8]
    else:
        side = rng.uniform(-0.06, 0.06)
        centre = np.array([side, 0.1, 0.64])
        points = centre + unit * [0.03, 0.025, 0.15]
    cuts = np.ones((len(points), CUTS), np.float32)
    return Layer(
        on_head(figure, points, stiff=True),
        turned.faces,
        turned.anatomy,
        cuts,
        0.0,
        one_label(CLASS_IDS["hair"]),
        paint,
        gloss=0.2,
    )


def _strands(rng: np.random.Generator, colour: npt.NDArray[np.float32]) -> Paint:
    """Return paint with fine strands around the head's axis and broad lighter locks."""
    phase = rng.uniform(0, 6.28, 4)
    locks = rng.uniform(0.08, 0.25)

    def paint(surface: Surface) -> npt.NDArray[np.float32]:
        a = surface.anatomy
        angle = np.arctan2(a.x, -(a.y - CENTRE[1])) + 0.3 * np.sin(20 * a.z + phase[0])
        fine = np.sin(97 * angle + phase[1]) * np.sin(61 * angle + phase[2])
        broad = np.sin(11 * angle + phase[3] + 4 * a.z)
        shade = 0.92 + 0.16 * fine + locks * broad
        return np.clip(colour * shade[:, None], 0, 1).astype(np.float32)

    return paint
