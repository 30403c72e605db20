"""Drawing a tile of cloth: motifs that cross one edge come back in at the opposite one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from .motifs import stamp
from .outlines import Motif
from .palette import Floats, inks
from .pattern import TEXEL, Tile

SMOOTH = 2
"""Tiles are drawn this many times larger and averaged, so that edges are smooth."""


class Canvas:
    """A square of cloth that repeats seamlessly.

    Parameters
    ----------
    size
        Its side in metres; rounded to whole texels.
    ground
        Its colour `[3]`.
    """

    def __init__(self, size: float, ground: Floats):
        self.texels = max(8, round(size / TEXEL))
        self.side = self.texels * SMOOTH
        self.image = Image.new("RGB", (self.side, self.side), inks(ground)[0])
        self.draw = ImageDraw.Draw(self.image)

    @property
    def size(self) -> float:
        """Side in metres, as rounded."""
        return self.texels * TEXEL

    def pixels(self, metres: float) -> float:
        """Return a length in pixels of the drawing."""
        return metres / TEXEL * SMOOTH

    def stamp(self, motif: Motif, colours: Floats, place: Sequence[float], radius: float, angle: float = 0.0) -> None:
        """Draw a motif, and again wherever it crosses an edge.

        Parameters
        ----------
        motif, colours
            The motif to draw, and its inks `[k, 3]`.
        place
            The motif's middle, in metres from the top left.
        radius
            Half the motif's size in metres.
        angle
            Turn to the left, in radians.
        """
        ink = inks(colours)
        reach = self.pixels(radius) * 1.5
        x, y = (self.pixels(p) % self.side for p in place)
        for dx in (-self.side, 0, self.side):
            for dy in (-self.side, 0, self.side):
                if -reach < x + dx < self.side + reach and -reach < y + dy < self.side + reach:
                    stamp(self.draw, motif, ink, (x + dx, y + dy), reach / 1.5, angle)

    def tile(self) -> Tile:
        """Return what was drawn."""
        return Tile(np.asarray(self.image.reduce(SMOOTH), dtype=np.float32) / np.float32(255))


def scatter(rng: np.random.Generator, size: float, gap: float, tries: int = 400) -> list[tuple[float, float]]:
    """Return places at least `gap` apart on a repeating square, spread without order.

    Parameters
    ----------
    rng
        Source of the draw.
    size
        Side of the square in metres.
    gap
        Least distance in metres.
    tries
        How many places are tried; most that fit are found with ten for each.
    """
    found = np.empty((0, 2))
    for place in rng.uniform(0, size, (tries, 2)):
        apart = np.abs(found - place)
        apart = np.minimum(apart, size - apart)
        if not len(found) or (apart**2).sum(1).min() > gap**2:
            found = np.concatenate([found, place[None]])
    return [(float(x), float(y)) for x, y in found]
