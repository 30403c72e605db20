"""Walls seen straight on: bricks, planks, tiles, wallpaper, plaster and concrete."""

from __future__ import annotations

import numpy as np
from PIL import ImageDraw, ImageFilter

from ..fabrics.motifs import draw_motif, stamp
from ..fabrics.palette import LIGHT, MIDDLE, Floats, draw_colour, inks
from .paper import SIDE, Painter, flat, from_image, glow, mottle, to_image
from .studio import draw_wall_colour

_BRICKS = np.array([[0.60, 0.31, 0.24], [0.52, 0.36, 0.29], [0.72, 0.55, 0.44], [0.86, 0.85, 0.83], [0.42, 0.40, 0.39]])
_WOODS = np.array([[0.66, 0.50, 0.34], [0.45, 0.31, 0.21], [0.80, 0.70, 0.56], [0.88, 0.87, 0.84], [0.36, 0.33, 0.31]])


def bricks(rng: np.random.Generator) -> Floats:
    """Paint courses of bricks, each of a slightly different shade, bare or whitewashed."""
    colour = _BRICKS[int(rng.integers(len(_BRICKS)))] * rng.uniform(0.85, 1.1)
    mortar = np.clip(colour * rng.uniform(0.7, 1.3) + rng.uniform(0, 0.1), 0, 0.9)
    image = to_image(flat(mortar))
    draw = ImageDraw.Draw(image)
    high = rng.uniform(13, 24)
    wide, gap = high * rng.uniform(2.6, 3.4), max(1.2, high * 0.1)
    shades = rng.normal(1, rng.uniform(0.02, 0.09), (64, 24))
    for row in range(int(SIDE / high) + 1):
        for column in range(-1, int(SIDE / wide) + 1):
            x, y = (column + row % 2 / 2) * wide, row * high
            fill = inks(np.clip(colour * shades[row % 64, column % 24], 0, 1))[0]
            draw.rectangle((x, y, x + wide - gap, y + high - gap), fill=fill)
    return from_image(image) * mottle(rng, 0.02, 0.03, 1.2) * glow(rng, rng.uniform(0.05, 0.3))


def planks(rng: np.random.Generator) -> Floats:
    """Paint boards, upright or lying, with the wood's grain along them."""
    wood = _WOODS[int(rng.integers(len(_WOODS)))] * rng.uniform(0.85, 1.1)
    board = int(rng.integers(22, 70))
    number = np.arange(SIDE) // board
    shades = rng.normal(1, rng.uniform(0.02, 0.07), SIDE // 22 + 1)
    grain = rng.standard_normal((SIDE, SIDE // 16)).astype(np.float32).repeat(16, 1) * 0.035 + 1
    picture = (shades[number][:, None] * grain)[:, :, None] * wood
    picture[np.arange(SIDE) % board < max(1, board // 24)] *= rng.uniform(0.5, 0.8)
    smooth = from_image(to_image(picture).filter(ImageFilter.BoxBlur((6, 0))))
    upright = rng.random() < 0.6
    return (smooth.transpose(1, 0, 2) if upright else smooth) * glow(rng, rng.uniform(0.05, 0.3))


def tiles(rng: np.random.Generator) -> Floats:
    """Paint square or oblong tiles with light joints; some rows glossier than others."""
    colour, joint = draw_wall_colour(rng), rng.uniform(0.6, 0.95)
    image = to_image(flat(np.full(3, joint, dtype=np.float32)))
    draw = ImageDraw.Draw(image)
    high = rng.uniform(24, 80)
    wide = high * rng.choice([1.0, 1.0, 2.0])
    shift = 0.5 if wide > high else 0.0
    shades = rng.normal(1, 0.025, (24, 24))
    for row in range(int(SIDE / high) + 1):
        for column in range(-1, int(SIDE / wide) + 1):
            x, y = (column + row % 2 * shift) * wide, row * high
            fill = inks(np.clip(colour * shades[row % 24, column % 24], 0, 1))[0]
            draw.rectangle((x, y, x + wide - 2.5, y + high - 2.5), fill=fill)
    return from_image(image) * glow(rng, rng.uniform(0.05, 0.25))


def wallpaper(rng: np.random.Generator) -> Floats:
    """Paint stripes, or a motif in staggered rows, in two shades of nearly one colour."""
    colour = draw_wall_colour(rng)
    second = np.clip(colour * rng.uniform(0.8, 1.15), 0, 1).astype(np.float32)
    if rng.random() < 0.3:
        second = (0.6 * colour + 0.4 * draw_colour(rng)).astype(np.float32)
    image = to_image(flat(colour))
    draw = ImageDraw.Draw(image)
    step = rng.uniform(24, 72)
    if rng.random() < 0.4:
        for x in np.arange(0, SIDE, step):
            draw.rectangle((x, 0, x + step / 2, SIDE), fill=inks(second)[0])
    else:
        motif = draw_motif(rng, held_out=False, family=str(rng.choice(["flowers", "leaves"])))
        ink = inks(np.stack([second, colour, (colour + second) / 2]))
        for row in range(int(SIDE / step) + 2):
            for column in range(int(SIDE / step) + 2):
                stamp(draw, motif, ink, ((column + row % 2 / 2) * step, row * step), step * 0.36)
    return from_image(image) * glow(rng, rng.uniform(0.05, 0.25))


def plaster(rng: np.random.Generator) -> Floats:
    """Paint plaster or concrete: clouds over fine grain, with a few joints."""
    colour = draw_wall_colour(rng) if rng.random() < 0.6 else draw_colour(rng, LIGHT, MIDDLE)
    picture = flat(colour) * (mottle(rng, rng.uniform(0.3, 0.7), 0.02, 1.5) * mottle(rng, 0.012, 0.008))
    if rng.random() < 0.3:
        for at in rng.integers(20, SIDE - 20, 2):
            picture[at : at + 2] *= 0.8
            picture[:, at : at + 2] *= 0.8
    return picture * glow(rng, rng.uniform(0.05, 0.3))


WALLS: tuple[Painter, ...] = (bricks, planks, tiles, wallpaper, plaster)


def any_wall(rng: np.random.Generator) -> Floats:
    """Paint one of this module's walls."""
    return WALLS[int(rng.choice(len(WALLS), p=[0.24, 0.16, 0.15, 0.2, 0.25]))](rng)
