"""Geometric patterns: chevrons, triangles, argyle, hexagons, circles, houndstooth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .canvas import Canvas
from .palette import Floats, draw_scheme, inks
from .pattern import Pattern

_THREAD = np.arange(8)
_WARP_ABOVE = (_THREAD[:, None] + _THREAD) % 4 < 2
_HOUNDSTOOTH = np.where(_WARP_ABOVE, _THREAD < 4, _THREAD[:, None] < 4)
"""Where one tooth is dark `[8, 8]`: four dark and four light threads each way, in a twill of two over two."""


def geometric(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Print one of the patterns of this module, its cells 2 to 11 cm large."""
    styles: list[Callable[[np.random.Generator, Floats, float], Pattern]] = [
        _chevron, _triangles, _argyle, _hexagons, _rings, _houndstooth, _maze,
    ]  # fmt: skip
    style = styles[int(rng.choice(len(styles), p=[0.24, 0.16, 0.18, 0.1, 0.1, 0.12, 0.1]))]
    cell = float(np.exp(rng.uniform(np.log(0.024), np.log(0.11))))
    return style(rng, draw_scheme(rng, 4, 0.3), cell)


def _cells(size: float, count: int, ground: Floats) -> tuple[Canvas, float]:
    """Return a canvas of `count` cells a side, and a cell's side in pixels."""
    canvas = Canvas(size * count, ground)
    return canvas, canvas.side / count


def _fill(canvas: Canvas, outline: npt.NDArray[np.floating[Any]], colour: Floats) -> None:
    """Fill a polygon `[k, 2]`, in pixels."""
    canvas.draw.polygon([(float(x), float(y)) for x, y in outline], fill=inks(colour)[0])


def _chevron(rng: np.random.Generator, scheme: Floats, cell: float) -> Pattern:
    bands = int(rng.choice([2, 3, 4]))
    canvas, side = _cells(cell, bands, scheme[0])
    # As wide as tall: `bands` zigzags down, and a whole number of teeth across.
    teeth = int(rng.choice([1, 2])) * bands
    width, slope = canvas.side / teeth, side * rng.uniform(0.4, 0.9)
    thick = side * rng.uniform(0.35, 0.65)
    x = np.arange(2 * teeth + 1) * width / 2
    for band in range(-2, bands + 2):
        y = band * side + slope * (np.arange(2 * teeth + 1) % 2)
        outline = np.concatenate([np.stack([x, y], 1), np.stack([x, y + thick], 1)[::-1]])
        _fill(canvas, outline, scheme[1 + band % bands % 3])
    return canvas.tile()


def _triangles(rng: np.random.Generator, scheme: Floats, cell: float) -> Pattern:
    count = 4
    canvas, side = _cells(cell, count, scheme[0])
    random = rng.random() < 0.6
    for row in range(count):
        for column in range(-1, count + 1):
            x, y = column * side + (row % 2) * side / 2, row * side
            ink = scheme[1 + int(rng.integers(3)) if random else 1]
            # The cell that crosses the seam must look the same on both sides.
            if column in (-1, count) or (row % 2 and column == count - 1):
                ink = scheme[1]
            _fill(canvas, np.array([[x, y + side], [x + side, y + side], [x + side / 2, y]]), ink)
    return canvas.tile()


def _argyle(rng: np.random.Generator, scheme: Floats, cell: float) -> Pattern:
    # The tile is two lozenges wide and two tall; those between them are the ground's.
    canvas, tall = _cells(max(0.05, cell * 1.2), 2, scheme[0])
    wide = canvas.side / 3
    lozenge = np.array([[0, -tall / 2], [wide / 2, 0], [0, tall / 2], [-wide / 2, 0]])
    for column in range(4):
        for row in range(3):
            ink = scheme[1 + (column + row) % 2 * (column % 3 > 0)]
            _fill(canvas, lozenge + np.array([column * wide, row * tall]), ink)
    thick = max(1, round(canvas.pixels(0.003)))
    reach = canvas.side * 2
    for column in range(-8, 9):
        for sign in (-1, 1):
            x = (column + 0.5) * wide
            ends = [(x - sign * reach * wide / tall, -reach), (x + sign * reach * wide / tall, reach)]
            canvas.draw.line(ends, fill=inks(scheme[3])[0], width=thick)
    return canvas.tile()


def _hexagons(rng: np.random.Generator, scheme: Floats, cell: float) -> Pattern:
    canvas, _ = _cells(cell, 4, scheme[0])
    turn = np.arange(6) * np.pi / 3
    hexagon = [(0, np.stack([np.sin(turn), np.cos(turn)], 1).astype(np.float32))]
    step = canvas.size / 4
    for row in range(4):
        for column in range(4):
            place = ((column + row % 2 / 2) * step, row * step)
            ink = scheme[1 + int(rng.integers(3))]
            canvas.stamp(hexagon, ink, place, step * 0.52)
            if rng.random() < 0.4:
                canvas.stamp(hexagon, scheme[0], place, step * 0.3)
    return canvas.tile()


def _rings(rng: np.random.Generator, scheme: Floats, cell: float) -> Pattern:
    canvas, _ = _cells(cell, 2, scheme[0])
    turn = np.linspace(0, 2 * np.pi, 40)
    disc = [(0, np.stack([np.sin(turn), np.cos(turn)], 1).astype(np.float32))]
    step = canvas.size / 2
    radii = [(0.52, 1), (0.4, 0), (0.28, 2), (0.14, 3)]
    for row in range(2):
        for column in range(2):
            for radius, ink in radii:
                canvas.stamp(disc, scheme[ink], ((column + row % 2 / 2) * step, row * step), step * radius)
    return canvas.tile()


def _houndstooth(rng: np.random.Generator, scheme: Floats, cell: float) -> Pattern:
    canvas, side = _cells(max(0.022, cell * 0.7), 4, scheme[0])
    pixel = side / 8
    fill = inks(scheme[1])[0]
    for row, column in np.argwhere(np.tile(_HOUNDSTOOTH, (4, 4))).tolist():
        canvas.draw.rectangle((column * pixel, row * pixel, (column + 1) * pixel, (row + 1) * pixel), fill=fill)
    return canvas.tile()


def _maze(rng: np.random.Generator, scheme: Floats, cell: float) -> Pattern:
    """Quarter circles turned at random: their ends always meet."""
    count = 6
    canvas, side = _cells(cell * 0.7, count, scheme[0])
    thick = side * rng.uniform(0.2, 0.4)
    outer, inner = side / 2 + thick / 2, side / 2 - thick / 2
    for row in range(count):
        for column in range(count):
            x, y = column * side, row * side
            turned = rng.random() < 0.5
            corners = ((x, y, 0), (x + side, y + side, 180)) if turned else ((x + side, y, 90), (x, y + side, 270))
            for cx, cy, start in corners:
                middle = np.linspace(np.deg2rad(start), np.deg2rad(start + 90), 14)
                ring = np.stack([np.cos(middle), np.sin(middle)], 1)
                outline = np.concatenate([outer * ring, inner * ring[::-1]])
                _fill(canvas, outline + np.array([cx, cy]), scheme[1])
    return canvas.tile()
