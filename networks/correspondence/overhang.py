"""The overhang lookup: how far cloth hangs clear of the body, carried to the person beside its outline.

Trousers of one length may be slim or wide; a point of the body tells which only off the body. Pixels beside a body
belong to the nearest point of its outline, at a distance counted in rings, so that what a garment photograph shows so
far off that point says what to draw so far off the same point of the person.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ...data.classes import NUM_BODY_PARTS
from ..operators import planes, quotient
from ..push_pull import push
from .atlas import enter, has_coordinates, read_levels, texel_index

_SMALLEST_PART = 8
"""In pixels of the working size; smaller ones do not tell how large a body is."""

_PART, _U = 1 << 16, 1 << 8


def reach_for(height: int) -> int:
    """Return how many rings there are around a person in a picture of this height, each a pixel wide."""
    return height * 3 // 64


def outline_texels(height: int) -> int:
    """Return how many texels a side of a chart gets in atlases of a ring: one for two or three of the ring's pixels."""
    return height // 8


def overhang_lookup(
    densepose: Tensor, garment_labels: Tensor, garment_densepose: Tensor
) -> tuple[Tensor, tuple[tuple[Tensor, Tensor], ...]]:
    """Say what every garment photograph shows as far off the body as the person's pixels are off theirs.

    Distances are measured in the size of the body: a photograph from nearer by has wider rings. Labels may be finer
    than body maps; then of each pixel two samples count, across its diagonal.

    Parameters
    ----------
    densepose
        The person's body map, int32 `[N, h, w, 3]`.
    garment_labels
        The garment photographs' labels, int32 `[N, M, f·h, f·w]`, f being 1 or 2.
    garment_densepose
        The garment photographs' body maps, int32 `[N, M, h, w, 3]`.

    Returns
    -------
    nearest : Tensor
        The person's body map, and on the rings beside the body the nearest point of its outline: int32 `[N, h, w, 3]`.
    answers : tuple of pairs of Tensor
        For each of f samples: the class plus one, int32 `[N, M, h·w]`, 0 on the body, out of reach and where nothing
        was found; and the confidence, float32.
    """
    count, garments = garment_labels.shape[:2]
    height = densepose.shape[1]
    finer, reach, texels = garment_labels.shape[2] // height, reach_for(height), outline_texels(height)
    body, shown = planes(densepose).unsqueeze(2), planes(garment_densepose)
    everybody = torch.cat([body, shown], dim=2).flatten(1, 2)
    place, ring = (each.reshape(count, 1 + garments, -1) for each in _outline(everybody, reach))
    layers = _layers(_part_sizes(body[0]), _part_sizes(shown[0]), reach)
    layer = layers.gather(2, ring[:, :1].to(torch.int64).expand(-1, garments, -1))
    beside = (layer > 0).to(torch.int32)
    atlases = torch.arange(count * garments, dtype=torch.int32, device=layer.device).reshape(count, garments, 1)
    # Pixels of the body, and those out of reach, gather in a layer that is never read.
    index = _texel(place[:, 1:], ring[:, 1:], texels).flatten(0, 1)
    answers = []
    for sample in range(finer):
        labels = garment_labels[:, :, sample::finer, sample::finer].flatten(0, 1).flatten(1) + 1
        atlas = enter(labels, index, (reach + 1) * NUM_BODY_PARTS * texels**2).reshape(-1, texels, texels)
        levels = push(atlas, texels.bit_length() - 1, _coarser)
        answers.append(
            read_levels(levels, lambda size: _texel(place[:, :1], layer + atlases * (reach + 1), size), beside)
        )
    nearest = torch.stack(_coordinates(place[:, 0].reshape(densepose.shape[:3]))).movedim(0, -1)
    return nearest, tuple(answers)


def _outline(body: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """Return the point of the body `[3, B, H, W]` that each pixel `[B, H, W]` beside it belongs to, and in which ring.

    Point and ring are 0 where there is none; on the body the ring is 0. Steps go across and diagonally in turns, which
    makes rings octagons.
    """
    part, u, v = body.unbind(0)
    place = (part * _PART + u * _U + v) * has_coordinates(part, u, v)
    ring = torch.zeros_like(place)
    for step in range(1, reach + 1):
        across = _larger_neighbour(place, 2)
        around = _larger_neighbour(across if step % 2 == 0 else place, 1)
        near = torch.maximum(across, around)
        blank = (place == 0).to(torch.int32)
        ring = ring + step * blank * near.clamp(max=1)
        place = place + near * blank
    return place, ring


def _larger_neighbour(x: Tensor, axis: int) -> Tensor:
    """Return the largest of a pixel and its two neighbours along an axis of `[B, H, W]`."""
    size = x.shape[axis]
    padded = F.pad(x, (1, 1) if axis == 2 else (0, 0, 1, 1))
    return torch.maximum(torch.maximum(padded.narrow(axis, 0, size), padded.narrow(axis, 2, size)), x)


def _texel(place: Tensor, layer: Tensor, texels: int) -> Tensor:
    """Return the number of a point's texel in layers of 25 charts."""
    part, u, v = _coordinates(place)
    return texel_index(layer * NUM_BODY_PARTS + part, u, v, texels)


def _coordinates(place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return part, U and V of a point of the body."""
    part, upper = quotient(place, _PART), quotient(place, _U)
    return part, upper - part * (_PART // _U), place - upper * _U


def _layers(here: Tensor, there: Tensor, reach: int) -> Tensor:
    """Return which of a photograph's rings lies as far out as each of the person's: int32 `[N, M, 1 + reach]`.

    0 for the body itself and where the photograph's rings end. The sizes of bodies are compared by the parts that both
    show; from `_part_sizes`. Integers, which no precision rounds.
    """
    common = ((here > _SMALLEST_PART) & (there > _SMALLEST_PART)).to(torch.int32)
    here, there = (here * common).sum(dim=2).to(torch.int32), (there * common).sum(dim=2).to(torch.int32)
    here, there = here.clamp(min=1), torch.where(here > 0, there, 1)
    there = torch.minimum(torch.maximum(there, quotient(here, 4)), here * 4)
    # The middle of a ring is half a pixel short of its number, and times s, s² = there / here, the layer ends above it.
    ring = torch.arange(reach + 1, dtype=torch.int32, device=here.device)
    passed = (2 * ring - 1).view(1, 1, -1, 1) ** 2 * there[:, :, None, None] > 4 * ring**2 * here[:, :, None, None]
    layer = passed.to(torch.int32).sum(dim=3).to(torch.int32)
    return layer * ((layer <= reach) & (ring > 0)).to(torch.int32)


def _part_sizes(part: Tensor) -> Tensor:
    """Count the pixels of each part in `[N, M, h, w]`: int32 `[N, M, 24]`."""
    parts = torch.arange(1, NUM_BODY_PARTS, dtype=torch.int32, device=part.device).view(1, 1, -1, 1)
    return (part.flatten(2).unsqueeze(2) == parts).to(torch.int32).sum(dim=3).to(torch.int32)


def _coarser(level: Tensor) -> Tensor:
    """Take of each 2×2 texels the first that holds anything: one sample, which favours no class."""
    first = level[:, ::2, ::2]
    for y, x in ((1, 1), (0, 1), (1, 0)):
        first = torch.where(first > 0, first, level[:, y::2, x::2])
    return first
