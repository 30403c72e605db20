"""The learned correspondence: where each pixel of a person lies in a garment's photograph.

Both body maps are faulty, and each in its own way, so reading one at the other's coordinates drags cloth into waves. A
network that has seen many pairs matches the two bodies as wholes, as optical flow is matched globally (Xu et al.,
*GMFlow*, CVPR 2022): features of both attend to themselves and each other, each place of the person is matched to all
places of the photograph, and what comes out is refined twice, at twice the size each time. What the body maps say it is
told: at first points are alike whose surface coordinates are, and then how far off these still are. Beside the body it
goes on as cloth does. O-VITON does without warping.

Places are FP32 throughout: FP16 tells no more than 2048 of them apart along a side.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.classes import NUM_BODY_PARTS, NUM_CLASSES
from ..attention import Attention
from ..body import BODY_CHANNELS
from ..config import MatcherConfig
from ..layers import conv, conv_leaky
from ..operators import read_rows

WAVES = (1, 2)
"""Half waves along a chart of the body; points whose waves are alike lie close on it."""

SURENESS = 5.0
"""How much alike waves count at first."""

SELDOM = -2.0
"""Logit of how much places go by their neighbours' at first."""

DAMPING = 1e-5
"""Of Newton's method, in squares of U or V, from 0 to 1, a pixel."""

LONGEST_STEP = 4.0
"""Of Newton's method, in pixels."""

NARROWEST = 24
"""How many channels refinement has at least."""

FARTHEST = 0.1
"""A unit that refinement gives is so much of the frame."""


class BodyMatcher(nn.Module):
    """Match a person's body map with those of garments' photographs.

    Parameters
    ----------
    config
        What the network looks like.
    """

    def __init__(self, config: MatcherConfig) -> None:
        super().__init__()
        coarse = config.widths[-1]
        self.person = _Encoder(BODY_CHANNELS, config.widths)
        self.garment = _Encoder(BODY_CHANNELS + NUM_CLASSES, config.widths)
        self.own = nn.ModuleList(Attention(coarse) for _ in range(config.layers))
        self.across = nn.ModuleList(Attention(coarse) for _ in range(config.layers))
        self.sureness = nn.Parameter(torch.tensor([SURENESS]))
        self.asked, self.told = nn.Conv2d(coarse, coarse, 1), nn.Conv2d(coarse, coarse, 1)
        self.alike, self.like = nn.Conv2d(coarse, coarse, 1), nn.Conv2d(coarse, coarse, 1)
        self.borrows = nn.Conv2d(coarse, 1, 1)
        nn.init.zeros_(self.borrows.weight)
        assert self.borrows.bias is not None
        nn.init.constant_(self.borrows.bias, SELDOM)
        self.refine = nn.ModuleList(_Refinement(width) for width in reversed(config.widths))

    def forward(self, person: Tensor, garments: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Map channels of a person, `[N, C, h, w]`, and of M photographs, `[N, M, C, h, w]`, to places.

        Returns
        -------
        list
            At a quarter, half and all of the size: places `[N·M, 2, ...]`, float32, column and row as shares of the
            photograph's width and height; and logits `[N·M, 1, ...]` of being seen there.
        """
        photographs = garments.shape[1]
        mine = [_repeated(each, photographs) for each in self.person(person)]
        theirs = self.garment(garments.flatten(0, 1))
        here, there = mine[-1], theirs[-1]
        for own, across in zip(self.own, self.across, strict=True):
            here, there = own(here, here), own(there, there)
            here, there = across(here, there), across(there, here)
        size = here.shape[2], here.shape[3]
        mine_on_charts = _repeated(chart_features(person), photographs)
        theirs_on_charts = chart_features(garments.flatten(0, 1)[:, :BODY_CHANNELS]) * self.sureness
        likeness = _products(self.asked(here), self.told(there)) * here.shape[1] ** -0.5
        places = _mean(likeness + _products(mine_on_charts, theirs_on_charts), grid(size, here.device).flatten(2))
        # What is not seen there, or has no coordinates, lies where its neighbours tell.
        likeness = _products(self.alike(here), self.like(here)) * here.shape[1] ** -0.5
        borrowed, share = _mean(likeness, places), self.borrows(here).sigmoid().float().flatten(2)
        places = (places + share * (borrowed - places)).reshape(-1, 2, *size)
        seen = torch.zeros_like(here[:, :1])
        found: list[tuple[Tensor, Tensor]] = []
        features = zip(reversed([*mine[:-1], here]), reversed([*theirs[:-1], there]), strict=True)
        bodies = zip(_pyramid(_repeated(person, photographs)), _pyramid(garments.flatten(0, 1)), strict=True)
        for refine, (my, their), (body, other) in zip(self.refine, features, bodies, strict=True):
            if found:
                places, seen = (F.interpolate(each, scale_factor=2.0, mode="bilinear") for each in (places, seen))
            places, seen = refine(my, their, places, seen, newton_step(body, other, places))
            found.append((places, seen))
        return found


def chart_features(body: Tensor) -> Tensor:
    """Return features of `body_channels` `[B, 27, h, w]`, a quarter of the size, whose inner products tell closeness.

    Of the places in the middle, that is every second one, each block's mean; zero off the body.
    """
    body = body[:, :, 1::2, 1::2]
    parts, surface = body[:, 1:NUM_BODY_PARTS], torch.pi * body[:, NUM_BODY_PARTS:]
    angles = torch.cat([surface * wave for wave in WAVES], dim=1)
    waves = torch.cat([torch.ones_like(angles[:, :1]), angles.cos(), angles.sin()], dim=1)
    return F.avg_pool2d((parts.unsqueeze(2) * waves.unsqueeze(1)).flatten(1, 2), 2)


def newton_step(body: Tensor, other: Tensor, places: Tensor) -> Tensor:
    """Return how far places lie from where the charts say, in pixels, as Newton's method would take them there.

    Parameters
    ----------
    body, other
        `body_channels` of the person and of the photograph, `[B, 27, h, w]`; further channels do not count.
    places
        Where each of the person's pixels is thought to lie in the photograph, `[B, 2, h, w]`.

    Returns
    -------
    Tensor
        float32 `[B, 3, h, w]`: columns and rows, and 1 where both show the same part of the body; else all are 0.
    """
    height, width = places.shape[2:]
    mine, charts = _chart(body), _chart(other)
    across, down = ((charts.roll(-1, axis) - charts.roll(1, axis))[:, 1:] / 2 for axis in (3, 2))
    table = torch.cat([charts, across, down], dim=1)
    column, row = (places[:, 0] * width).clamp(0, width - 1), (places[:, 1] * height).clamp(0, height - 1)
    left, top = column.floor(), row.floor()
    at = read_rows(table.permute(0, 2, 3, 1).flatten(1, 2), (top * width + left).to(torch.int32))
    part, u, v, u_across, v_across, u_down, v_down = at.unbind(3)
    u_off, v_off = mine[:, 1] - u, mine[:, 2] - v
    # Least squares, damped where the chart hardly changes.
    a, b, d = (
        x * z + y * w
        for x, y, z, w in (
            (u_across, v_across, u_across, v_across),
            (u_across, v_across, u_down, v_down),
            (u_down, v_down, u_down, v_down),
        )
    )
    a, d = a + DAMPING, d + DAMPING
    right, below = u_across * u_off + v_across * v_off, u_down * u_off + v_down * v_off
    determinant = a * d - b * b
    same = ((part == mine[:, 0]) & (part > 0)).float()
    x = left + 0.5 + (d * right - b * below) / determinant - places[:, 0] * width
    y = top + 0.5 + (a * below - b * right) / determinant - places[:, 1] * height
    step = torch.stack([x, y], dim=1).clamp(-LONGEST_STEP, LONGEST_STEP)
    return torch.cat([step * same.unsqueeze(1), same.unsqueeze(1)], dim=1)


def sample(values: Tensor, places: Tensor) -> Tensor:
    """Read `[B, C, h, w]` bilinearly at places `[B, 2, H, W]`, shares of its width and height; the border goes on."""
    height, width = values.shape[2:]
    x = (places[:, 0] * width - 0.5).clamp(0, width - 1)
    y = (places[:, 1] * height - 0.5).clamp(0, height - 1)
    left, top = x.detach().floor().clamp(max=width - 2), y.detach().floor().clamp(max=height - 2)
    right, down = (each.unsqueeze(3).to(values.dtype) for each in (x - left, y - top))
    first = (top * width + left).to(torch.int32)
    table = values.permute(0, 2, 3, 1).flatten(1, 2)
    upper, lower = (
        read_rows(table, first + step) * (1 - right) + read_rows(table, first + step + 1) * right for step in (0, width)
    )
    return (upper * (1 - down) + lower * down).permute(0, 3, 1, 2)


def grid(size: tuple[int, int], device: torch.device) -> Tensor:
    """Return the places of a map's own pixels, float32 `[1, 2, H, W]`: column and row as shares of width and height."""
    rows, columns = ((torch.arange(count, device=device, dtype=torch.float32) + 0.5) / count for count in size)
    zeros = torch.zeros(1, 1, *size, device=device)
    return torch.cat([zeros + columns.view(1, 1, 1, -1), zeros + rows.view(1, 1, -1, 1)], dim=1)


class _Encoder(nn.Module):
    """Features at the working size, at half and at a quarter of it."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        levels = [
            nn.Sequential(conv_leaky(inputs, widths[0]), _Block(widths[0])),
            *(nn.Sequential(conv_leaky(a, b, stride=2), _Block(b)) for a, b in pairwise(widths)),
        ]
        self.levels = nn.ModuleList([*levels[:-1], nn.Sequential(*levels[-1], _Block(widths[-1]))])

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
        width = max(NARROWEST, channels // 2)
        last = nn.Conv2d(width, 3, 1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.body = nn.Sequential(conv_leaky(2 * channels + 6, width), _Block(width), _Block(width), last)

    def forward(
        self, mine: Tensor, theirs: Tensor, places: Tensor, seen: Tensor, newton: Tensor
    ) -> tuple[Tensor, Tensor]:
        moved = (places - grid((places.shape[2], places.shape[3]), places.device)) / FARTHEST
        told = (each.to(mine.dtype) for each in (moved, seen, newton))
        step = self.body(torch.cat([mine, sample(theirs, places), *told], dim=1))
        return places + FARTHEST * step[:, :2].float(), seen + step[:, 2:]


def _repeated(x: Tensor, times: int) -> Tensor:
    """Repeat each of `[N, C, h, w]`: `[N·times, C, h, w]`."""
    return x.unsqueeze(1).expand(-1, times, -1, -1, -1).flatten(0, 1)


def _pyramid(body: Tensor) -> list[Tensor]:
    """Return a body map's channels at a quarter, half and all of their size."""
    half = body[:, :, 1::2, 1::2]
    return [half[:, :, 1::2, 1::2], half, body]


def _chart(body: Tensor) -> Tensor:
    """Return part, U and V of `body_channels` as numbers, float32 `[B, 3, h, w]`."""
    numbers = torch.arange(NUM_BODY_PARTS, dtype=torch.float32, device=body.device).view(1, -1, 1, 1)
    part = (body[:, :NUM_BODY_PARTS].float() * numbers).sum(dim=1, keepdim=True)
    return torch.cat([part, body[:, NUM_BODY_PARTS:BODY_CHANNELS].float()], dim=1)


def _products(asked: Tensor, told: Tensor) -> Tensor:
    """Return the inner products of all vectors of two maps `[B, D, ...]`: `[B, m, n]`."""
    products: Tensor = asked.flatten(2).transpose(1, 2) @ told.flatten(2)
    return products


def _mean(likeness: Tensor, values: Tensor) -> Tensor:
    """Return for each of m places the mean of values `[B, C, n]`, by likeness `[B, m, n]`."""
    # As no matrix product, whose factors would be rounded where the rest of the network is: a place is a fine number.
    mean: Tensor = (values.unsqueeze(2) * likeness.softmax(dim=2).float().unsqueeze(1)).sum(dim=3)
    return mean
