"""Cloth of one colour, told by its threads: plain, heather, denim and knits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import noise, threads
from .palette import DARK, LIGHT, MIDDLE, SATURATED, Floats, draw_colour, draw_scheme
from .pattern import BACK, TEXEL, Flat, Grain, Panels, Pattern, Tile


def plain(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Dye cloth one colour."""
    return Flat(draw_colour(rng))


def melange(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Mix heather: threads of two shades, mixed; mostly greys and muted colours."""
    colour = draw_colour(rng, MIDDLE, MIDDLE, DARK, LIGHT, SATURATED)
    return Grain(Flat(colour * np.float32(0.93) + np.float32(0.04)), threads(rng, rng.uniform(0.06, 0.14), 0.6))


_INDIGO = np.array(
    [
        [0.13, 0.17, 0.27],
        [0.20, 0.28, 0.42],
        [0.33, 0.43, 0.57],
        [0.52, 0.62, 0.73],
        [0.12, 0.12, 0.13],
        [0.45, 0.46, 0.48],
    ],
    dtype=np.float32,
)
"""Raw, dark, mid and light wash, black and grey denim."""


@dataclass(frozen=True)
class _Denim:
    """Faded clouds, and seams that the washing left lighter, with a row of stitches."""

    cloth: Pattern
    fading: Pattern
    seam: Floats
    stitch: Floats

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        colours = self.cloth(cloth, panel)
        colours += self.fading(cloth, panel)
        # Side seams: where front and back meet, and on down the outside of the legs.
        at = np.where(panel <= BACK, np.float32(0.243), np.float32(0.234))
        off = np.abs(np.abs(cloth[:, 0]) - at)
        edge = off < 0.006
        colours[edge] += self.seam
        colours[(off > 0.007) & (off < 0.009)] = self.stitch
        return colours


def denim(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Weave indigo twill, washed out in clouds, with lighter seams."""
    colour = _INDIGO[int(rng.choice(6, p=[0.2, 0.25, 0.22, 0.15, 0.1, 0.08]))] * (1 + rng.normal(0, 0.05))
    twill = threads(rng, rng.uniform(0.05, 0.1), 0.75)
    # Twill lines run diagonally: each row of threads is shifted by one.
    twill = np.stack([np.roll(row, -i, axis=0) for i, row in enumerate(twill)])
    fade = rng.uniform(0.0, 0.03) * noise(rng, 180, 0.25 / 0.003, 1.0)[:, :, None] * np.ones(3, dtype=np.float32)
    stitch = np.array([0.66, 0.45, 0.22]) if rng.random() < 0.6 else colour + 0.12
    return _Denim(
        Grain(Flat(colour.astype(np.float32)), twill),
        Tile(fade.astype(np.float32), 0.003),
        np.full(3, rng.uniform(0.03, 0.09), dtype=np.float32),
        stitch.astype(np.float32),
    )


def knit(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Knit cables, ribs, or a fair isle yoke in coloured stitches."""
    style = rng.choice(["cable", "rib", "fair isle"], p=[0.4, 0.25, 0.35])
    if style == "fair isle":
        return _fair_isle(rng)
    colour = draw_colour(rng, LIGHT, MIDDLE, DARK, SATURATED)
    if style == "rib":
        return _rib(rng, colour)
    return _cable(rng, colour)


def _rib(rng: np.random.Generator, colour: Floats) -> Pattern:
    width = round(rng.uniform(0.007, 0.018) / TEXEL)
    across = np.arange(width) / width
    shade = 0.8 + 0.25 * np.abs(np.sin(np.pi * across)) ** 0.7
    return Tile((shade[None, :, None] * colour * np.ones((4, 1, 1))).clip(0, 1).astype(np.float32))


def _cable(rng: np.random.Generator, colour: Floats) -> Pattern:
    width, length = round(rng.uniform(0.04, 0.075) / TEXEL), round(rng.uniform(0.035, 0.06) / TEXEL)
    x = (np.arange(width)[None] + 0.5) / width * 2 - 1
    y = (np.arange(length)[:, None] + 0.5) / length * 2 * np.pi
    # A plait takes the middle half of each repeat; two strands cross, the nearer one hides the other.
    height = np.zeros((length, width))
    for phase in (0.0, np.pi):
        centre, depth = 0.26 * np.sin(y + phase), 0.25 * np.cos(y + phase)
        strand = 1 - ((x - centre) / 0.24) ** 2
        height = np.maximum(height, np.where(strand > 0, np.sqrt(np.clip(strand, 0, 1)) * 0.8 + depth + 0.25, 0))
    purl = 0.12 * (np.sin(np.arange(length) * np.pi * 0.7)[:, None] > 0)
    stitches = 0.06 * np.sin(np.arange(length) * 2 * np.pi / 4)[:, None] * np.cos(x * 40)
    edge = 0.25 * np.exp(-(((np.abs(x) - 0.62) / 0.05) ** 2))
    shade = 0.68 + 0.3 * height / height.max() + purl * (np.abs(x) > 0.6) + stitches - edge * 0.6
    return Tile((shade[:, :, None] * colour).clip(0, 1).astype(np.float32))


def _fair_isle(rng: np.random.Generator) -> Pattern:
    scheme = draw_scheme(rng, 4, 0.3)
    stitches, stitch = 24, max(2, round(rng.uniform(0.004, 0.0065) / TEXEL))
    rows: list[Floats] = []
    while len(rows) < 56:
        height = int(rng.choice([1, 2, 5, 7, 9]))
        ground, ink = scheme[0], scheme[1 + int(rng.integers(3))]
        if height <= 2:
            rows += [np.tile(ink, (stitches, 1))] * height
        else:
            # A small random figure, mirrored both ways and repeated: crosses, lozenges, snowflakes.
            period = int(rng.choice([6, 8, 12]))
            quarter = rng.random((height // 2 + 1, period // 2 + 1)) < 0.5
            half = np.concatenate([quarter, quarter[-2::-1]])
            figure = np.concatenate([half, half[:, -2:0:-1]], 1)
            band = np.tile(figure, (1, stitches // period))
            rows += [np.where(line[:, None], ink, ground).astype(np.float32) for line in band]
        rows += [np.tile(scheme[0], (stitches, 1))] * int(rng.integers(1, 5))
    image = np.stack(rows).repeat(stitch, 0).repeat(stitch, 1)
    # Each stitch is a little darker at its rim.
    bump = 0.9 + 0.1 * np.sin(np.pi * (np.arange(image.shape[0]) % stitch + 0.5) / stitch)[:, None, None]
    return Tile((image * bump).astype(np.float32))
