"""The terms of the refinement's loss, one value a picture of the batch.

Unlike in training, every picture has its own mask and its own weight, and what it is compared with was computed once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

Taps = Sequence[Tensor]
"""Feature maps of one network, `[N, C, h, w]` each."""

Verdict = Sequence[Sequence[Tensor]]
"""For each scale of the discriminator, the features of every layer, the score last."""

SHORTEST = 1e-2
"""Vectors about this short have no direction."""


def pixel_term(picture: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return the mean absolute difference of pictures `[N, 3, H, W]` inside masks `[N, 1, H, W]`: `[N]`."""
    return _masked((picture - target).abs(), mask)


def directions(features: Taps) -> list[Tensor]:
    """Scale each pixel's vector of features to length 1.

    Lengths follow contrast, which shading and blur change; directions are what texture is told by.
    """
    return [tap / (tap.norm(dim=1, keepdim=True) + SHORTEST) for tap in features]


def perceptual_term(features: Taps, target: Taps, mask: Tensor) -> Tensor:
    """Return the squared distance of feature directions, averaged over pixels and layers: `[N]`, 0 to 4."""
    terms = [own.shape[1] * _masked((own - other) ** 2, mask) for own, other in zip(features, target, strict=True)]
    return torch.stack(terms).mean(dim=0)


def matching_term(verdict: Verdict, target: Verdict, mask: Tensor) -> Tensor:
    """Return the mean absolute difference of the discriminator's features (pix2pixHD): `[N]`."""
    terms = [
        _masked((own - other).abs(), mask)
        for own_scale, other_scale in zip(verdict, target, strict=True)
        for own, other in zip(own_scale[:-1], other_scale[:-1], strict=True)
    ]
    return torch.stack(terms).mean(dim=0)


def adversarial_term(verdict: Verdict, mask: Tensor) -> Tensor:
    """Return the least-squares distance of the discriminator's scores from "real" inside masks: `[N]`."""
    return torch.stack([_masked((scale[-1] - 1) ** 2, mask) for scale in verdict]).mean(dim=0)


def _masked(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of `[N, C, h, w]` weighted by masks `[N, 1, H, W]` of any size, for each picture; 0 if empty."""
    weights = F.interpolate(mask, size=values.shape[2:], mode="area")
    total = (values.mean(dim=1, keepdim=True) * weights).sum(dim=(1, 2, 3))
    return total / weights.sum(dim=(1, 2, 3)).clamp(min=1e-3)
