"""What every garment has in common."""

from __future__ import annotations

from dataclasses import dataclass

from ..layer import Cut, Layer
from ..mesh import IndexArray


@dataclass(frozen=True)
class DrapedGarment:
    """A garment on a figure.

    Parameters
    ----------
    layers
        The surfaces that draw it.
    covers
        Where it hides what is beneath, as a cut; None when it hides nothing for sure (a skirt, a scarf).
    hides
        Base vertices of the skin that it hides; None for none beside `covers`.
    """

    layers: tuple[Layer, ...]
    covers: Cut | None = None
    hides: IndexArray | None = None
