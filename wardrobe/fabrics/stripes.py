"""Stripes: even, breton, rugby, multicoloured, and pinstripes."""

from __future__ import annotations

import numpy as np

from .palette import DARK, LIGHT, MIDDLE, Floats, draw_scheme
from .pattern import Bands, Pattern

ACROSS = np.array([0, 1], dtype=np.float32)
"""Direction in which horizontal stripes follow one another."""

ALONG = np.array([1, 0], dtype=np.float32)
"""Direction in which vertical stripes follow one another."""


def even(direction: Floats, period: float, colours: Floats, duty: float = 0.5, start: float = 0.0) -> Bands:
    """Return two colours in turn.

    Parameters
    ----------
    direction
        Unit vector `[2]` across the stripes.
    period
        Metres from one stripe to the next.
    colours
        Ground and stripe `[2, 3]`.
    duty
        Share of the period that the stripe takes.
    start
        Where the first ground band begins, in metres.
    """
    return Bands(direction, np.array([period * (1 - duty), period], dtype=np.float32), colours, start)


def regular(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Lay horizontal stripes of two colours, 2 to 10 cm apart; a few finer, a few diagonal."""
    period = float(np.exp(rng.uniform(np.log(0.018), np.log(0.11))))
    direction = ACROSS
    if rng.random() < 0.1:
        angle = rng.uniform(0.4, 1.1) * rng.choice([-1, 1])
        direction = np.array([np.sin(angle), np.cos(angle)], dtype=np.float32)
    return even(direction, period, draw_scheme(rng, 2, 0.3), rng.uniform(0.25, 0.6), rng.uniform(0, period))


def irregular(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Lay breton (narrow on white), rugby (wide, three colours) or multicoloured bands of many widths."""
    style = rng.choice(["breton", "rugby", "multi", "twin"])
    if style == "breton":
        colours = draw_scheme(rng, 2, 0.45, [LIGHT])
        return even(ACROSS, rng.uniform(0.022, 0.045), colours, rng.uniform(0.2, 0.38), rng.uniform(0, 0.05))
    if style == "twin":  # a narrow line beside each wide one
        scheme = draw_scheme(rng, 3, 0.3)
        widths = rng.uniform(0.02, 0.05), rng.uniform(0.015, 0.04), rng.uniform(0.004, 0.012), rng.uniform(0.004, 0.01)
        order = [0, 1, 0, 2]
        return Bands(ACROSS, np.cumsum(widths).astype(np.float32), scheme[order], rng.uniform(0, 0.1))
    if style == "rugby":
        scheme = draw_scheme(rng, 3, 0.3)
        wide, line = rng.uniform(0.05, 0.1), rng.uniform(0.006, 0.018)
        widths_, order = [wide, line, wide * rng.uniform(0.7, 1.1), line], [0, 2, 1, 2]
        return Bands(ACROSS, np.cumsum(widths_).astype(np.float32), scheme[order], rng.uniform(0, 0.1))
    count = int(rng.integers(3, 6))
    scheme = draw_scheme(rng, count, 0.25)
    bands = int(rng.integers(7, 15))
    steps = 1 + rng.integers(0, count - 1, bands)
    order_ = np.cumsum(steps) % count  # a step of 1 to count-1 never repeats a colour
    widths_ = np.exp(rng.uniform(np.log(0.007), np.log(0.075), bands)).tolist()
    return Bands(ACROSS, np.cumsum(widths_).astype(np.float32), scheme[order_], rng.uniform(0, 0.3))


def vertical(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Lay vertical stripes: pinstripes, shirting, or wide awning stripes."""
    style = rng.choice(["pin", "shirting", "awning", "multi"], p=[0.3, 0.25, 0.3, 0.15])
    if style == "pin":
        colours = draw_scheme(rng, 2, 0.3, [DARK, DARK, MIDDLE])
        period = rng.uniform(0.014, 0.035)
        return even(ALONG, period, colours, rng.uniform(0.0025, 0.004) / period, period / 2)
    if style == "shirting":
        return even(ALONG, rng.uniform(0.01, 0.02), draw_scheme(rng, 2, 0.25, [LIGHT]), rng.uniform(0.3, 0.5))
    if style == "awning":
        return even(
            ALONG, rng.uniform(0.025, 0.1), draw_scheme(rng, 2, 0.3), rng.uniform(0.35, 0.55), rng.uniform(0, 0.1)
        )
    scheme = draw_scheme(rng, 4, 0.25)
    widths = np.exp(rng.uniform(np.log(0.006), np.log(0.045), 6))
    return Bands(ALONG, np.cumsum(widths).astype(np.float32), scheme[[0, 1, 0, 2, 0, 3]], rng.uniform(0, 0.1))
