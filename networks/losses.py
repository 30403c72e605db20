"""The losses of training and refinement and the distance of evaluation, as functions of tensors.

Every function that compares pictures takes an optional mask, so that it can look at some classes only, and a
`reduction` as PyTorch's losses do: ``"mean"`` averages over all pixels of the batch, ``"none"`` gives each picture its
own mean, `[N]`. What a picture is compared with gets no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

FeatureMaps = Sequence[Tensor]
"""What `PerceptualBackbone` returns: maps `[N, C, h, w]`, one a layer."""

Verdict = Sequence[Sequence[Tensor]]
"""What `Discriminator` returns: for each scale, the features of every layer, the last one the score."""

Reduction = Literal["mean", "none"]


def l1_loss(picture: Tensor, target: Tensor, mask: Tensor | None = None, reduction: Reduction = "mean") -> Tensor:
    """Return the mean absolute difference of pictures `[N, C, H, W]`."""
    return masked_mean((picture - target.detach()).abs(), mask, reduction)


def lsgan_discriminator_loss(real: Verdict, fake: Verdict) -> Tensor:
    """Return the least-squares loss that pulls real scores to 1 and fake ones to 0 (Mao et al., 2017)."""
    terms = [((r[-1] - 1) ** 2).mean() + (f[-1] ** 2).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).mean() / 2


def lsgan_generator_loss(fake: Verdict, mask: Tensor | None = None, reduction: Reduction = "mean") -> Tensor:
    """Return the least-squares loss that pulls fake scores to 1."""
    return torch.stack([masked_mean((scale[-1] - 1) ** 2, mask, reduction) for scale in fake]).mean(dim=0)


def feature_matching_loss(
    fake: Verdict, real: Verdict, mask: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """Return the mean absolute difference of the discriminator's features (pix2pixHD), the score left out."""
    terms = [
        masked_mean((f - r.detach()).abs(), mask, reduction)
        for fake_scale, real_scale in zip(fake, real, strict=True)
        for f, r in zip(fake_scale[:-1], real_scale[:-1], strict=True)
    ]
    return torch.stack(terms).mean(dim=0)


def perceptual_loss(fake: FeatureMaps, real: FeatureMaps, mask: Tensor | None = None) -> Tensor:
    """Return the mean absolute difference of backbone features, each layer relative to its own size."""
    terms = [
        masked_mean((f - r.detach()).abs(), mask) / (r.detach().abs().mean() + 1e-4)
        for f, r in zip(fake, real, strict=True)
    ]
    return torch.stack(terms).mean()


def directions(features: FeatureMaps, shortest: float = 1e-6) -> list[Tensor]:
    """Scale each pixel's vector of features to length 1; vectors about as short as `shortest` become shorter.

    Lengths follow contrast, which shading and blur change; directions are what texture is told by.
    """
    return [tap / (tap.norm(dim=1, keepdim=True) + shortest) for tap in features]


def perceptual_distance(
    fake: FeatureMaps, real: FeatureMaps, mask: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """Return the squared difference of `directions`, the mean over layers, from 0 to 4; unrelated pictures are near 2.

    What `oviton evaluate` measures: LPIPS (Zhang et al., 2018) without its learned weights.
    """
    terms = [f.shape[1] * masked_mean((f - r.detach()) ** 2, mask, reduction) for f, r in zip(fake, real, strict=True)]
    return torch.stack(terms).mean(dim=0)


def masked_mean(values: Tensor, mask: Tensor | None, reduction: Reduction = "mean") -> Tensor:
    """Return the mean of `values` weighted by a mask.

    Parameters
    ----------
    values
        `[N, C, h, w]`.
    mask
        How much each pixel counts, `[N, 1, H, W]` of any size, 0 or more; None: all alike. Pictures whose mask is empty
        have mean 0.
    reduction
        ``"mean"``: one mean over the batch. ``"none"``: one a picture, `[N]`.
    """
    over = (0, 1, 2, 3) if reduction == "mean" else (1, 2, 3)
    if mask is None:
        return values.mean(dim=over)
    weights = F.interpolate(mask, size=values.shape[2:], mode="area")
    total = (values.mean(dim=1, keepdim=True) * weights).sum(dim=over)
    return total / weights.sum(dim=over).clamp(min=1e-3)
