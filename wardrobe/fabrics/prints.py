"""A print on the chest: a word, a logo, or a big picture."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .lettering import draw_hand, fitted_text
from .motifs import draw_motif, stamp
from .palette import DARK, LIGHT, MIDDLE, Floats, draw_scheme, inks
from .pattern import Decal, Flat, Pattern
from .pictures import draw_picture
from .words import draw_number, draw_word

_SMOOTH = 2
_GROUNDS = (DARK, DARK, LIGHT, LIGHT, MIDDLE)


def logo(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Print a word, a number or a motif at the chest: across it, or as small as a breast pocket."""
    scheme = draw_scheme(rng, 4, 0.35, _GROUNDS if rng.random() < 0.7 else ())
    style = rng.choice(["word", "motif", "number", "both", "box"], p=[0.26, 0.26, 0.12, 0.23, 0.13])
    pocket = rng.random() < 0.15
    image = Image.new("RGBA", (440, 440), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    ink = [(*c, 255) for c in inks(scheme[1:])]
    hand = draw_hand(rng)
    if style in ("word", "both", "box"):
        word = draw_word(rng, held_out, int(rng.choice([1, 2, 2, 3])))
        word = word.upper() if rng.random() < 0.6 else word.capitalize()
        middle = (220, 350 if style == "both" else 220)
        if style == "box":
            draw.rectangle((12, 130, 428, 310), fill=ink[1])
        fitted_text(image, word, middle, 400 if style != "box" else 360, 150, ink[0], hand)
    if style == "number":
        number = draw_number(rng, held_out)
        if rng.random() < 0.5:  # a shadow behind it
            fitted_text(image, number, (232, 232), 380, 380, ink[1], hand)
        fitted_text(image, number, (220, 220), 380, 380, ink[0], hand)
    if style in ("motif", "both"):
        middle, radius = ((220, 220), 200) if style == "motif" else ((220, 145), 130)
        stamp(draw, draw_motif(rng, held_out), ink, middle, radius)
    width = rng.uniform(0.07, 0.1) if pocket else rng.uniform(0.16, 0.34)
    # A breast pocket is on the wearer's left.
    centre = (0.085, 0.39) if pocket else (rng.normal(0, 0.004), rng.uniform(0.28, 0.36))
    return Decal(Flat(scheme[0]), premade(image), centre, width)


def graphic(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Print a big picture across the front, as band and holiday shirts have."""
    scheme = draw_scheme(rng, 6, 0.28, _GROUNDS)
    image = draw_picture(rng, held_out, scheme)
    return Decal(Flat(scheme[0]), premade(image), (0.0, rng.uniform(0.25, 0.32)), rng.uniform(0.28, 0.45))


def premade(image: Image.Image) -> Floats:
    """Return a drawing, averaged down, as colours times cover, and cover, `[height, width, 4]`, with a clear border."""
    levels = np.asarray(image.reduce(_SMOOTH), dtype=np.float32) / np.float32(255)
    # Colours times cover, so that reading between pixels mixes in no colour of clear ones.
    levels = np.concatenate([levels[:, :, :3] * levels[:, :, 3:], levels[:, :, 3:]], 2)
    levels[[0, -1]] = 0
    levels[:, [0, -1]] = 0
    return levels
