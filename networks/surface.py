"""The surface lookup: garment pixels carried to the person through DensePose's body coordinates.

Both photographs have a body map, so every body pixel has a surface coordinate (part, U, V). Garment pixels are
scattered into a texture atlas of the body, holes are filled by push-pull, and the person's pixels gather from it; where
cloth hangs clear of the body, its neighbours in the picture fill in. It goes beyond O-VITON, which does without
warping; hence a conditioning of its own name.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.classes import NUM_BODY_PARTS
from .layers import to_float_image

FILL_LEVELS = 5
MAX_TEXELS = 192
DECAY = 0.9
"""What is left of the confidence with every level of push-pull, that is, with twice the distance."""

FINER = 2
"""How much finer than its pixels a garment photograph is sampled, so that fine texture survives the charts' grid."""

SEAM = 60
"""Neighbouring pixels whose U or V differ by more lie on both sides of a chart's seam; nothing lies between them."""

FREQUENCIES = (2, 4, 8, 16)
FOURIER_CHANNELS = 4 * len(FREQUENCIES)
LOOKUP_CHANNELS = 4


def texels_for(height: int) -> int:
    """Return how many texels a side of a body part's chart gets.

    About as many as the torso has pixels in a picture cut at the waist: more would leave holes, fewer would blur. A
    multiple of 2^FILL_LEVELS, and 25 charts hold more texels than a frame of FINER times its size has pixels, as
    TensorRT's ScatterElements needs.
    """
    step: int = 2**FILL_LEVELS
    return min(MAX_TEXELS, step * max(1, (height // 2 + step - 1) // step))


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
    texels: int,
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
    texels
        Texels a side of one body part's chart; see `texels_for`.

    Returns
    -------
    Tensor
        float32 `[N, 4, H, W]`: RGB in [-1, 1] times confidence, and confidence in [0, 1] (1: seen in the garment
        photograph, less the farther away it was filled from, 0: nothing known).
    """
    garments, height, width = garment_labels.shape[1:]
    worn = _erode(_worn_pixels(garment_labels, source).flatten(0, 1))
    index = _fine_texel_index(garment_densepose.flatten(0, 1), worn, texels)
    images = _enlarge(to_float_image(garment_images.flatten(0, 1), torch.float32), "bilinear")
    atlas = _fill(_scatter(images, index, texels), texels)

    # One flat atlas a request, so that a pixel's garment is only an offset.
    size = NUM_BODY_PARTS * texels * texels
    atlas = atlas.reshape(-1, garments, LOOKUP_CHANNELS, size).transpose(1, 2).flatten(2)
    wanted = source.to(torch.int64).gather(1, labels.to(torch.int64).flatten(1)) - 1
    found = _gather(atlas, wanted.clamp(min=0) * size, densepose, texels)
    known = ((wanted >= 0) & (densepose[..., 0].flatten(1) > 0)).to(torch.float32)
    picture = _push_pull((found * known.unsqueeze(1)).reshape(-1, LOOKUP_CHANNELS, height, width))
    return picture * (wanted >= 0).to(torch.float32).reshape(-1, 1, height, width)


def _worn_pixels(garment_labels: Tensor, source: Tensor) -> Tensor:
    """Return int64 `[N, M, H, W]`: 1 where a garment pixel's class is worn from that very photograph."""
    garments, height, width = garment_labels.shape[1:]
    origin = source.to(torch.int64).gather(1, garment_labels.to(torch.int64).flatten(1))
    order = torch.arange(1, garments + 1, device=source.device).view(1, -1, 1, 1)
    return (origin.reshape(-1, garments, height, width) == order).to(torch.int64)


def _erode(mask: Tensor) -> Tensor:
    """Shrink a 0/1 mask `[B, H, W]` by a pixel: at a garment's border, skin and background leak in."""
    holes = F.max_pool2d((1 - mask).to(torch.float32).unsqueeze(1), 3, stride=1, padding=1)
    return (holes.squeeze(1) == 0).to(torch.int64)


def _fine_texel_index(densepose: Tensor, worn: Tensor, texels: int) -> Tensor:
    """Return the atlas index of every point of a photograph sampled `FINER`, 0 where nothing is worn.

    U and V are interpolated between pixels of one chart, never across a seam.

    Parameters
    ----------
    densepose
        Integers `[B, H, W, 3]`.
    worn
        int64 `[B, H, W]`: 1 where a garment is.
    texels
        Texels a side of a chart.

    Returns
    -------
    Tensor
        int64 `[B, FINER·H · FINER·W]`.
    """
    body = densepose.permute(0, 3, 1, 2).to(torch.float32)
    step = F.max_pool2d(body, 3, stride=1, padding=1) + F.max_pool2d(-body, 3, stride=1, padding=1)
    inside = (step[:, :1] == 0) & (step[:, 1:].amax(dim=1, keepdim=True) < SEAM)
    smooth = torch.where(
        _enlarge(inside.to(torch.float32), "nearest") > 0, _enlarge(body, "bilinear"), _enlarge(body, "nearest")
    )
    part = _enlarge(body[:, :1], "nearest").squeeze(1)
    part = (part * _enlarge(worn.to(torch.float32).unsqueeze(1), "nearest").squeeze(1)).to(torch.int64)
    chart = (smooth[:, 1:] * ((texels - 1) / 255) + 0.5).to(torch.int64)
    index = (part * texels + chart[:, 0]) * texels + chart[:, 1]
    return (index * (part > 0).to(torch.int64)).flatten(1)


def _gather(atlas: Tensor, offset: Tensor, densepose: Tensor, texels: int) -> Tensor:
    """Read atlases `[N, 4, n]` at the body map `[N, H, W, 3]`, bilinear within a chart: `[N, 4, H·W]`.

    `offset` `[N, H·W]` is where each pixel's own atlas begins.
    """
    body = densepose.flatten(1, 2)
    place = body[..., 1:].to(torch.float32) * ((texels - 1) / 255)
    corner = place.floor().clamp(max=texels - 2)
    share, corner = place - corner, corner.to(torch.int64)
    first = offset + (body[..., 0].to(torch.int64) * texels + corner[..., 0]) * texels + corner[..., 1]
    u, v = share[..., :1].transpose(1, 2), share[..., 1:].transpose(1, 2)

    def read(step: int) -> Tensor:
        return atlas.gather(2, (first + step).unsqueeze(1).expand(-1, LOOKUP_CHANNELS, -1))

    low = read(0) * (1 - v) + read(1) * v
    high = read(texels) * (1 - v) + read(texels + 1) * v
    return low * (1 - u) + high * u


def _enlarge(x: Tensor, mode: str) -> Tensor:
    """Scale `[B, C, H, W]` by `FINER`."""
    return F.interpolate(x, scale_factor=float(FINER), mode=mode)


def _scatter(images: Tensor, index: Tensor, texels: int) -> Tensor:
    """Scatter pixels into atlases `[B, 4, 25·texels²]`: RGB, and 1 where a texel was hit.

    Pixel numbers are scattered and colours gathered, a quarter of the traffic of scattering colours.
    """
    numbers = torch.arange(1, index.shape[1] + 1, dtype=torch.int32, device=index.device).expand_as(index)
    size = NUM_BODY_PARTS * texels * texels
    winner = torch.zeros(index.shape[0], size, dtype=torch.int32, device=index.device).scatter(1, index, numbers)
    winner = F.pad(winner[:, 1:], (1, 0))  # texel 0 collected what lies off the body
    mask = (winner > 0).unsqueeze(1).to(torch.float32)
    source = (winner - 1).clamp(min=0).to(torch.int64).unsqueeze(1).expand(-1, 3, -1)
    return torch.cat([images.flatten(2).gather(2, source) * mask, mask], dim=1)


def _fill(atlas: Tensor, texels: int) -> Tensor:
    """Fill holes of an atlas from their own body part."""
    charts = atlas.reshape(-1, LOOKUP_CHANNELS, NUM_BODY_PARTS, texels, texels).transpose(1, 2).flatten(0, 1)
    filled = _push_pull(charts).reshape(-1, NUM_BODY_PARTS, LOOKUP_CHANNELS, texels, texels)
    return filled.transpose(1, 2).reshape(-1, LOOKUP_CHANNELS, NUM_BODY_PARTS * texels * texels)


def _push_pull(x: Tensor) -> Tensor:
    """Fill pixels without confidence from ever coarser averages of those with some (Gortler et al., *Lumigraph*).

    Parameters
    ----------
    x
        Colours times confidence, and confidence, `[B, 4, H, W]`; H and W multiples of 2^FILL_LEVELS.

    Returns
    -------
    Tensor
        The same, with holes filled at `DECAY` of the confidence a level.
    """
    pyramid = [x]
    for _ in range(FILL_LEVELS):
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    filled = _fully_confident(pyramid[-1])
    for level in reversed(pyramid[1:-1]):
        coarse = F.interpolate(filled, scale_factor=2.0, mode="bilinear") * DECAY
        filled = torch.where(level[:, 3:] > 0, _fully_confident(level), coarse)
    coarse = F.interpolate(filled, scale_factor=2.0, mode="bilinear") * DECAY
    return torch.where(x[:, 3:] > 0, x, coarse)


def _fully_confident(level: Tensor) -> Tensor:
    """Scale an average so that its confidence is 1 where it has any: the holes it averaged over do not count."""
    share = level[:, 3:]
    return level / torch.where(share > 0, share, torch.ones_like(share))
