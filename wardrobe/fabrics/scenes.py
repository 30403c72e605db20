"""Landscapes, skylines and photographs for the front of a shirt."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .noise import noise
from .palette import Floats
from .sheet import SIDE, Sheet


def _ridge(rng: np.random.Generator, roughness: float) -> Floats:
    """Return a random skyline `[SIDE]` around 0, most of it within ±1."""
    x = np.linspace(0, 2 * np.pi, SIDE)
    waves = sum(np.sin(x * k * 0.5 + rng.uniform(0, 6.3)) * rng.normal(0, 1) / k**roughness for k in range(1, 24))
    return np.asarray(waves / 1.5, dtype=np.float32)


def landscape(sheet: Sheet) -> None:
    """Draw hills or houses before a sky, in layers that fade with distance, with a caption now and then."""
    rng = sheet.rng
    horizon = rng.uniform(200, 360)
    _sky(sheet, horizon)
    (_houses if rng.random() < 0.25 else _hills)(sheet, horizon)
    if rng.random() < 0.4:
        _ripples(sheet)
    if rng.random() < 0.5:
        _firs(sheet)
    elif rng.random() < 0.5:
        sheet.motif(rng.uniform(120, 480), 400, rng.uniform(60, 130))
    captioned = rng.random() < 0.55
    sheet.cut_out((20, 10, 580, 470 if captioned else 590))
    if captioned:
        sheet.caption(535)


def _sky(sheet: Sheet, horizon: float) -> None:
    """Draw a sky in bands of colour, and a sun or moon low over the horizon."""
    rng, draw = sheet.rng, sheet.draw
    for band, y in enumerate(np.linspace(0, SIDE, 13)):
        draw.rectangle((0, y, SIDE, y + SIDE / 12), fill=sheet.mixed(1, 2, min(1, band / 9)))
    x, y, radius = rng.uniform(150, 450), horizon - rng.uniform(0, 110), rng.uniform(50, 120)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=sheet.ink[3])
    if rng.random() < 0.4:  # a retro sun, cut by slits that widen downwards
        for slit in range(5):
            low = y + slit * radius / 5
            colour = sheet.mixed(1, 2, min(1, low / 450))
            draw.rectangle((x - radius, low, x + radius, low + 3 + 3 * slit), fill=colour)


def _hills(sheet: Sheet, horizon: float) -> None:
    rng = sheet.rng
    layers = int(rng.integers(3, 6))
    roughness, height = rng.uniform(0.8, 1.7), rng.uniform(30, 110)
    for layer in range(layers):
        share = (layer + 1) / layers
        line = horizon + share * 200 - 60 + height * (1.2 - share) * _ridge(rng, roughness)
        top = [(float(x), float(line[x])) for x in range(0, SIDE, 4)]
        outline = [(0.0, float(SIDE)), *top, (float(SIDE), top[-1][1]), (float(SIDE), float(SIDE))]
        sheet.draw.polygon(outline, fill=sheet.mixed(4, 5 if layer % 2 else 2, 0.75 * (1 - share)))


def _houses(sheet: Sheet, horizon: float) -> None:
    """Draw three rows of towers, the nearest with lit windows."""
    rng, draw = sheet.rng, sheet.draw
    for row in range(3):
        base = horizon + 60 * row
        for x in np.arange(0, SIDE, 30):
            top = base - rng.uniform(10, 170)
            draw.rectangle((x, top, x + 30, SIDE), fill=sheet.mixed(4, 5 if row % 2 else 2, 0.3 * (2 - row)))
            for y in np.arange(top + 8, base + 160, 18) if row == 2 else ():
                if rng.random() < 0.5:
                    draw.rectangle((x + 5, y, x + 11, y + 9), fill=sheet.ink[3])
                    draw.rectangle((x + 18, y, x + 24, y + 9), fill=sheet.ink[3])


def _ripples(sheet: Sheet) -> None:
    """Draw reflections on water."""
    for y in range(440, SIDE, 26):
        for start in sheet.rng.uniform(0, SIDE, 5):
            sheet.draw.rounded_rectangle((start, y, start + sheet.rng.uniform(30, 150), y + 7), 3, fill=sheet.ink[3])


def _firs(sheet: Sheet) -> None:
    rng = sheet.rng
    for x in rng.uniform(60, 540, int(rng.integers(1, 5))):
        size = rng.uniform(30, 90)
        for tier in range(3):
            top, reach = 470 - size * (2.2 - 0.6 * tier), size * (0.3 + 0.12 * tier)
            sheet.draw.polygon([(x, top), (x - reach, top + size), (x + reach, top + size)], fill=sheet.ink[5])


def photograph(sheet: Sheet) -> None:
    """Draw clouds of posterised colour in a frame, as photographs printed in a few inks look from afar."""
    rng = sheet.rng
    field = noise(rng, SIDE // 2, rng.uniform(60, 160), 1.2, (1.0, rng.uniform(1, 2.5)))
    field += np.linspace(-1, 1, SIDE // 2, dtype=np.float32)[:, None] * np.float32(rng.uniform(0, 1.5))
    order = np.argsort(sheet.scheme[1:].mean(1))
    levels = int(rng.integers(5, 14))
    place = np.clip((field + 2) / 4, 0, 0.999)
    place = np.floor(place * levels) / levels * (len(order) - 1)
    below = place.astype(int)
    share = (place - below)[:, :, None]
    ramp = sheet.scheme[1:][order]
    colours = ramp[below] * (1 - share) + ramp[np.minimum(below + 1, len(order) - 1)] * share
    photo = Image.fromarray(np.rint(colours * 255).astype(np.uint8)).resize((SIDE, SIDE))
    sheet.image.paste(photo)
    if rng.random() < 0.6:
        sheet.motif(300, 300, rng.uniform(110, 200))
    sheet.cut_out((40, 10, 560, 590))
    if rng.random() < 0.6:
        sheet.caption(rng.uniform(120, 520), 110)
