"""Randomly moved views of a photograph, its labels and its body map."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

ROTATION, SHIFT, SHEAR = 6.0, 0.08, 0.03
SCALE = (0.6, 1.15)
"""Degrees, share of the frame, and factors either way; mostly smaller, since a person is rarely seen closer."""


@dataclass(frozen=True)
class Views:
    """Views of one photograph.

    Parameters
    ----------
    image
        `[V, 3, H, W]` in [-1, 1].
    labels
        uint8 `[V, H, W]`; background beyond the frame.
    densepose
        uint8 `[V, H, W, 3]`.
    """

    image: Tensor
    labels: Tensor
    densepose: Tensor


def random_views(image: Tensor, labels: Tensor, densepose: Tensor, count: int, generator: torch.Generator) -> Views:
    """Return the photograph itself and `count` moved views.

    Parameters
    ----------
    image
        `[3, H, W]` in [-1, 1].
    labels, densepose
        uint8 `[H, W]` and `[H, W, 3]`.
    count
        How many moved views.
    generator
        A CPU generator, so that a seed gives the same views on every device.
    """
    height, width = labels.shape
    theta = torch.cat([torch.eye(2, 3)[None], _affine(count, height / width, generator)]).to(image.device)
    grid = F.affine_grid(theta, [len(theta), 1, height, width], align_corners=False)
    many = len(theta)
    moved = F.grid_sample(image.expand(many, -1, -1, -1), grid, padding_mode="border", align_corners=False)
    ids = torch.cat([labels[..., None], densepose], dim=2).permute(2, 0, 1).to(torch.float32)
    ids = F.grid_sample(ids.expand(many, -1, -1, -1), grid, mode="nearest", align_corners=False).round().to(torch.uint8)
    return Views(moved, ids[:, 0].contiguous(), ids[:, 1:].permute(0, 2, 3, 1).contiguous())


def _affine(count: int, aspect: float, generator: torch.Generator) -> Tensor:
    """Return maps `[count, 2, 3]` from a place in the view to the place in the photograph."""

    def within(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    angle = within(-1, 1) * math.radians(ROTATION)
    factor = torch.exp(within(math.log(SCALE[0]), math.log(SCALE[1])))
    shear = within(-SHEAR, SHEAR)
    cosine, sine = torch.cos(angle) / factor, torch.sin(angle) / factor
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = cosine, (shear - sine) * aspect
    theta[:, 1, 0], theta[:, 1, 1] = sine / aspect, cosine
    theta[:, :, 2] = 2 * SHIFT * (2 * torch.rand(count, 2, generator=generator) - 1)
    return theta
