"""The surface lookup: garments' photographs, read at the places that correspond to the person's pixels.

So texture stays as sharp as it was taken. It goes beyond O-VITON, which does without warping; hence a conditioning of
its own name.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..operators import block_sums, neighbour_sums, numbered, quotient, read_rows, read_values
from ..push_pull import doubled, pull, push
from .places import SUBPIXELS, UNITS, enlarged, in_pixels

FREQUENCIES = (2, 4, 8, 16)
FOURIER_CHANNELS = 4 * len(FREQUENCIES)
LOOKUP_CHANNELS = 4

HALVINGS = 5
"""The frame's sides are multiples of 2^HALVINGS; farther than that a garment's colours are not spread."""

DECAY = 0.9
"""What is left of the confidence with every doubling of the distance."""

_BLOCK_HALVINGS = 2
_BLOCK = 2**_BLOCK_HALVINGS
"""Pixels a side of the blocks that a garment's surroundings are made of."""


def coordinate_features(body: Tensor, dtype: torch.dtype) -> Tensor:
    """Return U/255 and V/255 and, zero off the body, their sines and cosines at four frequencies.

    Fed raw, U and V are too smooth for a convolution to tell neighbouring points apart. A byte has 256 sines, which are
    read from a table: engines compute a sine far more slowly.

    Parameters
    ----------
    body
        The person's body map as planes: part, U and V, int32 `[3, N, H, W]`.
    dtype
        The result's dtype.

    Returns
    -------
    Tensor
        The features, those of U and V in turns, `[N, H, W, 2 + FOURIER_CHANNELS]`.
    """
    coordinate = torch.arange(256, dtype=torch.float32, device=body.device) / 255
    waves = torch.stack([wave(math.pi * f * coordinate) for f in FREQUENCIES for wave in (torch.sin, torch.cos)], dim=1)
    # Rows of bytes off the body, then on it.
    rows = torch.cat([coordinate.repeat(2).unsqueeze(1), torch.cat([torch.zeros_like(waves), waves])], dim=1)
    nothing = torch.zeros_like(rows)
    part, u, v = (body[axis] for axis in range(3))
    first = (part > 0).to(torch.int32) * 256
    of_u, of_v = (
        read_rows(torch.stack(columns, dim=2).flatten(1).to(dtype).unsqueeze(0), byte + first).flatten(0, 2)
        for byte, columns in ((u, [rows, nothing]), (v, [nothing, rows]))
    )
    # Added as rows: engines would take four dimensions for channels first, and move them about.
    return (of_u + of_v).reshape(*part.shape, -1)


def surface_lookup(
    labels: Tensor, places: Tensor, garment_images: Tensor, garment_labels: Tensor, source: Tensor
) -> Tensor:
    """Read each worn garment's photograph where the person's pixels lie in it.

    Parameters
    ----------
    labels
        The new segmentation, integers `[N, H, W]`; H and W multiples of 2^HALVINGS.
    places
        Where the person's pixels lie in the garments' photographs, and how surely they are seen there: int32
        `[N, M, 3, h, w]`, H being a multiple of h; see `oviton.networks.correspondence.places`.
    garment_images
        The garment photographs, 0 to 255 in any dtype, `[N, M, H, W, 3]`.
    garment_labels
        The garment photographs' labels, integers `[N, M, H, W]`.
    source
        The photograph that each class comes from, int32 `[N, 20]`, no number above M.

    Returns
    -------
    Tensor
        float32 `[N, 4, H, W]`: RGB in [-1, 1] times confidence, and confidence in [0, 1] (1: seen in the garment
        photograph, less where it may be hidden there or its surroundings fill in, 0: nothing is worn there).
    """
    count, garments, height, width = garment_labels.shape
    worn = _erode(_worn_pixels(garment_labels, source))
    wanted = read_values(source, labels).to(torch.int32)
    order = torch.arange(1, garments + 1, dtype=torch.int32, device=source.device).view(1, -1, 1, 1)
    own = (wanted.unsqueeze(1) == order).to(torch.int32)
    found = (enlarged(places, height // places.shape[3]) * own.unsqueeze(2)).sum(dim=1).to(torch.int32)
    column, row, seen = found.flatten(2).unbind(1)
    photograph = numbered((wanted - 1).clamp(min=0), worn).flatten(1)
    colours = _read_photographs(
        garment_images.flatten(0, 1), worn.flatten(0, 1), photograph, in_pixels(column, width), in_pixels(row, height)
    )
    confidence = seen.to(torch.float32) / UNITS
    return (colours * confidence).reshape(LOOKUP_CHANNELS, count, height, width).transpose(0, 1)


def _worn_pixels(garment_labels: Tensor, source: Tensor) -> Tensor:
    """Return int32 `[N, M, H, W]`: 1 where a garment pixel's class is worn from that very photograph."""
    order = torch.arange(1, garment_labels.shape[1] + 1, dtype=torch.int32, device=source.device).view(1, -1, 1, 1)
    return (read_values(source, garment_labels) == order).to(torch.int32)


def _erode(mask: Tensor) -> Tensor:
    """Shrink 0/1 masks `[N, M, H, W]` by a pixel: at a garment's border, skin and background leak in."""
    # Pooled along rows, which are channels then: engines lay those out in blocks of 8 or 16. Sums of shifted rows do
    # the rest: of shifts alone TensorRT makes nine readings of whatever leads to the mask, for each pixel that is read.
    holes = F.max_pool1d((1 - mask.flatten(0, 1)).to(torch.float32), 3, stride=1, padding=1)
    return (neighbour_sums(F.pad(holes, (0, 0, 1, 1)), 1, 3) == 0).to(torch.int32).reshape(mask.shape)


def _read_photographs(images: Tensor, worn: Tensor, photograph: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Read garment pixels bilinearly; beside a garment, its smoothed surroundings.

    Parameters
    ----------
    images, worn
        The photographs, 0 to 255 `[B, H, W, 3]`, and 1 where they show what is worn, else 0, int32 `[B, H, W]`.
    photograph
        Which of the B photographs each pixel reads, int32 `[N, H·W]`.
    x, y
        The column and row at which it does, int32 `[N, H·W]` in units of 1/SUBPIXELS of a pixel.

    Returns
    -------
    Tensor
        Colours times confidence, and confidence, `[4, N, H·W]`.
    """
    height, width = worn.shape[1:]
    mask = worn.to(torch.float32).unsqueeze(3)
    colours = (images.to(torch.float32) / 127.5 - 1) * mask
    blocks = torch.cat([block_sums(colours, _BLOCK), block_sums(mask, _BLOCK)], dim=3) / _BLOCK**2
    surroundings = _filled(blocks.permute(0, 3, 1, 2))

    column, row = quotient(x, SUBPIXELS).clamp(max=width - 2), quotient(y, SUBPIXELS).clamp(max=height - 2)
    right, down = (each.to(torch.float32) / SUBPIXELS for each in (x - column * SUBPIXELS, y - row * SUBPIXELS))
    place = (photograph * height + row) * width + column
    # Planes: engines read single numbers faster than rows of three.
    channel = torch.arange(3, dtype=torch.int32, device=place.device).view(3, 1, 1)

    def between(table: Tensor, step: int, first: Tensor | int) -> Tensor:
        upper, lower = (
            read_values(table, at * step + first) * (1 - right) + read_values(table, (at + 1) * step + first) * right
            for at in (place, place + width)
        )
        return upper * (1 - down) + lower * down

    found, seen = between(colours.flatten(), 3, channel), between(mask.flatten(), 1, 0)
    height, width = height // _BLOCK, width // _BLOCK
    plane = torch.arange(LOOKUP_CHANNELS, dtype=torch.int32, device=place.device).view(-1, 1, 1)
    place = (photograph * LOOKUP_CHANNELS + plane) * height + quotient(row, _BLOCK)
    beside = read_values(surroundings.flatten(), place * width + quotient(column, _BLOCK)) * (DECAY * (1 - seen))
    return torch.cat([found, seen.unsqueeze(0)]) + beside


def _filled(x: Tensor) -> Tensor:
    """Fill pixels without confidence from ever coarser averages of those with some.

    Parameters
    ----------
    x
        Colours times confidence, and confidence, `[B, 4, H, W]`; H and W multiples of 2^(HALVINGS - _BLOCK_HALVINGS).

    Returns
    -------
    Tensor
        The same, with a confidence of 1 where there was any, and holes filled at `DECAY` of the confidence a level.
    """
    *levels, coarsest = push(x, HALVINGS - _BLOCK_HALVINGS)
    known = [(_fully_confident(level), level[:, 3:] > 0) for level in levels]
    return pull(known, _fully_confident(coarsest), lambda coarse: doubled(coarse) * DECAY)


def _fully_confident(level: Tensor) -> Tensor:
    """Scale an average so that its confidence is 1 where it has any: the holes it averaged over do not count."""
    share = level[:, 3:]
    return level / torch.where(share > 0, share, torch.ones_like(share))
