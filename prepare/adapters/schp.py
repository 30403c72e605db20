"""SCHP (Self-Correction for Human Parsing) on LIP and on ATR.

Its networks see blue first, and the person in the middle of a square whose surroundings are black. They return a first
answer, the fused one and edges; the fused one, the last with all ids, counts.
"""

from __future__ import annotations

from .parsers import ParserFamily
from .pixels import IMAGENET_DEVIATION, IMAGENET_MEAN, Colour


def _schp(name: str, convention: str, side: int) -> ParserFamily:
    return ParserFamily(
        name,
        convention,
        (side, side),
        _reversed(IMAGENET_MEAN),
        _reversed(IMAGENET_DEVIATION),
        bgr=True,
        border=(0, 0, 0),
        align_corners=True,
    )


def _reversed(colour: Colour) -> Colour:
    red, green, blue = colour
    return blue, green, red


SCHP_LIP = _schp("schp-lip", "lip", 473)
SCHP_ATR = _schp("schp-atr", "atr", 512)
