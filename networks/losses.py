"""The losses of training and refinement, as functions of tensors.

Every loss that compares pictures takes an optional mask, so that it can look at some classes only.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

Features = Sequence[Sequence[Tensor]]
"""What `Discriminator` returns: for each scale, the features of every layer, the last one the score."""


def lsgan_discriminator_loss(real: Features, fake: Features) -> Tensor:
    """Return the least-squares loss that pulls real scores to 1 and fake ones to 0 (Mao et al., 2017)."""
    terms = [((r[-1] - 1) ** 2).mean() + (f[-1] ** 2).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).mean() / 2


def lsgan_generator_loss(fake: Features, mask: Tensor | None = None) -> Tensor:
    """Return the least-squares loss that pulls fake scores to 1, inside `mask` `[N, 1, H, W]` if given."""
    return torch.stack([masked_mean((f[-1] - 1) ** 2, mask) for f in fake]).mean()


def feature_matching_loss(fake: Features, real: Features, mask: Tensor | None = None) -> Tensor:
    """Return the mean absolute difference of the discriminator's features (pix2pixHD); `real` gets no gradient."""
    terms = [
        masked_mean((f - r.detach()).abs(), mask)
        for fake_scale, real_scale in zip(fake, real, strict=True)
        for f, r in zip(fake_scale[:-1], real_scale[:-1], strict=True)
    ]
    return torch.stack(terms).mean()


def perceptual_loss(fake: Sequence[Tensor], real: Sequence[Tensor], mask: Tensor | None = None) -> Tensor:
    """Return the mean absolute difference of backbone features, each layer relative to its own size."""
    terms = [
        masked_mean((f - r.detach()).abs(), mask) / (r.detach().abs().mean() + 1e-4)
        for f, r in zip(fake, real, strict=True)
    ]
    return torch.stack(terms).mean()


def perceptual_distance_loss(fake: Sequence[Tensor], real: Sequence[Tensor], mask: Tensor | None = None) -> Tensor:
    """Return the squared difference of backbone features scaled to length 1, from 0 to 4.

    What `oviton evaluate` measures: LPIPS (Zhang et al., 2018) without its learned weights. Layers count alike; `real`
    gets no gradient.
    """
    terms = [
        masked_mean((_unit(f) - _unit(r.detach())).square().sum(dim=1, keepdim=True), mask)
        for f, r in zip(fake, real, strict=True)
    ]
    return torch.stack(terms).mean()


def masked_mean(values: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean of `[N, C, h, w]` weighted by a mask `[N, 1, H, W]` of any size; zero under an empty mask."""
    if mask is None:
        return values.mean()
    weights = F.interpolate(mask, size=values.shape[2:], mode="area")
    return (values.mean(dim=1, keepdim=True) * weights).sum() / weights.sum().clamp(min=1e-3)


def _unit(features: Tensor) -> Tensor:
    # Not norm(), whose gradient is NaN where all features are 0.
    unit: Tensor = features * (features.square().sum(dim=1, keepdim=True) + 1e-12).rsqrt()
    return unit
