"""What can be measured of a try-on on a photograph, of which no true picture exists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.classes import BACKGROUND, CLASS_IDS, SKIN
from ..data.images import UInt8Array
from ..data.optional import require
from ..networks.losses import directions

_skimage = require("skimage", extra="train", purpose="evaluation")

Mask = npt.NDArray[np.bool_]

SPECK = 0.0002
"""A piece of a smaller share of the frame is none, on either side of a comparison."""

BARED = 0.002
"""A limb of which a larger share of the frame comes to light counts as bared."""

LIMBS = {
    "left_arm": (4, 15, 17, 19, 21),
    "right_arm": (3, 16, 18, 20, 22),
    "left_leg": (8, 10, 12, 14),
    "right_leg": (7, 9, 11, 13),
}
"""DensePose parts of each limb."""

_BARE = (BACKGROUND, *SKIN)


def pieces(mask: Mask) -> int:
    """Count the connected pieces of a mask `[H, W]`, corners included, that are no specks."""
    numbered = _skimage.measure.label(mask, connectivity=2)
    return int((np.bincount(numbered.ravel())[1:] >= SPECK * mask.size).sum())


def roughness(mask: Mask) -> float:
    """Return perimeter² / area of a mask `[H, W]` that is not empty: 4π for a disc, more for a ragged outline."""
    return float(_skimage.measure.perimeter_crofton(mask) ** 2 / mask.sum())


def bared_limbs(labels: UInt8Array, old_labels: UInt8Array, body: UInt8Array) -> dict[str, float]:
    """Return the IoU of each limb that came to light with the body map's limb.

    Parameters
    ----------
    labels, old_labels
        The result's labels and the person's own, `[H, W]`.
    body
        The person's body map, `[H, W, 3]`.

    Returns
    -------
    dict
        By class. Where the result shows cloth, hair or anything else but skin and background, no limb is expected.
    """
    found = {}
    for name, parts in LIMBS.items():
        drawn = labels == CLASS_IDS[name]
        if (drawn & (old_labels != CLASS_IDS[name])).mean() < BARED:
            continue
        there = np.isin(body[..., 0], parts) & np.isin(labels, _BARE)
        drawn &= ~np.isin(body[..., 0], (5, 6))  # feet have no class of their own
        found[name] = float((drawn & there).sum() / (drawn | there).sum())
    return found


def colour_difference(picture: UInt8Array, mask: Mask, other: UInt8Array, other_mask: Mask) -> float:
    """Return the CIE76 difference of two regions' mean colours; about 2 can just be seen."""
    means = (
        _skimage.color.rgb2lab(each[where][None].astype(np.float64) / 255)[0].mean(axis=0)
        for each, where in ((picture, mask), (other, other_mask))
    )
    return float(np.linalg.norm(next(means) - next(means)))


def texture_difference(taps: Sequence[Tensor], masks: Sequence[Mask]) -> float:
    """Return how far the mean feature directions of two pictures' regions are apart, wherever in them things lie.

    Parameters
    ----------
    taps
        Feature maps of both pictures, `[2, C, h, w]` by layer.
    masks
        The two regions, `[H, W]`.
    """
    weights = torch.from_numpy(np.stack(masks)).float().unsqueeze(1)
    differences = []
    for tap in directions(taps):
        share = F.interpolate(weights, tap.shape[2:], mode="area")
        means = (tap * share).sum(dim=(2, 3)) / share.sum(dim=(2, 3)).clamp(min=1e-6)
        differences.append((means[0] - means[1]).square().sum())
    return float(torch.stack(differences).mean())


def lookup_over(flat: UInt8Array, lookup: npt.NDArray[np.float32], mask: Mask) -> UInt8Array:
    """Return a picture `[H, W, 3]` with what a surface lookup `[4, H, W]` knows painted over it in a mask `[H, W]`."""
    colours = (lookup[:3].transpose(1, 2, 0) + lookup[3][..., None]) * 127.5
    painted = colours + (1 - lookup[3][..., None]) * flat
    answer: UInt8Array = np.where(mask[..., None], np.rint(np.clip(painted, 0, 255)), flat).astype(np.uint8)
    return answer
