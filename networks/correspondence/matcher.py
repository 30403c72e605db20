"""The learned correspondence: where each pixel of a person lies in a garment's photograph.

Both body maps are faulty, and each in its own way, so reading one at the other's coordinates drags cloth into waves. A
network that has seen many pairs matches the two bodies as wholes, as optical flow is matched globally (Xu et al.,
*GMFlow*, CVPR 2022): features of both attend to themselves and each other, each place of the person is matched to all
places of the photograph, and what comes out is refined twice, at twice the size each time. Beside the body it goes on
as cloth does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.classes import NUM_CLASSES
from ..attention import Attention
from ..layers import conv, conv_leaky
from ..operators import read_rows

WIDTHS = (24, 48, 96)
"""Channels at the working size, at half and at a quarter of it."""

LAYERS = 2
FARTHEST = 0.1
"""A unit that refinement gives is so much of the frame."""


class BodyMatcher(nn.Module):
    """Match a person's body map with that of a garment's photograph.

    Parameters
    ----------
    body_channels
        How many channels `body_channels` makes of a body map.
    """

    def __init__(self, body_channels: int) -> None:
        super().__init__()
        coarse = WIDTHS[-1]
        self.person = _Encoder(body_channels)
        self.garment = _Encoder(body_channels + NUM_CLASSES)
        self.own = nn.ModuleList(Attention(coarse) for _ in range(LAYERS))
        self.across = nn.ModuleList(Attention(coarse) for _ in range(LAYERS))
        self.asked, self.told = nn.Conv2d(coarse, coarse, 1), nn.Conv2d(coarse, coarse, 1)
        self.alike, self.like = nn.Conv2d(coarse, coarse, 1), nn.Conv2d(coarse, coarse, 1)
        self.refine = nn.ModuleList(_Refinement(width) for width in reversed(WIDTHS))

    def forward(self, person: Tensor, garment: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Map channels of both, `[B, C, h, w]`, to places and whether they are seen, coarse to fine.

        Returns
        -------
        list
            At a quarter, half and all of the size: places `[B, 2, ...]`, column and row as shares of the photograph's
            width and height; and logits `[B, 1, ...]` of being seen there.
        """
        *finer, here = self.person(person)
        *their_finer, there = self.garment(garment)
        for own, across in zip(self.own, self.across, strict=True):
            here, there = own(here, here), own(there, there)
            here, there = across(here, there), across(there, here)
        size = here.shape[2:]
        places = _matched(self.asked(here), self.told(there), grid((size[0], size[1]), here).flatten(2))
        places = _matched(self.alike(here), self.like(here), places).reshape(len(here), 2, *size)
        seen = torch.zeros_like(places[:, :1])
        found: list[tuple[Tensor, Tensor]] = []
        features = zip(reversed([*finer, here]), reversed([*their_finer, there]), strict=True)
        for refine, (mine, theirs) in zip(self.refine, features, strict=True):
            if found:
                places, seen = (
                    F.interpolate(each, scale_factor=2.0, mode="bilinear", align_corners=False)
                    for each in (places, seen)
                )
            places, seen = refine(mine, theirs, places, seen)
            found.append((places, seen))
        return found


def sample(values: Tensor, places: Tensor) -> Tensor:
    """Read `[B, C, h, w]` bilinearly at places `[B, 2, H, W]`, shares of its width and height; the border goes on."""
    height, width = values.shape[2:]
    x = (places[:, 0] * width - 0.5).clamp(0, width - 1)
    y = (places[:, 1] * height - 0.5).clamp(0, height - 1)
    left, top = x.detach().floor().clamp(max=width - 2), y.detach().floor().clamp(max=height - 2)
    right, down = (x - left).unsqueeze(3), (y - top).unsqueeze(3)
    first = (top * width + left).to(torch.int32)
    table = values.flatten(2).transpose(1, 2)
    upper, lower = (
        read_rows(table, first + step) * (1 - right) + read_rows(table, first + step + 1) * right for step in (0, width)
    )
    return (upper * (1 - down) + lower * down).permute(0, 3, 1, 2)


class _Encoder(nn.Module):
    """Features at the working size, at half and at a quarter of it."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        fine, middle, coarse = WIDTHS
        self.levels = nn.ModuleList(
            (
                nn.Sequential(conv_leaky(inputs, fine), _Block(fine)),
                nn.Sequential(conv_leaky(fine, middle, stride=2), _Block(middle)),
                nn.Sequential(conv_leaky(middle, coarse, stride=2), _Block(coarse), _Block(coarse)),
            )
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for level in self.levels:
            x = level(x)
            found.append(x)
        return found


class _Block(nn.Module):
    """Two 3×3 convolutions, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv_leaky(channels, channels), *conv(channels, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


class _Refinement(nn.Module):
    """Mend places by what both show there; it starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = max(32, 2 * channels // 3)
        last = nn.Conv2d(width, 3, 1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.body = nn.Sequential(conv_leaky(2 * channels + 3, width), _Block(width), _Block(width), last)

    def forward(self, mine: Tensor, theirs: Tensor, places: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        moved = places - grid((places.shape[2], places.shape[3]), places)
        step = self.body(torch.cat([mine, sample(theirs, places), moved / FARTHEST, seen], dim=1))
        return places + FARTHEST * step[:, :2], seen + step[:, 2:]


def grid(size: tuple[int, int], like: Tensor) -> Tensor:
    """Return the places of a map's own pixels, `[1, 2, H, W]`: column and row as shares of width and height."""
    rows, columns = ((torch.arange(count, device=like.device, dtype=like.dtype) + 0.5) / count for count in size)
    zeros = torch.zeros(1, 1, *size, device=like.device, dtype=like.dtype)
    return torch.cat([zeros + columns.view(1, 1, 1, -1), zeros + rows.view(1, 1, -1, 1)], dim=1)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _matched(asked: Tensor, told: Tensor, values: Tensor) -> Tensor:
    """Return the mean of values `[B, C, n]` over places `[B, D, ...]` that are alike, `[B, C, m]`."""
    likeness = (asked.flatten(2).transpose(1, 2) @ told.flatten(2) * asked.shape[1] ** -0.5).softmax(dim=2)
    mean: Tensor = values @ likeness.transpose(1, 2)
    return mean
