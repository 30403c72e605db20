"""Checks: chessboard, windowpane, gingham and tartan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .palette import DARK, LIGHT, SATURATED, Floats, draw_scheme
from .pattern import Bands, Panels, Pattern
from .stripes import ACROSS, ALONG, even


@dataclass(frozen=True)
class Woven:
    """Coloured threads along and across, of which half of each show where they cross.

    Parameters
    ----------
    warp, weft
        Colours of the threads that run up, and around.
    twill
        How far single threads show as fine diagonals, 0 to 1.
    """

    warp: Bands
    weft: Bands
    twill: float = 0.0

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        """Return colours `[n, 3]`; see `Pattern`."""
        mixed = self.warp(cloth, panel)
        across = self.weft(cloth, panel)
        share: Floats | np.float32 = np.float32(0.5)
        if self.twill:
            diagonal = np.mod((cloth[:, 0] + cloth[:, 1]) * np.float32(1 / 0.006), 1) > 0.5
            share = np.where(diagonal, np.float32(0.5 + self.twill / 2), np.float32(0.5 - self.twill / 2))[:, None]
        mixed += share * (across - mixed)
        return mixed


@dataclass(frozen=True)
class Crossed:
    """Two sets of bands; a table `[k, l, 3]` says the colour where two cross."""

    warp: Bands
    weft: Bands
    table: Floats

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        """Return colours `[n, 3]`; see `Pattern`."""
        where = self.warp.index(cloth) * self.table.shape[1] + self.weft.index(cloth)
        return self.table.reshape(-1, 3).take(where, axis=0)


def checks(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Weave a chessboard, a windowpane or a graph check."""
    style = rng.choice(["board", "pane", "graph"], p=[0.35, 0.4, 0.25])
    if style == "board":
        scheme, size = draw_scheme(rng, 2, 0.3), rng.uniform(0.02, 0.07)
        bands = even(ALONG, 2 * size, scheme), even(ACROSS, 2 * size, scheme)
        return Crossed(*bands, np.stack([scheme, scheme[::-1]]))
    scheme = draw_scheme(rng, 3, 0.3)
    size = rng.uniform(0.05, 0.11) if style == "pane" else rng.uniform(0.018, 0.035)
    line = rng.uniform(0.003, 0.009) / size if style == "pane" else 0.16
    second = scheme[2] if style == "pane" and rng.random() < 0.4 else scheme[1]
    table = np.stack([np.stack([scheme[0], second]), np.stack([scheme[1], scheme[1]])])
    return Crossed(even(ALONG, size, scheme[:2], line), even(ACROSS, size, scheme[:2], line), table)


def gingham(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Weave white and one colour, and their mixture where they cross."""
    scheme = draw_scheme(rng, 2, 0.4, [LIGHT[:2]] if rng.random() < 0.8 else [DARK])
    size = float(np.exp(rng.uniform(np.log(0.009), np.log(0.04))))
    return Woven(even(ALONG, 2 * size, scheme), even(ACROSS, 2 * size, scheme))


def tartan(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Weave a sett of several bands, mirrored as weavers do, the same along and across."""
    scheme = draw_scheme(rng, int(rng.integers(3, 6)), 0.25, [DARK, SATURATED, SATURATED, LIGHT])
    half = int(rng.integers(3, 6))
    widths = rng.choice([0.004, 0.007, 0.012, 0.02, 0.032], half, p=[0.25, 0.25, 0.2, 0.15, 0.15])
    widths[0] = rng.uniform(0.025, 0.05)
    steps = 1 + rng.integers(0, len(scheme) - 1, half)
    steps[0] = 0
    order = np.cumsum(steps) % len(scheme)
    # Mirrored about its first and last band: 0 1 2 3 2 1.
    sett = np.concatenate([np.arange(half), np.arange(half - 2, 0, -1)])
    widths = widths * rng.uniform(0.8, 1.3)
    edges = np.cumsum(widths[sett]).astype(np.float32)
    colours, start = scheme[order[sett]], rng.uniform(0, 0.1)
    return Woven(Bands(ALONG, edges, colours, start), Bands(ACROSS, edges, colours, start), rng.choice([0.0, 0.3, 0.6]))
