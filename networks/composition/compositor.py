"""Which pixels of the picture the outfit changes: those kept are the photograph's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ...data.classes import BACKGROUND, HEAD
from ...data.rim import rim_reach
from ..operators import class_mask, neighbour_sums, read_values
from .harmonise import harmonise


def composite(person_image: Tensor, person_labels: Tensor, generated: Tensor, labels: Tensor, source: Tensor) -> Tensor:
    """Keep the person's pixels where their class stays, and take the generated ones elsewhere.

    Kept pixels beside a garment that is taken off show some of its colour; they take the mean of the kept pixels
    around them, and specks of background without any what is generated, as `oviton.data.rim` does in a photograph of
    any size. Generated pixels of the person's own classes, which the outfit bares, take on the colours of what is kept
    around them (`oviton.networks.composition.harmonise`).

    Parameters
    ----------
    person_image, generated
        The photograph and the network's picture, integers from 0 to 255, `[N, H, W, 3]`.
    person_labels, labels
        The labels before and after, integers `[N, H, W]`.
    source
        What the outfit does with each class, int32 `[N, 20]`: 0 it stays, above 0 it is worn, below 0 it is removed.

    Returns
    -------
    Tensor
        uint8 `[N, H, W, 3]`.
    """
    new, old = labels.to(torch.int32), person_labels.to(torch.int32)
    touched = (source != 0).float()
    taken, worn = read_values(touched, old).unsqueeze(1), read_values(touched, new).unsqueeze(1)
    kept = (new == old).unsqueeze(1).float() * (1 - taken)
    body = 1 - read_values(class_mask(HEAD, old.device)[0].float(), old).unsqueeze(1)
    reach = rim_reach(old.shape[1])
    clean = kept * (1 - (_around(taken, reach) > 0).float() * body)
    own = person_image.permute(0, 3, 1, 2).float()
    painted = generated.permute(0, 3, 1, 2).float()
    around = _around(torch.cat([own * clean, clean], dim=1), reach)
    colour, count = around[:, :3], around[:, 3:]
    cleaned = torch.where((clean > 0) | (count == 0), own, colour / count.clamp(min=1))
    speck = (count == 0) & (new == BACKGROUND).unsqueeze(1)
    painted = harmonise(painted, own, new, clean, 1 - worn)
    picture = torch.where((kept > 0) & ~speck, cleaned, painted)
    return (picture + 0.5).floor().clamp(0, 255).permute(0, 2, 3, 1).to(torch.uint8)


def _around(x: Tensor, reach: int) -> Tensor:
    """Add up the square of pixels at most so far from each one of `[N, C, H, W]`."""
    padded = F.pad(x, (reach, reach, reach, reach))
    return neighbour_sums(neighbour_sums(padded, 2, 2 * reach + 1), 3, 2 * reach + 1)
