"""Atlases of the body: one square chart for each body part, in which surface coordinates (U, V) are texels.

The pixels of a photograph are entered into an atlas under their coordinates, and another's pixels are looked up there
under theirs: that is how garments get from body to body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..operators import quotient, read_flat

_DECAY = 0.8
"""What is left of the confidence with every level, that is, with texels of twice the size."""


def has_coordinates(part: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Return 1 where pixels lie on the body and have coordinates, else 0, of int32 part, U and V: int32.

    A body map without coordinates has U = V = 0 throughout.
    """
    return part.clamp(max=1) * (u + v).clamp(max=1)


def texel_index(chart: Tensor, u: Tensor, v: Tensor, texels: int) -> Tensor:
    """Return the numbers of texels in an atlas whose charts have `texels`×`texels` of them.

    Chart, U and V are int32 of one shape, which is the result's; coordinates are rounded down.
    """
    row, column = quotient(u * texels, 256), quotient(v * texels, 256)
    return (chart * texels + row) * texels + column


def enter(values: Tensor, index: Tensor, size: int) -> Tensor:
    """Enter pixels into atlases; of those that share a texel one stays.

    Parameters
    ----------
    values
        What to enter, int32 `[B, P]`.
    index
        The texel of each pixel, integers `[B, P]` from 0 to `size` - 1. Pixels that are not to be found again share a
        texel that is never read.
    size
        How many texels an atlas has; at least P, as TensorRT's ScatterElements takes no more updates than elements.

    Returns
    -------
    Tensor
        int32 `[B, size]`, 0 where nothing was entered.
    """
    empty = torch.zeros(index.shape[0], size, dtype=torch.int32, device=index.device)
    return empty.scatter(1, index.to(torch.int64), values)


def read_levels(levels: Sequence[Tensor], index: Callable[[int], Tensor], wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Read a pyramid of atlases, for each pixel at the finest level that holds anything above 0 at its texel.

    Parameters
    ----------
    levels
        The atlases, finest first, `[..., texels, texels]` each, as `texel_index` counts them.
    index
        Gives each pixel's texel for so many texels a side: integers of any shape.
    wanted
        1 for pixels that are to find something, else 0; of a shape that broadcasts to that of the texels.

    Returns
    -------
    values, confidence
        What was found, in the atlases' dtype, and float32 in [0, 1]: 1 at the finest level, less at coarser ones. Both
        are 0 where nothing was found.
    """
    found = torch.zeros((), dtype=levels[0].dtype, device=wanted.device)
    confidence = torch.zeros((), device=wanted.device)
    for power, level in reversed(list(enumerate(levels))):
        here = read_flat(level, index(level.shape[-1])) * wanted
        hit = here > 0
        found, confidence = torch.where(hit, here, found), torch.where(hit, _DECAY**power, confidence)
    return found, confidence
