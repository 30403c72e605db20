"""The rim of what the outfit takes off: pixels of their neighbours' class in which the old garment still shows.

A camera mixes the colours of both sides of an outline into one pixel. Such a pixel keeps its class when the garment
beside it goes, and would draw the garment's outline for ever. It takes the mean colour of the kept pixels around it.
Where there are none, a strand stays as it is, and a speck that the parser took for background is painted. Heads are
sacred: there, not a pixel changes.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .classes import HEAD, NUM_CLASSES
from .images import UInt8Array
from .letterbox import Letterbox

BoolArray = npt.NDArray[np.bool_]


def rim_reach(height: int) -> int:
    """Return how wide the rim is in a network's frame of this height, in pixels: parses are no finer than that."""
    return max(1, round(height / 256))


def photo_rim_reach(box: Letterbox) -> int:
    """Return how wide it is in the photograph that lies in such a frame, in the photograph's pixels."""
    return rim_reach(box.height) * box.photo_pixels


def near(mask: BoolArray, reach: int = 1) -> BoolArray:
    """Return where a pixel of a mask `[H, W]` is at most `reach` rows and columns away, itself included."""
    padded = np.pad(mask, reach)
    return _runs(_runs(padded, 2 * reach + 1).T, 2 * reach + 1).T


def _runs(mask: BoolArray, length: int) -> BoolArray:
    """Return whether any of so many rows from each one on is set, for all rows that so many follow."""
    known = 1
    while known < length:
        step = min(known, length - known)
        mask = mask[:-step] | mask[step:]
        known += step
    return mask


def rim_of(labels: UInt8Array, source: npt.NDArray[np.int32], reach: int = 1) -> BoolArray:
    """Return where pixels beside what the outfit takes off may show some of it, `[H, W]`; never the head.

    Parameters
    ----------
    labels
        The person's own, `[H, W]`.
    source
        int32 `[20]`; 0 for a class that stays.
    reach
        How wide the rim is, in pixels.
    """
    taken = (source != 0).take(labels)
    sacred = np.isin(np.arange(NUM_CLASSES), HEAD).take(labels)
    beside: BoolArray = near(taken, reach) & ~taken & ~sacred
    return beside


def clean_rim(
    image: UInt8Array, painted: UInt8Array, paintable: BoolArray, kept: BoolArray, rim: BoolArray, reach: int = 1
) -> UInt8Array:
    """Return the photograph with the rim of what is taken off in the colours of the kept pixels around it.

    Parameters
    ----------
    image
        The photograph, uint8 `[H, W, 3]`.
    painted
        What the networks made of it, uint8 `[H, W, 3]`.
    paintable
        Where it may show instead of a pixel that nothing else can clean, `[H, W]`.
    kept
        Where its pixels stay, `[H, W]`.
    rim
        What `rim_of` found, `[H, W]`.
    reach
        How wide the rim is, in pixels.

    Returns
    -------
    array
        uint8 `[H, W, 3]`, rounded half up. A rim pixel without a kept neighbour outside the rim is as painted if it may
        be, and else as it was.
    """
    rows, columns = np.nonzero(kept & rim)
    cleaned = image.copy()
    if not len(rows):
        return cleaned
    # Only the part of the photograph that their windows reach into.
    top, left = max(0, rows.min() - reach), max(0, columns.min() - reach)
    part = np.s_[top : rows.max() + reach + 1, left : columns.max() + reach + 1]
    clean = kept[part] & ~rim[part]
    places = rows - top, columns - left
    counts = _window_sums(clean, *places, reach)[:, None]
    sums = np.stack([_window_sums(image[(*part, c)] * clean, *places, reach) for c in range(3)], axis=1)
    means = (sums + counts // 2) // np.maximum(counts, 1)
    alone = np.where(paintable[rows, columns, None], painted[rows, columns], image[rows, columns])
    cleaned[rows, columns] = np.where(counts > 0, means, alone)
    return cleaned


def _window_sums(
    plane: npt.NDArray[np.generic], rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], reach: int
) -> npt.NDArray[np.uint32]:
    """Add up the squares of pixels of a plane `[H, W]` that reach so far around some of its pixels.

    From a summed-area table (Crow, SIGGRAPH 1984), whose cost does not grow with the reach. It wraps around at 2^32,
    which differences within a window do not notice.
    """
    height, width = plane.shape
    table = np.zeros((height + 1, width + 1), np.uint32)
    np.cumsum(plane, axis=1, dtype=np.uint32, out=table[1:, 1:])
    for last, row in pairwise(table):  # five times as fast as NumPy's own sum down columns
        np.add(last, row, out=row)
    above, below = np.maximum(rows - reach, 0), np.minimum(rows + reach + 1, height)
    before, after = np.maximum(columns - reach, 0), np.minimum(columns + reach + 1, width)
    found: npt.NDArray[np.uint32] = (
        table[below, after] - table[above, after] - table[below, before] + table[above, before]
    )
    return found
