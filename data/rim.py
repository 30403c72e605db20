"""The rim of what the outfit takes off: pixels of their neighbours' class in which the old garment still shows.

A camera mixes the colours of both sides of an outline into one pixel. Such a pixel keeps its class when the garment
beside it goes, and would draw the garment's outline for ever. It takes the mean colour of the kept pixels around it.
Where there are none, a strand stays as it is, and a speck that the parser took for background is painted. Heads are
sacred: there, not a pixel changes.
"""

from __future__ import annotations

from itertools import product

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
    height, width = mask.shape
    padded = np.pad(mask, reach)
    steps = range(2 * reach + 1)
    rows = np.logical_or.reduce([padded[y : y + height] for y in steps])
    found: BoolArray = np.logical_or.reduce([rows[:, x : x + width] for x in steps])
    return found


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
    clean = np.pad(kept & ~rim, reach)
    colours = np.pad(image, [(reach, reach), (reach, reach), (0, 0)])
    rows, columns = np.nonzero(kept & rim)
    sums = np.zeros((len(rows), 3), np.int32)
    counts = np.zeros((len(rows), 1), np.int32)
    for down, right in product(range(2 * reach + 1), repeat=2):
        here = clean[rows + down, columns + right][:, None]
        counts += here
        sums += colours[rows + down, columns + right] * here
    cleaned = image.copy()
    means = (sums + counts // 2) // np.maximum(counts, 1)
    alone = np.where(paintable[rows, columns, None], painted[rows, columns], image[rows, columns])
    cleaned[rows, columns] = np.where(counts > 0, means, alone)
    return cleaned
