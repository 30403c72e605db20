"""Coverage: which class each garment's photograph shows at the places that correspond to the person's pixels.

An 8×4 code tells what kind of sleeve a garment has, not where on the arm it ends. Only labels are read, nearest
neighbour and never averaged. Goes beyond O-VITON, as the surface lookup does, and belongs to the same conditioning.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...data.classes import LAYERS, NUM_CLASSES
from ..operators import numbered, quotient, read_flat, read_rows
from .places import SUBPIXELS, UNITS, enlarged, in_pixels


def coverage_lookup(places: Tensor, garment_labels: Tensor, source: Tensor, finer: int) -> Tensor:
    """Say of every class that comes from a garment photograph where it covers the person.

    Parameters
    ----------
    places
        Where the person's pixels lie in the garments' photographs, and how surely they are seen there: int32
        `[N, M, 3, h, w]`; see `oviton.networks.correspondence.places`.
    garment_labels
        The garment photographs' labels, int32 `[N, M, H, W]`.
    source
        The photograph that each class comes from, int32 `[N, 20]`, no number above M.
    finer
        How many times finer than the places the answer is.

    Returns
    -------
    Tensor
        float32 `[N, 20, h·finer, w·finer]` in [-1, 1]: above 0 where the photograph shows the class; below 0 where it
        shows skin, or what is worn beneath the class. 0 where it does not show the place, where something worn above
        may hide the class, or where the class comes from no photograph.
    """
    height, width = garment_labels.shape[2:]
    column, row, seen = enlarged(places, finer).unbind(2)
    # Pixels are as wide as their numbers are apart, so rounding down is to the nearest.
    x, y = (
        quotient(in_pixels(share, size) + SUBPIXELS // 2, SUBPIXELS) for share, size in ((column, width), (row, height))
    )
    flat = garment_labels.flatten(0, 1).flatten(1)
    shown = read_flat(flat, numbered((y * width + x).flatten(0, 1), flat))
    told = read_rows(_told().to(seen.device).unsqueeze(0), shown.unsqueeze(0)).reshape(*seen.shape, NUM_CLASSES)
    # Every class is lent by one photograph; what the others show of it is not looked at.
    numbers = torch.arange(1, seen.shape[1] + 1, dtype=torch.int32, device=source.device).view(1, -1, 1)
    lent = (source.unsqueeze(1) == numbers).to(told.dtype)[:, :, None, None]
    sure = seen.to(told.dtype).unsqueeze(4) / UNITS
    coverage: Tensor = (told * sure * lent).sum(dim=1)
    return coverage.permute(0, 3, 1, 2)


def _told() -> Tensor:
    """Return what a shown class says of every class: float32 `[20, 20]`, a row for each class shown."""
    layers = torch.tensor([LAYERS.get(label, 0) for label in range(NUM_CLASSES)])
    return torch.eye(NUM_CLASSES) - (layers.unsqueeze(1) < layers.unsqueeze(0)).float()
