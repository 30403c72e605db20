"""Square pictures that backdrops are painted on, and soft light over them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from ..fabrics.noise import noise
from ..fabrics.palette import Floats

SIDE = 512
"""Every backdrop is painted at this height and width, then cut and scaled to the picture's size."""

Painter = Callable[[np.random.Generator], Floats]
"""Paints `[SIDE, SIDE, 3]`, roughly within 0 to 1."""


def flat(colour: Floats) -> Floats:
    """Return a picture of one colour `[3]`."""
    return np.broadcast_to(colour, (SIDE, SIDE, 3)).astype(np.float32)


def grid() -> tuple[Floats, Floats]:
    """Return how far right `[1, SIDE]` and how far down `[SIDE, 1]` pixels lie, 0 to 1."""
    place = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
    return place[None], place[:, None]


def glow(rng: np.random.Generator, strength: float) -> Floats:
    """Return light that falls off from one place, `[SIDE, SIDE, 1]`, its brightest place 1."""
    x, y = grid()
    cx, cy, reach = rng.uniform(0.3, 0.7), rng.uniform(0.15, 0.6), rng.uniform(0.4, 0.9)
    # A bell over the distance is a bell across times a bell down.
    bell = np.exp(-(((x - cx) / reach) ** 2)) * np.exp(-(((y - cy) / reach) ** 2))
    return np.asarray(1 - strength * (1 - bell), dtype=np.float32)[:, :, None]


def mottle(rng: np.random.Generator, wavelength: float, strength: float, spread: float = 1.0) -> Floats:
    """Return uneven brightness around 1, `[SIDE, SIDE, 1]`; the wavelength is a share of the picture's height."""
    coarse = noise(rng, SIDE // 2, max(2.5, wavelength * SIDE / 2), spread)
    fine = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return np.asarray(1 + strength * fine, dtype=np.float32)[:, :, None]


def to_image(picture: Floats) -> Image.Image:
    """Return a picture to draw on."""
    return Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8))


def from_image(image: Image.Image, blur: float = 0.0) -> Floats:
    """Return a drawing as values, out of focus by a radius in pixels."""
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(image, dtype=np.float32) / np.float32(255)
