"""Places in garments' photographs as integers, which no precision rounds.

Half a pixel would tear stripes, FP16 tells no more than 2048 places apart along a side, and bf16 256.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..operators import quotient, sort_rows

UNITS = 1 << 15
"""A photograph's width or height, and what is surely seen."""

SUBPIXELS = 16
"""Units of a column or a row in a pixel."""


def to_units(places: Tensor, seen: Tensor) -> Tensor:
    """Join columns and rows `[B, 2, h, w]`, and how surely they are seen `[B, 1, h, w]`, all from 0 to 1: int32."""
    return (torch.cat([places, seen], dim=1).clamp(0, 1) * UNITS + 0.5).to(torch.int32)


def enlarged(x: Tensor, finer: int) -> Tensor:
    """Interpolate int32 `[..., h, w]` bilinearly to so many times the size, rounded; none is negative."""
    for axis in (x.ndim - 1, x.ndim - 2) if finer > 1 else ():
        size = x.shape[axis]
        before = torch.cat([x.narrow(axis, 0, 1), x.narrow(axis, 0, size - 1)], dim=axis)
        after = torch.cat([x.narrow(axis, 1, size - 1), x.narrow(axis, size - 1, 1)], dim=axis)
        parts = []
        for part in range(finer):
            # How far the part's middle lies from the pixel's, in halves of a part.
            off = 2 * part + 1 - finer
            beside = after if off > 0 else before
            parts.append(quotient(x * (2 * finer - abs(off)) + beside * abs(off) + finer, 2 * finer))
        x = sort_rows(parts, axis)
    return x


def in_pixels(share: Tensor, size: int) -> Tensor:
    """Turn places along a side into columns or rows of a picture of that size, in subpixels, within the picture."""
    return (quotient(share * (size * SUBPIXELS), UNITS) - SUBPIXELS // 2).clamp(min=0, max=(size - 1) * SUBPIXELS)
