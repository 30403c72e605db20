"""The few ways in which colour gets onto cloth; every fabric is put together from these.

A pattern is called with cloth coordinates `[n, 2]` (metres: around the body, up the garment) and panels `[n]`, and
returns colours `[n, 3]`, all float32. Patterns do no drawing when called: pictures are drawn once, then looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .palette import Floats

Panels = npt.NDArray[np.uint8]
Pattern = Callable[[Floats, Panels], Floats]
"""Colours `[n, 3]` from cloth coordinates `[n, 2]` and panels `[n]`; the array returned is the caller's own."""

FRONT, BACK, LEFT_LIMB, RIGHT_LIMB = range(4)
"""Panel numbers."""

TEXEL = 0.0015
"""Metres a pixel of drawn cloth: about half a pixel of a full-length picture 512 pixels high."""


def lookup(image: Floats, columns: Floats, rows: Floats, *, wrap: bool) -> Floats:
    """Read an image between its pixels.

    Parameters
    ----------
    image
        `[height, width, channels]` float32.
    columns, rows
        Places `[n]` in pixels; 0 is the centre of the first pixel.
    wrap
        Go on at the opposite edge (a tile); otherwise places outside read the border.

    Returns
    -------
    Floats
        Values `[n, channels]`.
    """
    height, width, channels = image.shape
    if wrap:
        columns, rows = _wrapped(columns, width), _wrapped(rows, height)
    c0, r0 = np.floor(columns), np.floor(rows)
    across, down = (columns - c0)[:, None], (rows - r0)[:, None]
    c0, r0 = c0.astype(np.int32), r0.astype(np.int32)
    c1, r1 = c0 + 1, r0 + 1
    if wrap:
        c1[c1 == width] = 0
        r1[r1 == height] = 0
    else:
        c0, c1, r0, r1 = (np.clip(i, 0, n - 1) for i, n in ((c0, width), (c1, width), (r0, height), (r1, height)))
    flat = image.reshape(-1, channels)
    upper, lower = r0 * width, r1 * width
    above = flat.take(upper + c0, axis=0)
    above += across * (flat.take(upper + c1, axis=0) - above)
    below = flat.take(lower + c0, axis=0)
    below += across * (flat.take(lower + c1, axis=0) - below)
    above += down * (below - above)
    return np.asarray(above, dtype=np.float32)


def _wrapped(places: Floats, period: int) -> Floats:
    """Return places modulo a period, at least 0 and below it; several times faster than `np.mod`."""
    turns = places * np.float32(1 / period)
    turns -= np.floor(turns)
    turns *= period
    # A place just below 0 rounds to the period itself.
    return np.asarray(np.minimum(turns, np.nextafter(np.float32(period), np.float32(0))), dtype=np.float32)


@dataclass(frozen=True)
class Flat:
    """One colour `[3]` everywhere."""

    colour: Floats

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        """Return colours `[n, 3]`; see `Pattern`."""
        return np.broadcast_to(self.colour, (len(cloth), 3)).astype(np.float32)


@dataclass(frozen=True)
class Bands:
    """Stripes across a direction, repeating.

    Parameters
    ----------
    direction
        Unit vector `[2]` across the stripes: (0, 1) gives horizontal ones.
    edges
        Where each band ends `[k]`, in metres, rising; the last is the period.
    colours
        Each band's colour `[k, 3]`.
    start
        Where the first band begins.
    """

    direction: Floats
    edges: Floats
    colours: Floats
    start: float = 0.0

    @property
    def period(self) -> float:
        """Metres after which the stripes repeat."""
        return float(self.edges[-1])

    def index(self, cloth: Floats) -> npt.NDArray[np.intp]:
        """Return which band each place `[n, 2]` lies in."""
        x, y = self.direction
        turns = (cloth[:, 0] * x + cloth[:, 1] * y - np.float32(self.start)) * np.float32(1 / self.edges[-1])
        turns -= np.floor(turns)
        return np.asarray(np.searchsorted(self.edges[:-1] / self.edges[-1], turns, side="right"))

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        """Return colours `[n, 3]`; see `Pattern`."""
        return self.colours.take(self.index(cloth), axis=0)


@dataclass(frozen=True)
class Tile:
    """A picture `[height, width, 3]` that repeats in both directions; row 0 is at the top.

    Parameters
    ----------
    image
        The picture, float32.
    texel
        Metres a pixel.
    """

    image: Floats
    texel: float = TEXEL

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        """Return colours `[n, 3]`; see `Pattern`."""
        scale = np.float32(1 / self.texel)
        return lookup(self.image, cloth[:, 0] * scale, -cloth[:, 1] * scale, wrap=True)


@dataclass(frozen=True)
class Decal:
    """A picture printed once on the front of another pattern.

    Parameters
    ----------
    under
        What shows around and through the picture.
    image
        `[height, width, 4]` float32: colours times cover, and cover; 0 at the border.
    centre
        Where its middle lies `[2]`, in metres.
    width
        Its width in metres.
    """

    under: Pattern
    image: Floats
    centre: tuple[float, float]
    width: float

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        """Return colours `[n, 3]`; see `Pattern`."""
        colours = self.under(cloth, panel)
        height, width = self.image.shape[:2]
        scale = np.float32(width / self.width)
        columns = (cloth[:, 0] - np.float32(self.centre[0])) * scale + np.float32(width / 2)
        rows = (np.float32(self.centre[1]) - cloth[:, 1]) * scale + np.float32(height / 2)
        inside = (panel == FRONT) & (columns > 0) & (columns < width) & (rows > 0) & (rows < height)
        here = np.flatnonzero(inside)
        printed = lookup(self.image, columns[here], rows[here], wrap=False)
        colours[here] = printed[:, :3] + (1 - printed[:, 3:]) * colours[here]
        return colours


@dataclass(frozen=True)
class Grain:
    """Threads that differ a little: a tile of brightness around 1 times another pattern.

    Parameters
    ----------
    under
        The other pattern.
    image
        Brightness `[size, size]`; the size is a power of two.
    texel
        Metres a pixel.
    """

    under: Pattern
    image: Floats
    texel: float = TEXEL

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        """Return colours `[n, 3]`; see `Pattern`."""
        size = len(self.image)
        place = np.floor(cloth * np.float32(1 / self.texel)).astype(np.int32) & (size - 1)
        colours = self.under(cloth, panel)
        colours *= self.image.ravel().take(place[:, 0] - place[:, 1] * size + size * (size - 1))[:, None]
        return colours


@dataclass(frozen=True)
class Panelled:
    """A different pattern for each of the four panels."""

    patterns: tuple[Pattern, Pattern, Pattern, Pattern]

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        """Return colours `[n, 3]`; see `Pattern`."""
        colours = np.empty((len(cloth), 3), dtype=np.float32)
        for number, pattern in enumerate(self.patterns):
            here = np.flatnonzero(panel == number)
            if len(here):
                colours[here] = pattern(cloth[here], panel[here])
        return colours
