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
    byte = torch.arange(256, dtype=torch.float32, device=densepose.device) / 255
    waves = torch.stack([wave(math.pi * f * byte) for f in FREQUENCIES for wave in (torch.sin, torch.cos)])
    # A byte has 256 sines: reading them is several times as fast as computing those of every pixel. Row 256 is silence.
    on_body = (densepose[..., :1] > 0).to(torch.int32)
    place = (densepose[..., 1:] * on_body + 256 * (1 - on_body)).permute(3, 0, 1, 2)
    return _read_table(F.pad(waves, (0, 1)).to(dtype), place).flatten(0, 1).transpose(0, 1)


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

    An atlas has ten times more texels than the person has pixels, so its finest level is never made: it exists only as
    the numbers of the garment's samples that hit each texel, read where the person's pixels look.

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
    samples = _fine_samples(to_float_image(garment_images.flatten(0, 1), torch.float32))
    winners = _winners(_fine_texel_index(garment_densepose.flatten(0, 1), worn, texels), texels)
    coarse = _coarse_atlas(samples, winners, texels)

    wanted = source.to(torch.int64).gather(1, labels.to(torch.int64).flatten(1)) - 1
    first = torch.arange(labels.shape[0], device=labels.device).unsqueeze(1) * garments
    found = _read_atlas(samples, winners, coarse, wanted.clamp(min=0) + first, densepose, texels)
    known = ((wanted >= 0) & (densepose[..., 0].flatten(1) > 0)).to(torch.float32)
    found = (found * known.flatten()).reshape(LOOKUP_CHANNELS, -1, height, width).transpose(0, 1)
    return _push_pull(found) * (wanted >= 0).to(torch.float32).reshape(-1, 1, height, width)


def _worn_pixels(garment_labels: Tensor, source: Tensor) -> Tensor:
    """Return int32 `[N, M, H, W]`: 1 where a garment pixel's class is worn from that very photograph."""
    garments, height, width = garment_labels.shape[1:]
    origin = source.gather(1, garment_labels.to(torch.int64).flatten(1))
    order = torch.arange(1, garments + 1, dtype=torch.int32, device=source.device).view(1, -1, 1, 1)
    return (origin.reshape(-1, garments, height, width) == order).to(torch.int32)


def _erode(mask: Tensor) -> Tensor:
    """Shrink a 0/1 mask `[B, H, W]` by a pixel: at a garment's border, skin and background leak in."""
    holes = F.max_pool2d((1 - mask).to(torch.float32).unsqueeze(1), 3, stride=1, padding=1)
    return (holes.squeeze(1) == 0).to(torch.int32)


def _finer(x: Tensor) -> Tensor:
    """Sample `[..., H, W]` bilinearly at twice the resolution, times sixteen: `[4, ..., H, W]`.

    A pixel's four samples lie in four planes, which are made quicker than one picture of twice the size. Integers
    stay integers.
    """
    up, down = torch.cat([x[..., :1, :], x[..., :-1, :]], -2), torch.cat([x[..., 1:, :], x[..., -1:, :]], -2)
    rows = torch.stack([3 * x + up, 3 * x + down])
    left, right = torch.cat([rows[..., :1], rows[..., :-1]], -1), torch.cat([rows[..., 1:], rows[..., -1:]], -1)
    return torch.cat([3 * rows + left, 3 * rows + right])


def _fine_samples(images: Tensor) -> Tensor:
    """Return the colours of all samples of pictures `[B, 3, H, W]`: `[3, 1 + B·4·H·W]`, number 0 being black."""
    samples = _finer(images.transpose(0, 1) / 16)
    return F.pad(samples.permute(1, 2, 0, 3, 4).flatten(1), (1, 0))


def _fine_texel_index(densepose: Tensor, worn: Tensor, texels: int) -> Tensor:
    """Return the number of the texel that every sample hits; 0 where nothing is worn.

    U and V are interpolated between pixels of one chart, never from chart to chart, and in integers, which no precision
    rounds.

    Parameters
    ----------
    densepose
        Integers `[B, H, W, 3]`.
    worn
        int32 `[B, H, W]`: 1 where a garment is.
    texels
        Texels a side of a chart.

    Returns
    -------
    Tensor
        int64 `[B, 4·H·W]`, samples in the order of `_fine_samples`.
    """
    planes = densepose.to(torch.int32).permute(0, 3, 1, 2)
    charts = planes[:, :1].to(torch.float32)
    step = F.max_pool2d(charts, 3, stride=1, padding=1) + F.max_pool2d(-charts, 3, stride=1, padding=1)
    inside = step == 0
    place = torch.where(inside, _finer(planes[:, 1:]), 16 * planes[:, 1:])
    sixteenths = torch.arange(16 * 255 + 1, device=densepose.device)
    row, column = _texel_row_and_column((sixteenths * (texels - 1) + 8 * 255) // (16 * 255), texels)
    part = planes[:, 0] * worn
    index = _read_table(row, place[:, :, 0]) + _read_table(column, place[:, :, 1])
    index = (index + part.to(torch.int64) * (texels // 2) ** 2) * (part > 0).to(torch.int64)
    return index.transpose(0, 1).flatten(1)


def _texel_row_and_column(texel: Tensor, texels: int) -> tuple[Tensor, Tensor]:
    """Return what a texel's row, and what its column, adds to its number.

    The four texels of a coarse one lie in four planes of all charts, so that averaging them is adding planes.
    """
    half = texels // 2
    plane = NUM_BODY_PARTS * half * half
    return texel % 2 * (2 * plane) + texel // 2 * half, texel % 2 * plane + texel // 2


def _read_table(table: Tensor, index: Tensor) -> Tensor:
    """Read the last axis of `[..., n]` at integers of any shape: `[..., *shape]`."""
    return table.index_select(-1, index.to(torch.int64).flatten()).reshape(*table.shape[:-1], *index.shape)


def _winners(index: Tensor, texels: int) -> Tensor:
    """Return which sample's number each texel got, `[B, 4, 25·texels²/4]` int32; 0 for none.

    Numbers are scattered, not colours, a third of the traffic. Those of samples that hit nothing gather in a texel
    of the background's chart, which is never read.
    """
    count, samples = index.shape
    numbers = torch.arange(1, samples + 1, dtype=torch.int32, device=index.device)
    offsets = torch.arange(count, dtype=torch.int32, device=index.device).unsqueeze(1) * samples
    atlas = torch.zeros(count, NUM_BODY_PARTS * texels * texels, dtype=torch.int32, device=index.device)
    return atlas.scatter(1, index, numbers + offsets).reshape(count, 4, -1)


def _coarse_atlas(samples: Tensor, winners: Tensor, texels: int) -> Tensor:
    """Return atlases of half the resolution, filled: `[4, B·25·texels²/4]`."""
    half = texels // 2
    colours = _read_table(samples, winners).mean(dim=2).reshape(-1, NUM_BODY_PARTS, half, half)
    share = (winners > 0).to(torch.float32).mean(dim=1).reshape(-1, NUM_BODY_PARTS, half, half)
    pyramid = [(colours, share)]
    for _ in range(FILL_LEVELS - 1):
        colours, share = F.avg_pool2d(colours, 2), F.avg_pool2d(share, 2)
        pyramid.append((colours, share))
    colours, share = _sure(*pyramid.pop())
    for finer in reversed(pyramid):
        own_colours, own = _sure(*finer)
        blank = (1 - own) * DECAY
        colours = own_colours + F.interpolate(colours, scale_factor=2.0, mode="bilinear") * blank.repeat(3, 1, 1, 1)
        share = own + F.interpolate(share, scale_factor=2.0, mode="bilinear") * blank
    return torch.cat([colours, share]).reshape(LOOKUP_CHANNELS, -1)


def _sure(colours: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Scale averages so that their confidence is 1 where they have any.

    Colours are `[3·B, 25, h, w]` and confidence `[B, 25, h, w]`: charts as channels, so that pooling has many at once.
    """
    seen = share > 0
    weight = torch.where(seen, 1 / torch.where(seen, share, 1.0), 0.0)
    return colours * weight.repeat(3, 1, 1, 1), seen.to(torch.float32)


def _read_atlas(
    samples: Tensor, winners: Tensor, coarse: Tensor, image: Tensor, densepose: Tensor, texels: int
) -> Tensor:
    """Read atlases at the person's pixels, bilinear within a chart, texels that nothing hit from the coarse atlas.

    Parameters
    ----------
    samples, winners, coarse
        From `_fine_samples`, `_winners` and `_coarse_atlas`.
    image
        Which atlas each pixel reads, int64 `[N, H·W]`.
    densepose
        The person's body map, integers `[N, H, W, 3]`.
    texels
        Texels a side of a chart.

    Returns
    -------
    Tensor
        Colours times confidence, and confidence, `[4, N·H·W]`.
    """
    half = texels // 2
    plane = NUM_BODY_PARTS * half * half
    body = densepose.to(torch.int64).flatten(0, 2)
    chart = body[:, 0] * half * half
    image = image.flatten()
    u, v = body[:, 1], body[:, 2]

    byte = torch.arange(256, device=densepose.device)
    corner = (byte * (texels - 1) // 255).clamp(max=texels - 2)
    share = (byte * (texels - 1) - corner * 255).to(torch.float32) / 255
    shares = torch.stack([1 - share, share])
    pair = torch.stack([corner, corner + 1])
    # A texel of the pair lies between the coarse ones around it; three of them are around the pair.
    around = (corner + 1) // 2 - 1 + torch.arange(3, device=corner.device).unsqueeze(1)
    distance = pair.to(torch.float32) / 2 - 0.25 - around.unsqueeze(1).to(torch.float32)
    weights = F.relu(1 - distance.abs()) * shares
    around = around.clamp(0, half - 1)

    rows, columns = _texel_row_and_column(pair, texels)
    fine = image * (4 * plane) + chart
    fine = fine + _read_table(rows, u).unsqueeze(1) + _read_table(columns, v)
    number = _read_table(winners.flatten(), fine)
    rows_share, columns_share = _read_table(shares, u), _read_table(shares, v)
    hit = (number > 0).to(torch.float32)
    seen = torch.cat([_read_table(samples, number), hit.unsqueeze(0)])  # sample 0, no hit, is black
    seen = ((seen * columns_share).sum(dim=2) * rows_share).sum(dim=1)
    # What of each coarse texel is needed: 3×3 weights for the corners that nothing hit.
    missing = (_read_table(weights, u).unsqueeze(2) * (1 - hit)).sum(dim=1)
    missing = (missing.unsqueeze(1) * _read_table(weights, v)).sum(dim=2) * DECAY
    place = image * plane + chart + (_read_table(around, u) * half).unsqueeze(1) + _read_table(around, v)
    filled = (_read_table(coarse, place) * missing).sum(dim=(1, 2))
    return filled + seen


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
