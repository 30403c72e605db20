"""The coverage lookup: where each garment covers the body, carried to the person through DensePose's coordinates.

An 8×4 code tells what kind of sleeve a garment has, not where on the arm it ends. Both photographs have a body map, so
for a point of the person's body the garment photograph says whether that very point is covered. Only labels are looked
up, nearest neighbour and never averaged. Goes beyond O-VITON, as the surface lookup does, and belongs to the same
conditioning.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ...data.classes import LAYERS, NUM_BODY_PARTS, NUM_CLASSES, TOPS
from ..operators import class_mask, pick, planes, read_flat
from ..push_pull import push
from .atlas import enter, has_coordinates, read_levels, texel_index
from .overhang import overhang_lookup

_HALVINGS = 4
"""Texels of an atlas are looked up at most so many times twice as large."""

_DISBELIEF = 3.0
"""Logits off where the lookup is sure."""

_LAYERS = [LAYERS.get(label, 0) for label in range(NUM_CLASSES)]


class Coverage(NamedTuple):
    """What the garments' photographs say of a person's pixels.

    Parameters
    ----------
    told
        float32 `[N, 20, h, w]` in [-1, 1]: above 0 where the photograph shows the class at this point of the body, or
        as far off it; below 0 where it shows skin, or what is worn beneath the class, there. 0 where it does not show
        the point, where something worn above may hide the class, or where the class comes from no photograph. The
        smaller, the farther on the body the answer was found.
    outline
        float32 `[N, 20, h, w]`: beside the body, the same of the nearest point of its outline; 0 elsewhere.
    part
        int32 `[N, h, w]`: the part of the body that a pixel lies on or beside, else 0.
    on_body
        float32 `[N, h, w]`: 1 on the body, where it has coordinates, else 0.
    """

    told: Tensor
    outline: Tensor
    part: Tensor
    on_body: Tensor


def coverage_lookup(densepose: Tensor, garment_labels: Tensor, garment_densepose: Tensor, source: Tensor) -> Coverage:
    """Say of every class that comes from a garment photograph where it covers the person's body.

    A body map without coordinates (U = V = 0 throughout) tells nothing, on either side.

    Parameters
    ----------
    densepose
        The person's body map, int32 `[N, h, w, 3]`.
    garment_labels, garment_densepose
        The garment photographs' labels and body maps, int32 `[N, M, H, W]` and `[N, M, H, W, 3]`; H is a multiple of 64
        and at least W.
    source
        The photograph that each class comes from, int32 `[N, 20]`, no number above M.

    Returns
    -------
    Coverage
        What the photographs say of all classes.
    """
    count, height, width = densepose.shape[:3]
    garments, texels = garment_labels.shape[1], garment_labels.shape[2] // 4  # a texel is about a pixel of the torso
    shown_body = planes(garment_densepose)
    part, u, v = shown_body.flatten(1, 2).flatten(2)
    # Pixels off the body gather in the background's chart, which is never read.
    index = texel_index(part, u, v, texels) * has_coordinates(part, u, v)
    shown = (garment_labels + (garment_labels > 0).to(torch.int32)).flatten(0, 1).flatten(1)
    atlas = enter(shown, index, NUM_BODY_PARTS * texels**2).reshape(-1, NUM_BODY_PARTS, texels, texels)

    finer = garment_labels.shape[2] // height
    coarse = shown_body[..., ::finer, ::finer].movedim(0, -1)
    nearest, beside = overhang_lookup(densepose, garment_labels, coarse)
    part, u, v = planes(nearest).flatten(2)
    reached = has_coordinates(part, u, v)
    atlases = torch.arange(count * garments, dtype=torch.int32, device=index.device).reshape(count, garments, 1)

    def texel(texels: int) -> Tensor:
        places = texel_index(part, u, v, texels) * reached
        return places.unsqueeze(1) + atlases * (NUM_BODY_PARTS * texels**2)

    levels = push(atlas.to(torch.float32), _HALVINGS, lambda level: F.max_pool2d(level, 2))
    found, confidence = read_levels(levels, texel, reached.unsqueeze(1).to(torch.float32))

    # Every class is lent by one photograph, so what the others show is not even looked at.
    lender = (source - 1).clamp(min=0)
    lent = (source > 0).to(torch.float32).unsqueeze(2)
    body = _told(found, confidence, lender) * lent
    clear = sum(_told(shown.to(torch.float32), sure, lender) for shown, sure in beside) * (lent / len(beside))
    on_body = has_coordinates(*planes(densepose).flatten(2)).to(torch.float32)
    on = on_body.unsqueeze(1)
    told, outline = (
        each.reshape(count, NUM_CLASSES, height, width) for each in (body * on + clear * (1 - on), body * (1 - on))
    )
    return Coverage(told, outline, nearest[..., 0], on_body.reshape(count, height, width))


def contradiction(told: Tensor, outline: Tensor) -> Tensor:
    """Return what is added to class logits where a photograph shows that its top does not cover a point of the body.

    The network learnt from rendered body maps how far to believe the lookup. In photographs its tops grow over bare
    shoulders and necks that the lookup knows to be bare, so for tops, and only for those, it is believed beyond that.
    Nor does cloth hang clear of a bare point: often the photograph shows the other side of a limb, so that there is
    nothing beside this one to look up, and flaps would hang from shoulders.

    Parameters
    ----------
    told, outline
        What `Coverage` holds under these names, `[N, 20, h, w]`.

    Returns
    -------
    Tensor
        `[N, 20, h, w]`, 0 or less, of the same dtype.
    """
    tops = class_mask(TOPS, told.device).to(told.dtype)
    return torch.minimum(told, outline).clamp(max=0) * (_DISBELIEF * tops)[:, :, None, None]


def _told(found: Tensor, confidence: Tensor, lender: Tensor) -> Tensor:
    """Return what classes plus one, float32 `[N, M, P]`, say of every class: `[N, 20, P]`.

    The confidence where it shows, minus that where what is found lies beneath it, and else 0. `lender` `[N, 20]` tells
    which of a request's photographs lends each class.
    """
    device = found.device
    layers = torch.tensor(_LAYERS, dtype=torch.float32, device=device)
    # Where nothing was found the layer is of no account, since the confidence is 0.
    layer = read_flat(layers, (found - 1).clamp(min=0))
    found, layer, confidence = (pick(each, lender) for each in (found, layer, confidence))
    classes = torch.arange(1, NUM_CLASSES + 1, dtype=torch.float32, device=device).view(1, -1, 1)
    told = torch.where(layer < layers.view(1, -1, 1), -confidence, 0.0)
    return torch.where(found == classes, confidence, told)
