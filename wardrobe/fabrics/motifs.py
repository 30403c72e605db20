"""Small pictures that are printed, scattered or sewn on.

Which of them are kept for evaluation is settled by name, so a held-out print is a shape that training never saw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import ImageDraw

from . import icons, plants
from .outlines import Motif

# fmt: off
_ICONS: dict[str, Callable[[], Motif]] = {
    "star": lambda: icons.star(5, 0.42), "burst": lambda: icons.star(10, 0.6), "heart": icons.heart,
    "bolt": icons.bolt, "moon": icons.moon, "cat": icons.cat, "anchor": icons.anchor, "palm": icons.palm_tree,
    "peaks": icons.peaks, "gem": icons.gem, "cherries": icons.cherries, "fish": icons.fish,
    "butterfly": icons.butterfly, "mushroom": icons.mushroom, "crown": icons.crown, "smile": icons.smile,
    "cactus": icons.cactus, "lips": icons.lips, "skull": icons.skull, "daisy": lambda: plants.flower(12, 0.13),
}
_HELD_OUT_ICONS: dict[str, Callable[[], Motif]] = {
    "star6": lambda: icons.star(6, 0.5), "bear": icons.bear, "bird": icons.bird, "paw": icons.paw,
    "boat": icons.boat, "sun": icons.sun, "eye": icons.eye, "planet": icons.planet, "clover": icons.clover,
    "arrow": icons.arrow, "rocket": icons.rocket,
}
_FLOWERS: dict[str, Callable[[], Motif]] = {
    "flower5": lambda: plants.flower(5, 0.32), "flower6": lambda: plants.flower(6, 0.27),
    "daisy": lambda: plants.flower(12, 0.13), "rose": plants.rose,
}
_HELD_OUT_FLOWERS: dict[str, Callable[[], Motif]] = {
    "flower4": lambda: plants.flower(4, 0.36, 0.2), "flower8": lambda: plants.flower(8, 0.2, 0.3),
    "tulip": plants.tulip,
}
_LEAVES: dict[str, Callable[[], Motif]] = {
    "leaf": plants.leaf, "sprig": plants.sprig, "palm_leaf": plants.palm_leaf,
}
_HELD_OUT_LEAVES: dict[str, Callable[[], Motif]] = {
    "oak": lambda: plants.leaf(4), "fern": plants.fern, "monstera": plants.monstera,
}
# fmt: on
_FAMILIES = {
    "icons": (_ICONS, _HELD_OUT_ICONS),
    "flowers": (_FLOWERS, _HELD_OUT_FLOWERS),
    "leaves": (_LEAVES, _HELD_OUT_LEAVES),
}
"""Each family's motifs for training, and those kept for evaluation."""


def motif_names(held_out: bool, family: str = "icons") -> tuple[str, ...]:
    """Return which motifs training (or evaluation) may print: of the ``icons``, ``flowers`` or ``leaves``."""
    return tuple(_FAMILIES[family][held_out])


def draw_motif(rng: np.random.Generator, held_out: bool, family: str = "icons") -> Motif:
    """Draw one motif of a family from the training or the held-out list."""
    motifs = list(_FAMILIES[family][held_out].values())
    return motifs[int(rng.integers(len(motifs)))]()


def stamp(
    draw: ImageDraw.ImageDraw,
    motif: Motif,
    inks: Sequence[tuple[int, ...]],
    centre: tuple[float, float],
    radius: float,
    angle: float = 0.0,
) -> None:
    """Draw a motif.

    Parameters
    ----------
    draw
        The picture to draw on.
    motif
        The motif to draw.
    inks
        Colours by ink number; the last one serves for all numbers beyond.
    centre
        The motif's middle, in pixels from the top left.
    radius
        Half the motif's size, in pixels.
    angle
        Turn to the left, in radians.
    """
    c, s = radius * np.cos(angle), radius * np.sin(angle)
    turn = np.array([[c, -s], [-s, -c]])
    for ink, polygon in motif:
        places = polygon @ turn + centre
        draw.polygon([(float(x), float(y)) for x, y in places], fill=inks[min(ink, len(inks) - 1)])
