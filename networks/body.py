"""What networks see of body maps."""

from __future__ import annotations

import torch
from torch import Tensor

from ..data.classes import NUM_BODY_PARTS, NUM_CLASSES
from .operators import one_hot

BODY_CHANNELS = NUM_BODY_PARTS + 2


def body_channels(densepose: Tensor, dtype: torch.dtype) -> Tensor:
    """Turn a body map into one-hot parts, U/255 and V/255.

    Parameters
    ----------
    densepose
        The body map, integers `[N, H, W, 3]`.
    dtype
        The result's dtype.

    Returns
    -------
    Tensor
        The channels, `[N, 27, H, W]`.
    """
    surface = densepose[..., 1:].to(dtype) / 255
    return torch.cat([one_hot(densepose[..., 0], NUM_BODY_PARTS, dtype), surface.permute(0, 3, 1, 2)], dim=1)


def garment_channels(densepose: Tensor, labels: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the same of a garment's photograph, and behind it one-hot labels `[N, H, W]`: `[N, 47, H, W]`."""
    return torch.cat([body_channels(densepose, dtype), one_hot(labels, NUM_CLASSES, dtype)], dim=1)


def samples(x: Tensor, step: int) -> Tensor:
    """Return every `step`-th row and column of labels `[..., H, W]`, from the middle of each block."""
    return x[..., step // 2 :: step, step // 2 :: step]


def body_samples(densepose: Tensor, step: int) -> Tensor:
    """Return the same of body maps `[..., H, W, 3]`."""
    return densepose[..., step // 2 :: step, step // 2 :: step, :]
