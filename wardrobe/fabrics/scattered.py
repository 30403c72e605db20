"""Prints of many small things: dots, flowers, and conversational all-over prints."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, scatter
from .lettering import draw_hand, letters
from .motifs import draw_motif
from .outlines import Motif
from .palette import DARK, LIGHT, SATURATED, Floats, draw_scheme, inks
from .pattern import Pattern
from .words import draw_word

_DISC: Motif = [(0, np.stack([np.sin(a := np.linspace(0, 2 * np.pi, 28)), np.cos(a)], 1).astype(np.float32))]


def dots(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Print dots in rows, staggered rows, or thrown at random; of one size or several."""
    style = rng.choice(["grid", "staggered", "thrown", "sizes"], p=[0.15, 0.45, 0.2, 0.2])
    gap = float(np.exp(rng.uniform(np.log(0.018), np.log(0.09))))
    scheme = draw_scheme(rng, 2 if rng.random() < 0.7 else 4, 0.35)
    radius = gap * rng.uniform(0.17, 0.34)
    if style in ("grid", "staggered"):
        # A staggered cell is two dots; the canvas is as large as the cell, so the period is exact to a texel.
        cells = max(1, round(0.16 / gap))
        canvas = Canvas(cells * gap, scheme[0])
        step = canvas.size / cells
        for row in range(cells):
            for column in range(cells):
                ink = scheme[1 + int(rng.integers(len(scheme) - 1))]
                canvas.stamp(_DISC, ink, (column * step, row * step), radius * (0.8 if style == "staggered" else 1))
                if style == "staggered":
                    canvas.stamp(_DISC, ink, ((column + 0.5) * step, (row + 0.5) * step), radius * 0.8)
        return canvas.tile()
    canvas = Canvas(min(0.45, 10 * gap), scheme[0])
    for place in scatter(rng, canvas.size, gap * 0.8):
        ink = scheme[1 + int(rng.integers(len(scheme) - 1))]
        grow = rng.uniform(0.4, 1.5) if style == "sizes" else 1.0
        canvas.stamp(_DISC, ink, place, radius * grow)
    return canvas.tile()


def floral(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Print flowers and leaves of several sizes, thrown irregularly; small ditsy ones to large tropical ones."""
    scale = float(np.exp(rng.uniform(np.log(0.014), np.log(0.055))))
    scheme = draw_scheme(rng, 6, 0.25, [LIGHT, DARK, DARK, SATURATED])
    canvas = Canvas(float(np.clip(10 * scale, 0.25, 0.5)), scheme[0])
    leaf_inks = np.stack([scheme[1], scheme[1], 0.7 * scheme[1] + 0.3 * scheme[0]])
    leaves = [draw_motif(rng, held_out, "leaves") for _ in range(2)]
    for place in scatter(rng, canvas.size, scale * rng.uniform(1.0, 2.0)):
        leaf = leaves[int(rng.integers(2))]
        canvas.stamp(leaf, leaf_inks, place, scale * rng.uniform(0.6, 1.1), rng.uniform(0, 6.3))
    blooms = [(draw_motif(rng, held_out, "flowers"), _bloom(rng, scheme)) for _ in range(3)]
    density = rng.uniform(1.3, 2.6)
    for place in scatter(rng, canvas.size, scale * density):
        motif, ink = blooms[int(rng.integers(3))]
        canvas.stamp(motif, ink, place, scale * rng.uniform(0.55, 1.15), rng.uniform(0, 6.3))
    return canvas.tile()


def _bloom(rng: np.random.Generator, scheme: Floats) -> Floats:
    """Return a flower's petals, heart and shade `[3, 3]`."""
    petals, heart = scheme[2:][rng.permutation(len(scheme) - 2)[:2]]
    return np.stack([petals, heart, 0.72 * petals + 0.28 * heart])


def all_over(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Print large leaves, thrown icons, rows of words, brush strokes or a patchwork: no two places alike."""
    style = rng.choice(["tropical", "icons", "words", "strokes", "patchwork"], p=[0.2, 0.3, 0.12, 0.18, 0.2])
    scheme = draw_scheme(rng, 6, 0.28)
    if style == "tropical":
        return _tropical(rng, held_out, scheme)
    if style == "icons":
        return _icons(rng, held_out, scheme)
    if style == "words":
        return _words(rng, held_out, scheme)
    if style == "strokes":
        return _strokes(rng, scheme)
    return _patchwork(rng, held_out, scheme)


def _tropical(rng: np.random.Generator, held_out: bool, scheme: Floats) -> Pattern:
    canvas = Canvas(0.48, scheme[0])
    for layer in range(3):
        ink = np.stack([scheme[1 + layer], scheme[1 + layer], 0.6 * scheme[1 + layer] + 0.4 * scheme[0]])
        for place in scatter(rng, canvas.size, 0.085 + 0.02 * layer):
            leaf = draw_motif(rng, held_out, "leaves")
            canvas.stamp(leaf, ink, place, rng.uniform(0.05, 0.1), rng.uniform(0, 6.3))
    for place in scatter(rng, canvas.size, 0.16):
        canvas.stamp(draw_motif(rng, held_out, "flowers"), _bloom(rng, scheme), place, rng.uniform(0.03, 0.06))
    return canvas.tile()


def _icons(rng: np.random.Generator, held_out: bool, scheme: Floats) -> Pattern:
    scale = float(np.exp(rng.uniform(np.log(0.014), np.log(0.045))))
    canvas = Canvas(float(np.clip(10 * scale, 0.2, 0.5)), scheme[0])
    motifs = [draw_motif(rng, held_out) for _ in range(int(rng.integers(1, 6)))]
    tilt = rng.choice([0.0, 0.5, 3.2])
    for place in scatter(rng, canvas.size, scale * rng.uniform(2.0, 2.6)):
        ink = scheme[1:][rng.permutation(5)[:3]]
        motif = motifs[int(rng.integers(len(motifs)))]
        canvas.stamp(motif, ink, place, scale * rng.uniform(0.8, 1.1), rng.uniform(-1, 1) * tilt)
    for place in scatter(rng, canvas.size, scale * 1.7) if rng.random() < 0.4 else ():
        canvas.stamp(_DISC, scheme[1], place, scale * 0.12)
    return canvas.tile()


def _words(rng: np.random.Generator, held_out: bool, scheme: Floats) -> Pattern:
    canvas = Canvas(0.4, scheme[0])
    ink = inks(scheme)
    rows = int(rng.integers(6, 14))
    height = canvas.side / rows
    hand = draw_hand(rng)
    cycle = int(rng.integers(1, 4))
    for row in range(rows):
        # A row of words as long as the tile is wide goes on across the seam.
        mask = letters(" ".join(draw_word(rng, held_out) for _ in range(int(rng.integers(2, 6)))).upper() + " -", hand)
        mask = mask.resize((canvas.side, round(height * rng.uniform(0.6, 0.85))))
        shift = int(rng.integers(canvas.side))
        for x in (shift, shift - canvas.side):
            canvas.image.paste(ink[1 + row % cycle], (x, round(row * height)), mask)
    return canvas.tile()


def _strokes(rng: np.random.Generator, scheme: Floats) -> Pattern:
    canvas = Canvas(0.48, scheme[0])
    along = np.linspace(-1, 1, 14)
    base = rng.uniform(0, 3.2)
    for place in scatter(rng, canvas.size, rng.uniform(0.03, 0.06)):
        bend, thick = rng.normal(0, 0.35), rng.uniform(0.1, 0.35)
        spine = bend * along**2 + rng.normal(0, 0.03, 14)
        width = thick * (1 - along**4) * rng.uniform(0.6, 1.0, 14)
        outline = np.concatenate([np.stack([along, spine + width], 1), np.stack([along, spine - width], 1)[::-1]])
        angle = base + rng.normal(0, rng.choice([0.15, 1.5]))
        canvas.stamp([(0, outline.astype(np.float32))], scheme[1 + int(rng.integers(5))], place,
                     rng.uniform(0.03, 0.085), angle)  # fmt: skip
    return canvas.tile()


def _patchwork(rng: np.random.Generator, held_out: bool, scheme: Floats) -> Pattern:
    canvas = Canvas(0.48, scheme[0])
    cells = int(rng.integers(4, 8))
    side = canvas.side / cells
    step = canvas.size / cells
    for row in range(cells):
        for column in range(cells):
            order = scheme[rng.permutation(6)]
            ink = inks(order)
            x, y = column * side, row * side
            canvas.draw.rectangle((x, y, x + side, y + side), fill=ink[0])
            filling = rng.random()
            if filling < 0.35:
                canvas.stamp(
                    draw_motif(rng, held_out), order[1:4], ((column + 0.5) * step, (row + 0.5) * step), step * 0.4
                )
            elif filling < 0.6:
                for i in np.arange(0.1, 1, 0.25):
                    canvas.draw.rectangle((x, y + i * side, x + side, y + (i + 0.12) * side), fill=ink[1])
            elif filling < 0.8:
                canvas.draw.polygon([(x, y), (x + side, y), (x, y + side)], fill=ink[1])
    return canvas.tile()
