"""Randomly moved views of a photograph, its labels and its body map."""

from __future__ import annotations

import torch

from ...networks.warping import AffineLimits, Warp, random_affine

LIMITS = AffineLimits(rotation=6.0, shift=0.08, scale=(0.6, 1.15), shear=0.03)
"""Mostly smaller, since a person is rarely seen closer."""


def random_views(count: int, size: tuple[int, int], generator: torch.Generator, device: torch.device) -> Warp:
    """Return the warp of a photograph into itself and `count` moved views.

    Parameters
    ----------
    count
        Number of moved views.
    size
        Height and width of the photograph.
    generator
        A CPU generator, so that a seed gives the same views on every device.
    device
        Where the photograph is.
    """
    height, width = size
    theta = torch.cat([torch.eye(2, 3)[None], random_affine(LIMITS, count, height / width, generator)])
    return Warp(theta.to(device), height, width)
