"""Colours that people wear, and schemes of several that can be told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import ImageColor

Floats = npt.NDArray[np.float32]


def _rgb(*codes: str) -> Floats:
    return np.array([ImageColor.getrgb(code) for code in codes], dtype=np.float32) / np.float32(255)


# fmt: off
DARK = _rgb("#151516", "#222327", "#1b2338", "#35363a", "#23303f", "#382a22")
"""Black, ink, navy, charcoal, midnight, espresso."""

LIGHT = _rgb("#f4f3f0", "#ffffff", "#ece6d9", "#dcdbd8", "#e5d6be", "#d5dfe8", "#efdfdc")
"""White, optic white, ecru, pale grey, sand, ice blue, blush."""

MIDDLE = _rgb("#8d8f92", "#63666b", "#b3b2ae", "#b89a72", "#86694e", "#43536b", "#5e7690", "#7c7a5d", "#9aa7b2")
"""Greys, camel, tan, denim blues, khaki, slate."""

SATURATED = _rgb(
    "#b3202c", "#7a1f2e", "#d8483c", "#e8795f", "#d9a3a8", "#d6689a", "#a8326e",
    "#e0a526", "#f0cf4f", "#d9772a", "#a9562f", "#6f7a35", "#3f5a34", "#1f5240",
    "#2f8f6b", "#9fcfb8", "#1f6f78", "#4fb3bf", "#1f4fa3", "#3f7fd0", "#8fb8e0",
    "#6f5fa8", "#b6a4d6", "#553366",
)
"""Burgundy to purple, once around the colour circle."""
# fmt: on

_GROUPS = (DARK, LIGHT, MIDDLE, SATURATED)
_SHARES = (0.27, 0.25, 0.17, 0.31)


def draw_colour(rng: np.random.Generator, *groups: Floats) -> Floats:
    """Draw one colour `[3]`, by default as often from each group as people wear it.

    Parameters
    ----------
    rng
        Source of the draw.
    *groups
        Colours `[n, 3]` to draw from instead.
    """
    shares = None if groups else _SHARES
    groups = groups or _GROUPS
    group = groups[int(rng.choice(len(groups), p=shares))]
    colour = group[int(rng.integers(len(group)))] * (1 + rng.normal(0, 0.04)) + rng.normal(0, 0.012, 3)
    return np.asarray(np.clip(colour, 0.03, 0.97), dtype=np.float32)


def distance(first: Floats, second: Floats) -> float:
    """Return how different two colours look: 0 the same, 1 black and white."""
    weights = np.array([0.30, 0.55, 0.15], dtype=np.float32)
    return float(np.sqrt(np.sum(weights * (first - second) ** 2)))


def draw_scheme(rng: np.random.Generator, count: int, contrast: float = 0.25, ground: Sequence[Floats] = ()) -> Floats:
    """Draw a ground colour and the colours printed on it, `[count, 3]`, each apart from all others.

    Parameters
    ----------
    rng
        Source of the draw.
    count
        Number of colours.
    contrast
        The least distance between the ground and any other; colours on it keep half that distance.
    ground
        Groups of colours to draw the ground from; none draws from all.
    """
    colours = [draw_colour(rng, *ground)]
    # Real clothes seldom mix many bright colours: two in three schemes stop at one or two of them.
    quiet = rng.random() < 0.65
    while len(colours) < count:
        bright = sum(float(np.ptp(c)) > 0.25 for c in colours)
        groups = (DARK, LIGHT, MIDDLE) if quiet and bright >= 2 else (SATURATED, SATURATED, *_GROUPS)
        limit = contrast
        for _ in range(24):
            colour = draw_colour(rng, *groups)
            if distance(colour, colours[0]) >= limit and all(distance(colour, c) >= limit / 2 for c in colours[1:]):
                break
            limit *= 0.96  # a crowded scheme takes what comes closest
        colours.append(colour)
    return np.stack(colours)


def inks(colours: Floats) -> list[tuple[int, int, int]]:
    """Return colours `[n, 3]` as Pillow wants them."""
    levels = np.rint(np.asarray(colours).reshape(-1, 3) * 255).astype(int)
    return [(int(r), int(g), int(b)) for r, g, b in levels]
