"""Push-pull: what is known of some pixels, spread to the others over ever coarser levels of a pyramid.

After Gortler et al., *The Lumigraph* (SIGGRAPH 1996). Pushed, a picture becomes a pyramid; pulled, each level gives to
the next finer one what that does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def halved(x: Tensor) -> Tensor:
    """Average each 2×2 pixels of float `[B, C, H, W]`."""
    return F.avg_pool2d(x, 2)


def doubled(x: Tensor) -> Tensor:
    """Interpolate float `[B, C, h, w]` bilinearly to twice the size."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear")


def push(x: Tensor, halvings: int, coarser: Callable[[Tensor], Tensor] = halved) -> list[Tensor]:
    """Return a pyramid, finest level first.

    Parameters
    ----------
    x
        The finest level, `[..., H, W]`; H and W are multiples of 2^`halvings`.
    halvings
        How many coarser levels there are.
    coarser
        What makes a level of the next finer one; by default averages.
    """
    pyramid = [x]
    for _ in range(halvings):
        pyramid.append(coarser(pyramid[-1]))
    return pyramid


def pull(
    levels: Sequence[tuple[Tensor | float, Tensor]],
    coarsest: Tensor,
    finer: Callable[[Tensor], Tensor],
) -> Tensor:
    """Fill what the levels of a pyramid do not know from the next coarser one; the finest is returned.

    Parameters
    ----------
    levels
        What each level holds and, as bool of its size, where it is known; finest first, without the coarsest.
    coarsest
        The coarsest level, `[..., h, w]`, itself filled.
    finer
        What makes of a filled level the guess at the next finer one, twice as large.
    """
    found = coarsest
    for values, known in reversed(levels):
        found = torch.where(known, values, finer(found))
    return found
