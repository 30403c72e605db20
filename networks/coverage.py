"""The coverage lookup: where each garment covers the body, carried to the person through DensePose's coordinates.

An 8×4 code tells what kind of sleeve a garment has, not where on the arm it ends. Both photographs have a body map, so
for a point of the person's body the garment photograph says whether that very point is covered. Only labels are looked
up, nearest neighbour, so nothing here is more than integers. Goes beyond O-VITON, as the surface lookup does, and
belongs to the same conditioning.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..data.classes import NUM_BODY_PARTS, NUM_CLASSES

LEVELS = 5
DECAY = 0.8
"""What is left of the confidence with every level, that is, with texels of twice the size."""


def coverage_lookup(densepose: Tensor, garment_labels: Tensor, garment_densepose: Tensor, source: Tensor) -> Tensor:
    """Say of every class that comes from a garment photograph where it covers the person's body.

    A body map without coordinates (U = V = 0 throughout) tells nothing, on either side.

    Parameters
    ----------
    densepose
        The person's body map, int32 `[N, h, w, 3]`.
    garment_labels, garment_densepose
        int32 `[N, M, H, W]` and `[N, M, H, W, 3]`; H a multiple of 64 and at least W.
    source
        int32 `[N, 20]`, no number above M.

    Returns
    -------
    Tensor
        float32 `[N, 20, h, w]` in [-1, 1]: above 0 where the photograph shows the class at this point of the body,
        below 0 where it shows another class there, 0 where it does not show the point, or the class comes from no
        photograph. The smaller, the farther on the body the answer was found.
    """
    count, height, width = densepose.shape[:3]
    garments = garment_labels.shape[1]
    texels = garment_labels.shape[2] // 4  # a texel is then about a pixel of the torso
    index = _texel_index(garment_densepose.flatten(0, 1), texels).flatten(1)
    seen = (garment_labels.flatten(0, 1).flatten(1) + 1) * (garment_labels.flatten(0, 1).flatten(1) > 0)
    # Pixels off the body gather in the background's chart, which is never read.
    atlas = torch.zeros(index.shape[0], NUM_BODY_PARTS * texels * texels, dtype=torch.int32, device=index.device)
    atlas = atlas.scatter(1, index, seen.to(torch.int32)).reshape(-1, NUM_BODY_PARTS, texels, texels)

    first = torch.arange(count * garments, device=index.device).reshape(count, garments, 1)
    found = torch.zeros(count, garments, height * width, dtype=torch.int32, device=index.device)
    confidence = torch.zeros(count, garments, height * width, device=index.device)
    for level, labels in reversed(list(enumerate(_pyramid(atlas)))):
        size = texels >> level
        place = _texel_index(densepose, size).flatten(1).unsqueeze(1)
        place = place + first * (NUM_BODY_PARTS * size * size)
        here = labels.flatten().index_select(0, place.flatten()).reshape(place.shape) * (place > 0).to(torch.int32)
        found = torch.where(here > 0, here, found)
        confidence = torch.where(here > 0, DECAY**level, confidence)
    confidence = confidence * _on_body(densepose).flatten(1).unsqueeze(1).to(torch.float32)

    pick = (source - 1).clamp(min=0).to(torch.int64).unsqueeze(2).expand(-1, -1, height * width)
    classes = torch.arange(1, NUM_CLASSES + 1, dtype=torch.int32, device=source.device).view(1, -1, 1)
    sign = 2 * (found.gather(1, pick) == classes).to(torch.float32) - 1
    lent = (source > 0).to(torch.float32).unsqueeze(2)
    return (sign * confidence.gather(1, pick) * lent).reshape(count, NUM_CLASSES, height, width)


def _on_body(densepose: Tensor) -> Tensor:
    """Return where a body map `[..., 3]` has a part and coordinates: bool `[...]`."""
    return (densepose[..., 0] > 0) & (densepose[..., 1] + densepose[..., 2] > 0)


def _texel_index(densepose: Tensor, texels: int) -> Tensor:
    """Return the number of each pixel's texel in an atlas of 25 charts, int64 `[...]`; 0 off the body."""
    part, u, v = (densepose[..., channel] for channel in range(3))
    index = (part * texels + u * texels // 256) * texels + v * texels // 256
    return (index * _on_body(densepose).to(torch.int32)).to(torch.int64)


def _pyramid(atlas: Tensor) -> list[Tensor]:
    """Return label atlases of ever larger texels; one has the first label among its four."""
    levels = [atlas]
    for _ in range(LEVELS - 1):
        last = levels[-1]
        corners = [last[..., row::2, column::2] for row in (0, 1) for column in (0, 1)]
        label = corners[3]
        for corner in (corners[2], corners[1], corners[0]):
            label = torch.where(corner > 0, corner, label)
        levels.append(label)
    return levels
