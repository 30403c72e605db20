"""Patterns that grow: camouflage and animal coats."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, scatter
from .noise import noise
from .outlines import Motif
from .palette import DARK, LIGHT, MIDDLE, Floats, draw_colour, draw_scheme
from .pattern import TEXEL, Pattern, Tile

_CAMOUFLAGES = np.array(
    [
        [[0.61, 0.56, 0.40], [0.33, 0.36, 0.20], [0.35, 0.25, 0.17], [0.11, 0.12, 0.10]],  # woodland
        [[0.78, 0.69, 0.53], [0.60, 0.47, 0.33], [0.88, 0.82, 0.70], [0.42, 0.34, 0.25]],  # desert
        [[0.80, 0.81, 0.82], [0.55, 0.57, 0.59], [0.33, 0.35, 0.37], [0.13, 0.14, 0.15]],  # urban
        [[0.47, 0.55, 0.66], [0.25, 0.32, 0.46], [0.14, 0.18, 0.28], [0.72, 0.76, 0.80]],  # navy
        [[0.86, 0.66, 0.71], [0.72, 0.40, 0.50], [0.95, 0.88, 0.88], [0.40, 0.33, 0.37]],  # pink
    ],
    dtype=np.float32,
)
_TILE = 360
"""Texels of a tile of noise: 54 cm."""


def camouflage(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Print blobs of three or four colours, one layer over another; a few of square pixels."""
    if rng.random() < 0.75:
        colours = _CAMOUFLAGES[int(rng.integers(len(_CAMOUFLAGES)))] + rng.normal(0, 0.02, (4, 3))
        colours = np.clip(colours, 0.03, 0.97).astype(np.float32)
    else:
        colours = draw_scheme(rng, 4, 0.2)
    blob = float(np.exp(rng.uniform(np.log(0.08), np.log(0.22)))) / TEXEL
    pixelated = rng.random() < 0.25
    image = np.tile(colours[0], (_TILE, _TILE, 1))
    for colour, level in zip(colours[1:], (0.15, 0.55, 1.0), strict=True):
        field = noise(rng, _TILE, blob, 0.7, (0.8, 1.25))
        if pixelated:
            step = 4
            field = np.repeat(np.repeat(field[::step, ::step], step, 0), step, 1)
        image[field > level] = colour
        blob *= 0.85
    return Tile(image)


def animal(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Print a leopard's, a zebra's or a cow's coat."""
    style = rng.choice(["leopard", "zebra", "cow"], p=[0.5, 0.3, 0.2])
    if style == "leopard":
        return _leopard(rng)
    if style == "zebra":
        colours = _coat(rng)
        warp = noise(rng, _TILE, 0.14 / TEXEL, 0.4)
        rows = np.arange(_TILE, dtype=np.float32)[:, None] / _TILE
        waves = np.sin(2 * np.pi * int(rng.integers(9, 16)) * rows + 2.6 * warp)
        waves += 0.35 * noise(rng, _TILE, 0.05 / TEXEL, 0.5)
        return Tile(colours[(waves > rng.uniform(-0.2, 0.3)).astype(int)])
    field = noise(rng, _TILE, rng.uniform(0.08, 0.16) / TEXEL, 0.5)
    return Tile(_coat(rng)[(field > 0.45).astype(int)])


def _coat(rng: np.random.Generator) -> Floats:
    if rng.random() < 0.7:
        return np.stack([draw_colour(rng, LIGHT), draw_colour(rng, DARK)])
    return draw_scheme(rng, 2, 0.3)


def _leopard(rng: np.random.Generator) -> Pattern:
    natural = np.array([[0.80, 0.62, 0.40], [0.55, 0.35, 0.18], [0.10, 0.08, 0.07]]) * rng.uniform(0.85, 1.15)
    colours = (
        np.clip(natural, 0, 1).astype(np.float32) if rng.random() < 0.7 else draw_scheme(rng, 3, 0.3, [LIGHT, MIDDLE])
    )
    size = rng.uniform(0.014, 0.034)
    canvas = Canvas(float(np.clip(12 * size, 0.2, 0.45)), colours[0])
    for place in scatter(rng, canvas.size, size * 1.45, 700):
        canvas.stamp(_rosette(rng), colours[1:], place, size * rng.uniform(0.6, 0.85), rng.uniform(0, 6.3))
    for place in scatter(rng, canvas.size, size * 1.2, 300):
        spot: Motif = [(0, _lump(rng, 0, 0, 1))]
        canvas.stamp(spot, colours[2], place, size * 0.13, rng.uniform(0, 6.3))
    return canvas.tile()


def _lump(rng: np.random.Generator, x: float, y: float, radius: float) -> Floats:
    """Return a blob with an uneven outline `[14, 2]`."""
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    wobble = radius * (1 + 0.3 * np.sin(2 * turn + rng.uniform(0, 6.3)) + rng.normal(0, 0.1, 14))
    return np.asarray(np.stack([x + wobble * np.sin(turn), y + wobble * np.cos(turn)], 1), dtype=np.float32)


def _rosette(rng: np.random.Generator) -> Motif:
    """Return a brown heart with a broken dark ring around it."""
    motif: Motif = [(0, _lump(rng, 0, 0, 0.75))]
    for turn in np.arange(rng.integers(4, 6)) * 1.35 + rng.uniform(0, 0.4):
        motif.append((1, _lump(rng, 0.78 * float(np.sin(turn)), 0.78 * float(np.cos(turn)), rng.uniform(0.26, 0.44))))
    return motif
