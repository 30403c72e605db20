"""Rooms, streets, parks and lights, mostly out of focus as behind a portrait."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from ..fabrics.palette import DARK, LIGHT, MIDDLE, SATURATED, Floats, draw_colour, inks
from .paper import SIDE, flat, from_image, glow, grid, mottle, to_image
from .studio import draw_wall_colour
from .walls import any_wall

_FLOORS = np.array(
    [[0.62, 0.47, 0.33], [0.45, 0.33, 0.24], [0.76, 0.66, 0.53],
     [0.62, 0.61, 0.60], [0.80, 0.79, 0.77], [0.38, 0.38, 0.40]]
)  # fmt: skip
"""Three woods, and three of stone or carpet."""


def room(rng: np.random.Generator) -> Floats:
    """Paint a wall, a skirting board and a floor, with now and then a window, a picture or furniture."""
    wall = any_wall(rng) if rng.random() < 0.25 else flat(draw_wall_colour(rng)) * glow(rng, rng.uniform(0.05, 0.2))
    image = to_image(wall)
    draw = ImageDraw.Draw(image)
    horizon = rng.uniform(0.74, 0.9) * SIDE
    for _ in range(int(rng.choice([0, 0, 1, 2, 3]))):
        _furnish(rng, draw, horizon)
    _floor(rng, image, horizon)
    skirting = rng.uniform(0, 16)
    if skirting > 4:
        draw = ImageDraw.Draw(image)
        colour = np.full(3, rng.uniform(0.8, 0.97), dtype=np.float32) if rng.random() < 0.7 else draw_colour(rng)
        draw.rectangle((0, horizon - skirting, SIDE, horizon), fill=inks(colour)[0])
        draw.line((0, horizon, SIDE, horizon), fill=inks(colour * 0.5)[0], width=2)
    picture = from_image(image, float(rng.choice([0.6, 1.0, 2.5, 5.0])))
    # The foot of the wall is in shade.
    _, y = grid()
    shade = 1 - 0.12 * np.exp(-(((y - horizon / SIDE) / 0.03) ** 2))
    return np.asarray(picture * shade[:, :, None], dtype=np.float32)


def _furnish(rng: np.random.Generator, draw: ImageDraw.ImageDraw, horizon: float) -> None:
    """Draw a window, a framed picture, a doorway, a cupboard or a plant against the wall."""
    x, thing = rng.uniform(0, SIDE), rng.choice(["window", "frame", "door", "cupboard", "plant"])
    wide = rng.uniform(50, 110)
    dark, light = inks(draw_colour(rng, DARK, MIDDLE)), inks(draw_colour(rng, LIGHT))
    if thing == "window":
        y, high = rng.uniform(20, 90), rng.uniform(140, 240)
        draw.rectangle((x - wide, y, x + wide, y + high), fill=light[0])
        draw.rectangle((x - wide + 8, y + 8, x - 4, y + high - 8), fill=(222, 234, 243))
        draw.rectangle((x + 4, y + 8, x + wide - 8, y + high - 8), fill=(228, 238, 245))
    elif thing == "frame":
        y, high = rng.uniform(50, 130), rng.uniform(70, 130)
        draw.rectangle((x - wide / 2, y, x + wide / 2, y + high), fill=dark[0])
        draw.rectangle((x - wide / 2 + 6, y + 6, x + wide / 2 - 6, y + high - 6), fill=light[0])
        draw.ellipse((x - wide / 4, y + high / 3, x + wide / 4, y + high * 0.75), fill=inks(draw_colour(rng))[0])
    elif thing == "door":
        draw.rectangle((x - wide, 70, x + wide, horizon), fill=light[0])
        for top, bottom in ((95, 220), (245, horizon - 30)):
            draw.rectangle((x - wide + 22, top, x + wide - 22, bottom), outline=inks(np.full(3, 0.6))[0], width=3)
    elif thing == "cupboard":
        y = rng.uniform(230, 330)
        draw.rectangle((x - wide, y, x + wide, horizon + 6), fill=dark[0])
        draw.line((x, y, x, horizon), fill=(20, 20, 20), width=2)
    else:
        green = inks(np.array([0.25, 0.42, 0.22]) * rng.uniform(0.7, 1.3))[0]
        draw.rectangle((x - 24, horizon - 50, x + 24, horizon + 6), fill=light[0])
        for turn in rng.uniform(-1.3, 1.3, 14):
            reach = rng.uniform(60, 150)
            tip = (x + reach * np.sin(turn), horizon - 50 - reach * np.cos(turn))
            draw.line([(x, horizon - 46), tip], fill=green, width=int(rng.integers(6, 16)))


def _floor(rng: np.random.Generator, image: Image.Image, horizon: float) -> None:
    """Draw a floor below the horizon: carpet, boards or tiles that meet in the distance."""
    colour = _FLOORS[int(rng.integers(len(_FLOORS)))] * rng.uniform(0.85, 1.12)
    ground = Image.new("RGB", image.size, inks(colour.clip(0, 1))[0])
    draw = ImageDraw.Draw(ground)
    style = rng.choice(["carpet", "boards", "tiles", "rug"])
    line = inks(colour.clip(0, 1) * rng.uniform(0.75, 0.92))[0]
    if style in ("boards", "tiles"):
        vanish = (rng.uniform(0.35, 0.65) * SIDE, horizon - rng.uniform(120, 260))
        for foot in np.arange(-2 * SIDE, 3 * SIDE, rng.uniform(45, 100)):
            draw.line([vanish, (foot, SIDE)], fill=line, width=2)
    if style == "tiles":
        for row in range(1, 6):
            y = SIDE - (SIDE - horizon) * (1 - 0.55 ** (row * 0.6)) / 0.95
            draw.line([(0, y), (SIDE, y)], fill=line, width=2)
    if style == "rug":
        x, y = rng.uniform(0.3, 0.7) * SIDE, (horizon + SIDE) / 2
        draw.ellipse((x - 200, y - 26, x + 200, y + 40), fill=inks(0.5 * draw_colour(rng) + 0.5 * colour)[0])
    box = (0, round(horizon), SIDE, SIDE)
    image.paste(ground.crop(box), box)


def street(rng: np.random.Generator) -> Floats:
    """Paint houses along a road under a sky, out of focus."""
    _, y = grid()
    sky = np.array([0.62, 0.74, 0.88]) if rng.random() < 0.6 else np.array([0.84, 0.85, 0.86])
    image = to_image((sky + y[:, :, None] * 0.12) * np.ones((1, SIDE, 1)))
    draw = ImageDraw.Draw(image)
    ground = rng.uniform(0.7, 0.85) * SIDE
    x = -20.0
    while x < SIDE:
        wide, top = rng.uniform(50, 150), rng.uniform(-60, 230)
        colour = (
            draw_colour(rng, LIGHT, MIDDLE, MIDDLE) if rng.random() < 0.85 else 0.5 * draw_colour(rng, SATURATED) + 0.25
        )
        draw.rectangle((x, top, x + wide, ground), fill=inks(colour * rng.uniform(0.65, 1))[0])
        pane = inks(colour * rng.uniform(0.35, 0.7))[0]
        step = rng.uniform(26, 44)
        for wx in np.arange(x + 10, x + wide - 14, step):
            for wy in np.arange(top + 14, ground - 80, step * 1.3):
                draw.rectangle((wx, wy, wx + step * 0.5, wy + step * 0.7), fill=pane)
        if rng.random() < 0.6:  # a shop at street level
            draw.rectangle((x + 6, ground - 62, x + wide - 6, ground - 4), fill=inks(draw_colour(rng, DARK, MIDDLE))[0])
            draw.rectangle((x + 4, ground - 74, x + wide - 4, ground - 60), fill=inks(draw_colour(rng))[0])
        x += wide
    road = np.full(3, rng.uniform(0.35, 0.7)) + rng.normal(0, 0.01, 3)
    draw.rectangle((0, ground, SIDE, SIDE), fill=inks(road)[0])
    draw.rectangle((0, ground, SIDE, ground + 8), fill=inks(road * 1.25)[0])
    for _ in range(int(rng.integers(0, 3))):
        _tree(rng, draw, ground)
    return from_image(image, rng.uniform(4, 12)) * mottle(rng, 0.3, 0.03)


def _tree(rng: np.random.Generator, draw: ImageDraw.ImageDraw, ground: float) -> None:
    x, top = rng.uniform(0, SIDE), rng.uniform(60, 240)
    draw.rectangle((x - 7, top, x + 7, ground + 4), fill=(82, 64, 50))
    for _ in range(40):
        leaf = np.array([0.30, 0.42, 0.20]) * rng.uniform(0.6, 1.5)
        cx, cy, r = x + rng.normal(0, 38), top + rng.normal(0, 42), rng.uniform(12, 30)
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=inks(leaf.clip(0, 1))[0])


def park(rng: np.random.Generator) -> Floats:
    """Paint leaves and grass, far out of focus."""
    green = np.array([0.38, 0.44, 0.28]) * rng.uniform(0.75, 1.35) + rng.normal(0, 0.03, 3)
    image = to_image(flat(green.astype(np.float32)))
    draw = ImageDraw.Draw(image)
    for _ in range(240):
        x, y, r = rng.uniform(0, SIDE), rng.uniform(0, 0.8 * SIDE), rng.uniform(6, 46)
        leaf = green * rng.uniform(0.55, 1.4) + (rng.random() < 0.12) * np.array([0.35, 0.36, 0.3])
        draw.ellipse((x - r, y - r, x + r, y + r), fill=inks(leaf.clip(0, 1))[0])
    horizon = rng.uniform(0.72, 0.9) * SIDE
    lawn = green * rng.uniform(1.0, 1.35) if rng.random() < 0.6 else np.array([0.66, 0.61, 0.54])
    draw.rectangle((0, horizon, SIDE, SIDE), fill=inks(lawn.clip(0, 1))[0])
    return from_image(image, rng.uniform(7, 20))


def bokeh(rng: np.random.Generator) -> Floats:
    """Paint lights at night or in a shop, blurred to discs."""
    dark = draw_colour(rng, DARK) if rng.random() < 0.6 else draw_colour(rng, MIDDLE, LIGHT)
    picture = flat(dark) * mottle(rng, 0.7, 0.1, 0.6)
    radius = rng.uniform(12, 34)
    for _ in range(int(rng.integers(25, 60))):
        x, y = rng.uniform(0, SIDE), rng.normal(0.4, 0.25) * SIDE
        r = radius * rng.uniform(0.7, 1.2)
        light = 0.5 * draw_colour(rng, SATURATED, LIGHT) + 0.5
        x0, x1, y0, y1 = max(0, int(x - r)), min(SIDE, int(x + r)), max(0, int(y - r)), min(SIDE, int(y + r))
        if x0 >= x1 or y0 >= y1:
            continue
        away = np.hypot(np.arange(x0, x1)[None] - x, np.arange(y0, y1)[:, None] - y)
        cover = np.clip(r - away, 0, 1)[:, :, None] * np.float32(rng.uniform(0.15, 0.6))
        picture[y0:y1, x0:x1] += cover * (light - picture[y0:y1, x0:x1])
    return from_image(to_image(picture), 1.5)
