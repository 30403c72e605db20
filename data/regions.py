"""Regions of pixels that grow inside a mask."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]


def share_out(first: BoolArray, second: BoolArray, mask: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Let two sets of pixels grow inside a mask, a pixel at a time, until all that either can reach is taken.

    Parameters
    ----------
    first, second
        Where they begin, in the mask, `[H, W]`; they share no pixel.
    mask
        What they may take, `[H, W]`.

    Returns
    -------
    tuple
        The pixels that each took; where both arrive at once they are the first's. The rest of the mask is neither's.

    Examples
    --------
    >>> mask = np.array([[1, 1, 1, 1, 0, 1]], bool)
    >>> first, second = np.zeros_like(mask), np.zeros_like(mask)
    >>> first[0, 0] = second[0, 3] = True
    >>> [taken.astype(int).tolist() for taken in share_out(first, second, mask)]
    [[[1, 1, 0, 0, 0, 0]], [[0, 0, 1, 1, 0, 0]]]
    """
    while True:
        free = mask & ~first & ~second
        new_first, new_second = _grown(first) & free, _grown(second) & free
        if not (new_first.any() or new_second.any()):
            return first, second
        first, second = first | new_first, second | (new_second & ~new_first)


def _grown(mask: BoolArray) -> BoolArray:
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown
