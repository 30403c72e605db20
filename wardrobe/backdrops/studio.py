"""Photo studios: seamless paper, gradients, painted canvas."""

from __future__ import annotations

import numpy as np

from ..fabrics.palette import LIGHT, MIDDLE, SATURATED, Floats, draw_colour
from .paper import flat, glow, grid, mottle


def draw_wall_colour(rng: np.random.Generator) -> Floats:
    """Draw the colour `[3]` of a wall or of studio paper: mostly near white or light grey."""
    pick = rng.random()
    if pick < 0.5:
        tint = rng.normal(0, 0.008, 3)
        return np.clip(rng.uniform(0.72, 0.99) + tint, 0, 1).astype(np.float32)
    if pick < 0.72:  # pastel
        return np.clip(0.45 * draw_colour(rng, SATURATED) + 0.55, 0, 1).astype(np.float32)
    if pick < 0.9:
        return draw_colour(rng, LIGHT, MIDDLE)
    return draw_colour(rng)


def seamless(rng: np.random.Generator) -> Floats:
    """Paint paper of one colour, lit a little unevenly."""
    return flat(draw_wall_colour(rng)) * glow(rng, rng.uniform(0, 0.08))


def gradient(rng: np.random.Generator) -> Floats:
    """Paint paper that darkens upwards, downwards or sideways, often with a bright spot behind the person."""
    colour = draw_wall_colour(rng)
    other = colour * rng.uniform(0.6, 0.92) if rng.random() < 0.7 else draw_wall_colour(rng)
    x, y = grid()
    angle = rng.choice([0.0, np.pi, rng.uniform(0, 2 * np.pi)])
    along = (x - 0.5) * np.sin(angle) + (y - 0.5) * np.cos(angle) + 0.5
    share = np.clip((along - rng.uniform(-0.1, 0.3)) * rng.uniform(0.8, 1.6), 0, 1)[:, :, None]
    share = share * share * (3 - 2 * share)
    picture = colour + share * (other - colour)
    return np.asarray(picture * glow(rng, rng.uniform(0, 0.3)), dtype=np.float32)


def sweep(rng: np.random.Generator) -> Floats:
    """Paint paper that curves from the wall into the floor: a soft band of shade, and a brighter floor."""
    picture = flat(draw_wall_colour(rng)) * glow(rng, rng.uniform(0.02, 0.2))
    _, y = grid()
    bend = rng.uniform(0.72, 0.9)
    shade = rng.uniform(0.03, 0.14) * np.exp(-(((y - bend) / rng.uniform(0.03, 0.08)) ** 2))
    floor = rng.uniform(-0.06, 0.06) / (1 + np.exp(-(y - bend) * 40))
    return np.asarray(picture * (1 - shade + floor)[:, :, None], dtype=np.float32)


def canvas(rng: np.random.Generator) -> Floats:
    """Paint a hand-painted portrait canvas: clouds of one colour, dark towards the edges."""
    colour = draw_colour(rng, MIDDLE, MIDDLE, LIGHT, SATURATED)
    clouds = mottle(rng, rng.uniform(0.35, 0.8), rng.uniform(0.02, 0.06), 1.3)
    return flat(colour) * (clouds * glow(rng, rng.uniform(0.15, 0.5)))


def vignette(rng: np.random.Generator, picture: Floats) -> Floats:
    """Darken a picture's corners, as lenses do."""
    x, y = grid()
    away = (x - 0.5) ** 2 + (y - 0.5) ** 2
    return np.asarray(picture * (1 - rng.uniform(0.05, 0.35) * away / away.max())[:, :, None], dtype=np.float32)
