"""Text in many hands: fitted into a box, or bent along an arc.

Pillow brings one typeface; squeezing, slanting, weight and outlines make many of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Ink = tuple[int, ...]

_DRAWN = 100
"""Pixels at which letters are drawn before they are fitted."""


@dataclass(frozen=True)
class Hand:
    """How letters are shaped.

    Parameters
    ----------
    weight
        Added to the thickness of strokes, as a share of the letters' size.
    squeeze
        Width as a share of the natural one; condensed letters fill a box better.
    slant
        How far tops lean to the right, as a share of the height.
    hollow
        Draw only the outline.
    """

    weight: float = 0.03
    squeeze: float = 1.0
    slant: float = 0.0
    hollow: bool = False


def draw_hand(rng: np.random.Generator) -> Hand:
    """Draw a way to shape letters: mostly upright and bold, often condensed, now and then slanted or hollow."""
    return Hand(
        weight=float(rng.choice([0.0, 0.02, 0.04, 0.06])),
        squeeze=float(np.exp(rng.uniform(np.log(0.5), np.log(1.35)))),
        slant=float(rng.choice([0.0, 0.0, 0.0, 0.25, -0.15])),
        hollow=bool(rng.random() < 0.12),
    )


def letters(text: str, hand: Hand) -> Image.Image:
    """Return text as a mask, cut to the letters, about 70 pixels high."""
    font = ImageFont.load_default(_DRAWN)
    stroke = round(hand.weight * _DRAWN)
    left, top, right, bottom = font.getbbox(text, stroke_width=stroke + 4)
    size = (max(1, round(right - left)), max(1, round(bottom - top)))
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    if hand.hollow:
        draw.text((-left, -top), text, fill=255, font=font, stroke_width=stroke + 4)
        draw.text((-left, -top), text, fill=0, font=font, stroke_width=max(0, stroke - 1))
    else:
        draw.text((-left, -top), text, fill=255, font=font, stroke_width=stroke)
    lean = round(abs(hand.slant) * size[1])
    if lean:
        shift = -float(lean) if hand.slant > 0 else 0.0
        affine = (1.0, hand.slant, shift, 0.0, 1.0, 0.0)
        mask = mask.transform((size[0] + lean, size[1]), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    cut = mask.crop(mask.getbbox() or (0, 0, 1, 1))
    return cut.resize((max(1, round(cut.width * hand.squeeze)), cut.height))


def fitted_text(
    image: Image.Image,
    text: str,
    centre: tuple[float, float],
    width: float,
    height: float,
    fill: Ink,
    hand: Hand | None = None,
) -> None:
    """Write text as large as fits into a box.

    Parameters
    ----------
    image
        RGB or RGBA picture to write on.
    text
        The text to write.
    centre, width, height
        The box, in pixels.
    fill
        The letters' colour.
    hand
        The letters' shape.
    """
    mask = letters(text, hand or Hand())
    scale = min(width / mask.width, height / mask.height)
    mask = mask.resize((max(1, round(mask.width * scale)), max(1, round(mask.height * scale))))
    image.paste(fill, (round(centre[0] - mask.width / 2), round(centre[1] - mask.height / 2)), mask)


def arched_text(
    image: Image.Image, text: str, radius: float, height: float, fill: Ink, *, top: bool, hand: Hand | None = None
) -> None:
    """Write text along a circle around the middle of a square picture.

    Parameters
    ----------
    image
        RGBA picture to write on.
    text
        The text to write; it takes at most two fifths of the circle.
    radius
        Radius of the circle through the letters' middle, in pixels.
    height
        Height of the letters, in pixels.
    fill
        The letters' colour.
    top
        Along the upper half, else along the lower half (readable from left to right as well).
    hand
        The letters' shape.
    """
    length = round(0.8 * np.pi * radius)
    strip = Image.new("L", (length, round(height)), 0)
    fitted_text(strip, text, (length / 2, height / 2), length, height * 0.7, (255,), hand)
    cover = np.asarray(strip)

    side = image.width
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) - (side - 1) / 2
    from_top = np.arctan2(x, -y) if top else np.arctan2(x, y)
    column = np.rint(length / 2 + from_top * radius).astype(int)
    outwards = np.hypot(x, y) - radius
    row = np.rint(height / 2 - outwards if top else height / 2 + outwards).astype(int)
    inside = (column >= 0) & (column < cover.shape[1]) & (row >= 0) & (row < cover.shape[0])
    bent = np.zeros((side, side), dtype=np.uint8)
    bent[inside] = cover[row[inside], column[inside]]
    image.paste(fill, mask=Image.fromarray(bent))
