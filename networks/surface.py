"""The surface lookup: garment pixels carried to the person through DensePose's body coordinates.

Both photographs have a body map, so every body pixel has a surface coordinate (part, U, V). Garment pixels are
scattered into a texture atlas of the body, holes are filled by push-pull, and the person's pixels gather from it. It
goes beyond O-VITON, which does without warping; hence a conditioning of its own name.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.classes import NUM_BODY_PARTS
from .layers import to_float_image

TEXELS = 96
"""Texels a side of one body part's chart; 25 · 96² exceeds 512 · 256, as TensorRT's ScatterElements needs."""

ATLAS = NUM_BODY_PARTS * TEXELS * TEXELS
FILL_LEVELS = 5
FREQUENCIES = (2, 4, 8, 16)
FOURIER_CHANNELS = 4 * len(FREQUENCIES)
LOOKUP_CHANNELS = 4


def fourier_features(densepose: Tensor, dtype: torch.dtype) -> Tensor:
    """Return sines and cosines of U and V at four frequencies, zero off the body: `[N, 16, H, W]`.

    Fed raw, U and V are too smooth for a convolution to tell neighbouring points apart.
    """
    coordinates = densepose[..., 1:].permute(0, 3, 1, 2).to(torch.float32) / 255
    on_body = (densepose[..., :1].permute(0, 3, 1, 2) > 0).to(torch.float32)
    waves = [
        wave(math.pi * frequency * coordinates) * on_body
        for frequency in FREQUENCIES
        for wave in (torch.sin, torch.cos)
    ]
    return torch.cat(waves, dim=1).to(dtype)


def surface_lookup(
    labels: Tensor,
    densepose: Tensor,
    garment_images: Tensor,
    garment_labels: Tensor,
    garment_densepose: Tensor,
    source: Tensor,
) -> Tensor:
    """Sample each worn garment's pixels at the person's body coordinates.

    Parameters
    ----------
    labels
        The new segmentation, integers `[N, H, W]`.
    densepose
        The person's body map, integers `[N, H, W, 3]`.
    garment_images, garment_labels, garment_densepose
        Integers `[N, M, H, W, 3]`, `[N, M, H, W]` and `[N, M, H, W, 3]`.
    source
        int32 `[N, 20]`.

    Returns
    -------
    Tensor
        float32 `[N, 4, H, W]`: RGB in [-1, 1] times confidence, and confidence in [0, 1] (1: seen in the garment
        photograph, 2^-level: filled from that far away, 0: nothing known).
    """
    garments, height, width = garment_labels.shape[1:]
    worn = _worn_pixels(garment_labels, source).flatten(0, 1)
    texels = _texel_index(garment_densepose.flatten(0, 1)) * _erode(worn)
    atlas = _fill(_scatter(to_float_image(garment_images.flatten(0, 1), torch.float32), texels))

    # One flat atlas a request, so that a pixel's garment is only an offset.
    atlas = atlas.reshape(-1, garments, LOOKUP_CHANNELS, ATLAS).transpose(1, 2).flatten(2)
    wanted = source.to(torch.int64).gather(1, labels.to(torch.int64).flatten(1)) - 1
    texel = _texel_index(densepose)
    index = wanted.clamp(min=0) * ATLAS + texel
    known = ((wanted >= 0) & (texel > 0)).to(torch.float32)
    found = atlas.gather(2, index.unsqueeze(1).expand(-1, LOOKUP_CHANNELS, -1)) * known.unsqueeze(1)
    return found.reshape(-1, LOOKUP_CHANNELS, height, width)


def _worn_pixels(garment_labels: Tensor, source: Tensor) -> Tensor:
    """Return int64 `[N, M, H, W]`: 1 where a garment pixel's class is worn from that very photograph."""
    garments, height, width = garment_labels.shape[1:]
    origin = source.to(torch.int64).gather(1, garment_labels.to(torch.int64).flatten(1))
    order = torch.arange(1, garments + 1, device=source.device).view(1, -1, 1, 1)
    return (origin.reshape(-1, garments, height, width) == order).to(torch.int64)


def _erode(mask: Tensor) -> Tensor:
    """Shrink `[B, H, W]` by a pixel: at a garment's border, skin and background leak in. Returns `[B, H·W]`."""
    holes = F.max_pool2d((1 - mask).to(torch.float32).unsqueeze(1), 3, stride=1, padding=1)
    return (holes.flatten(1) == 0).to(torch.int64)


def _texel_index(densepose: Tensor) -> Tensor:
    """Return the atlas index of every pixel, int64 `[B, H·W]`; part 0 is all index 0."""
    values = densepose.flatten(1, 2).to(torch.int64)
    chart = values[..., 1:] * (TEXELS - 1) // 255
    index = (values[..., 0] * TEXELS + chart[..., 0]) * TEXELS + chart[..., 1]
    return index * (values[..., 0] > 0).to(torch.int64)


def _scatter(images: Tensor, texels: Tensor) -> Tensor:
    """Scatter pixels into atlases `[B, 4, ATLAS]`: RGB, and 1 where a texel was hit.

    Pixel indices are scattered and colours gathered, a quarter of the traffic of scattering colours.
    """
    pixels = torch.arange(1, texels.shape[1] + 1, device=texels.device).expand_as(texels)
    empty = torch.zeros(texels.shape[0], ATLAS, dtype=torch.int64, device=texels.device)
    winner = empty.scatter(1, texels, pixels)
    hit = (winner > 0) & (torch.arange(ATLAS, device=texels.device) > 0)
    index = (winner - 1).clamp(min=0).unsqueeze(1).expand(-1, 3, -1)
    colours = images.flatten(2).gather(2, index)
    mask = hit.unsqueeze(1).to(torch.float32)
    return torch.cat([colours * mask, mask], dim=1)


def _fill(atlas: Tensor) -> Tensor:
    """Fill holes from ever coarser averages of their own body part (push-pull)."""
    x = atlas.reshape(-1, LOOKUP_CHANNELS, NUM_BODY_PARTS, TEXELS, TEXELS).transpose(1, 2).flatten(0, 1)
    pyramid = [x]
    for _ in range(FILL_LEVELS):
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    filled = _normalised(pyramid[-1])
    for level in reversed(pyramid[:-1]):
        coarse = F.interpolate(filled, scale_factor=2.0, mode="nearest") * 0.5
        filled = torch.where(level[:, 3:] > 0, _normalised(level), coarse)
    charts = filled.reshape(-1, NUM_BODY_PARTS, LOOKUP_CHANNELS, TEXELS, TEXELS)
    return charts.transpose(1, 2).reshape(-1, LOOKUP_CHANNELS, ATLAS)


def _normalised(level: Tensor) -> Tensor:
    """Divide colours by the share of texels that hold one; confidence becomes 1 where any does."""
    share = level[:, 3:]
    return level / torch.where(share > 0, share, torch.ones_like(share))
