"""Which of the drawn labels count: the new segmentation where the outfit touches it, the person's own elsewhere."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...data.classes import BACKGROUND, CLASS_IDS, MAY_COVER, MAY_REVEAL, NUM_CLASSES, SKIN
from ..operators import class_mask, computed_zeros, largest_channel, read_values, sort_rows, upsampled_rows

_FORBIDDEN = -1e4
"""Below every logit, and representable in FP16."""

_SELDOM_REVEALED = np.flatnonzero(~MAY_REVEAL.all(axis=0)).tolist()
"""Classes that some others never hide."""


def merge_labels(logits: Tensor, person_labels: Tensor, source: Tensor) -> Tensor:
    """Take the new segmentation where the outfit touches it and the person's own labels elsewhere.

    A pixel changes where the person's class is touched (worn from a garment, or removed), or where a touched class
    was drawn over a class that it may cover (`MAY_COVER`): only headwear may cover the head, and trousers go below a
    top that stays. Nor does a class that stays grow where nothing hid it (`MAY_REVEAL`): a top ends where the
    trousers that are taken off began. A garment that the outfit does not hold is never drawn.

    Parameters
    ----------
    logits
        Class logits `[N, 20, H, W]`, or a whole number of times coarser: then they are upsampled bilinearly.
    person_labels
        The person's own labels, integers `[N, H, W]`.
    source
        What the outfit does with each class, int32 `[N, 20]`: 0 it stays, above 0 it is worn, below 0 it is removed.

    Returns
    -------
    Tensor
        Labels, uint8 `[N, H, W]`.
    """
    owned = _present(person_labels)
    allowed = class_mask((BACKGROUND, CLASS_IDS["hair"], *SKIN), logits.device)
    allowed = allowed | (source > 0) | ((source == 0) & owned)
    logits = torch.where(allowed[:, :, None, None], logits.float(), _FORBIDDEN)
    finer = person_labels.shape[1] // logits.shape[2]
    own = person_labels.to(torch.int32)
    allowances = _never_hidden(own, source)
    if finer > 1:
        parts = [{c: rows[:, k::finer] for c, rows in allowances.items()} for k in range(finer)]
        rows = (largest_channel(*each) for each in zip(upsampled_rows(logits, finer), parts, strict=True))
        drawn = sort_rows(list(rows), axis=1)
    else:
        drawn = largest_channel(logits, allowances)
    touched = (source != 0).to(torch.int32)
    may_cover = torch.from_numpy(MAY_COVER.astype(np.int32)).to(logits.device).flatten()
    own_touched, drawn_touched = read_values(touched, own), read_values(touched, drawn)
    covers = read_values(may_cover, drawn * NUM_CLASSES + own)
    changed = (own_touched + drawn_touched * covers) > 0
    return torch.where(changed, drawn, own).to(torch.uint8)


def _never_hidden(own: Tensor, source: Tensor) -> dict[int, Tensor]:
    """Return what keeps classes that stay out of pixels `[N, H, W]` whose class, which goes, hid nothing of them."""
    goes = source != 0
    found = {}
    for c in _SELDOM_REVEALED:
        never = torch.from_numpy(~MAY_REVEAL[:, c]).to(source.device)
        found[c] = read_values(torch.where(goes & ~goes[:, c : c + 1] & never, _FORBIDDEN, 0.0), own)
    return found


def _present(labels: Tensor) -> Tensor:
    """Return which classes integers `[N, H, W]` hold, bool `[N, 20]`."""
    ids = labels.flatten(1).to(torch.int32)
    # A tick for each pixel at its class's place, in a row as long as the ticks: TensorRT's ScatterElements wants it so.
    nothing = computed_zeros(ids)
    return nothing.scatter(1, ids.to(torch.int64), nothing + 1)[:, :NUM_CLASSES] > 0
