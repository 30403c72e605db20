"""Random changes of people: how they are framed, their colours, and the faults that real labels and body maps have.

Every function draws from the CPU generator that it is given, so a step's randomness is the same on any device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.classes import MIRRORED, NUM_BODY_PARTS, NUM_CLASSES
from ..networks.warping import uniform

DENSEPOSE_MIRRORED = tuple((part, part + 1) for part in range(3, NUM_BODY_PARTS - 1, 2))
"""Left and right of every body part but the torso: 3 and 4, 5 and 6, …, 23 and 24."""


def random_zoom(share: float, largest: float, count: int, generator: torch.Generator) -> Tensor:
    """Draw affine maps `[count, 2, 3]` for `Warp` that cut closer framings out of the frame.

    Parameters
    ----------
    share
        Share of the maps that are not the whole frame.
    largest
        The largest factor; the cut never leaves the frame.
    count
        Number of maps.
    generator
        The CPU generator that randomness comes from.
    """
    zoomed = torch.rand(count, generator=generator) < share
    factor = torch.where(zoomed, uniform(count, 1.0, largest, generator), 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1 / factor
    theta[:, :, 2] = (1 - 1 / factor).unsqueeze(1) * (2 * torch.rand(count, 2, generator=generator) - 1)
    return theta


def mirror_labels(labels: Tensor, rows: Tensor) -> Tensor:
    """Mirror labels `[N, H, W]` where `rows` `[N]` says so: left arms become right arms, and so on."""
    table = torch.arange(NUM_CLASSES, dtype=labels.dtype, device=labels.device)
    for left, right in MIRRORED:
        table[left], table[right] = right, left
    return torch.where(rows.view(-1, 1, 1), table[labels.flip(2).long()], labels)


def mirror_body_map(densepose: Tensor, rows: Tensor) -> Tensor:
    """Mirror body maps `[N, H, W, 3]` where `rows` `[N]` says so.

    How U and V run in a mirrored chart differs from chart to chart: drop them in these rows.
    """
    table = torch.arange(NUM_BODY_PARTS, dtype=densepose.dtype, device=densepose.device)
    for one, other in DENSEPOSE_MIRRORED:
        table[one], table[other] = other, one
    flipped = densepose.flip(2).clone()
    flipped[..., 0] = table[flipped[..., 0].long()]
    return torch.where(rows.view(-1, 1, 1, 1), flipped, densepose)


def smooth_noise(
    count: int, channels: int, size: tuple[int, int], cells: int, generator: torch.Generator, device: torch.device
) -> Tensor:
    """Draw smooth noise `[count, channels, H, W]` in [-1, 1] whose hills are 1/`cells` of the width wide."""
    height, width = size
    rows = max(2, round(cells * height / width))
    coarse = 2 * torch.rand(count, channels, rows, cells, generator=generator).to(device) - 1
    return F.interpolate(coarse, size=size, mode="bicubic", align_corners=False).clamp(-1, 1)


def displace(labels: Tensor, pixels: Tensor) -> Tensor:
    """Take every pixel of `[N, H, W]` or `[N, H, W, C]` from a neighbour `pixels` `[N, 2, H, W]` (x, y) away."""
    height, width = labels.shape[1:3]
    offset = pixels.round().long()
    x = (torch.arange(width, device=labels.device).view(1, 1, -1) + offset[:, 0]).clamp(0, width - 1)
    y = (torch.arange(height, device=labels.device).view(1, -1, 1) + offset[:, 1]).clamp(0, height - 1)
    index = (y * width + x).flatten(1)
    if labels.ndim == 4:
        index = index.unsqueeze(2).expand(-1, -1, labels.shape[3])
    return labels.flatten(1, 2).gather(1, index).reshape(labels.shape)


def wobble(labels: Tensor, limit: float, strength: Tensor, generator: torch.Generator) -> Tensor:
    """Move borders of `[N, H, W]` or `[N, H, W, C]` smoothly by up to `limit` pixels times each row's `strength`."""
    size = (labels.shape[1], labels.shape[2])
    field = smooth_noise(len(labels), 2, size, 8, generator, labels.device)
    return displace(labels, field * limit * strength.view(-1, 1, 1, 1).float())


def jitter_coordinates(
    densepose: Tensor, generator: torch.Generator, *, drift: float = 6.0, grain: float = 1.5
) -> Tensor:
    """Shift U and V of body maps `[N, H, W, 3]`: by smooth noise up to `drift` and by `grain` a pixel, in 1/255.

    How much differs from row to row.
    """
    count, height, width, _ = densepose.shape
    strength = torch.rand(count, generator=generator).to(densepose.device).view(-1, 1, 1, 1)
    field = smooth_noise(count, 2, (height, width), 6, generator, densepose.device).permute(0, 2, 3, 1) * drift
    if grain:
        field = field + grain * torch.randn(count, height, width, 2, generator=generator).to(densepose.device)
    moved = (densepose[..., 1:].float() + field * strength).round().clamp(0, 255).to(densepose.dtype)
    on_body = densepose[..., :1] > 0
    return torch.cat([densepose[..., :1], torch.where(on_body, moved, densepose[..., 1:])], dim=3)


def drop_coordinates(densepose: Tensor, rows: Tensor) -> Tensor:
    """Set U and V of some rows `[N]` to 0."""
    keep = (~rows).view(-1, 1, 1, 1).to(densepose.dtype)
    return torch.cat([densepose[..., :1], densepose[..., 1:] * keep], dim=3)


def drop_parts(densepose: Tensor, dropped: Tensor) -> Tensor:
    """Take body parts out of body maps `[N, H, W, 3]`; `dropped` `[N, 25]` says which."""
    gone = dropped.gather(1, densepose[..., 0].flatten(1).long()).reshape(densepose.shape[:3])
    return densepose * (~gone).unsqueeze(3).to(densepose.dtype)


def punch_holes(densepose: Tensor, share: float, generator: torch.Generator, *, largest: float = 0.3) -> Tensor:
    """Cut a random rectangle out of a share of body maps `[N, H, W, 3]`, its sides up to `largest` of the frame's."""
    count, height, width, _ = densepose.shape
    holes = torch.rand(count, 4, generator=generator).to(densepose.device)
    size = torch.tensor([height, width], device=densepose.device) * largest * holes[:, 2:]
    start = torch.tensor([height, width], device=densepose.device) * holes[:, :2] - size / 2
    y = torch.arange(height, device=densepose.device).view(1, -1, 1)
    x = torch.arange(width, device=densepose.device).view(1, 1, -1)
    (top, left), (bottom, right) = start.T.view(2, -1, 1, 1), (start + size).T.view(2, -1, 1, 1)
    hit = (torch.rand(count, generator=generator) < share).to(densepose.device).view(-1, 1, 1)
    inside: Tensor = (y >= top) & (y < bottom) & (x >= left) & (x < right) & hit
    return densepose * (~inside).unsqueeze(3).to(densepose.dtype)


def rough_garments(labels: Tensor, worn: Tensor, generator: torch.Generator, *, limit: int = 3) -> Tensor:
    """Erode or dilate worn garments by up to `limit` pixels in `[N, H, W]`: what real parsers get wrong.

    Parameters
    ----------
    labels
        Integers `[N, H, W]`.
    worn
        bool `[N, 20]`: the classes that count as garments.
    generator
        The CPU generator that randomness comes from.
    limit
        The most pixels by which a garment grows or shrinks.
    """
    pixels = torch.randint(-limit, limit + 1, (len(labels),), generator=generator).to(labels.device).view(-1, 1, 1)
    inside = worn.gather(1, labels.flatten(1).long()).reshape(labels.shape)
    value = torch.where(inside, labels.float(), -1.0)
    for step in range(1, limit + 1):
        grown = F.max_pool2d(value.unsqueeze(1), 3, 1, 1).squeeze(1)
        shrunk = F.max_pool2d((value < 0).float().unsqueeze(1), 3, 1, 1).squeeze(1) > 0
        value = torch.where((pixels >= step) & (value < 0), grown, value)
        value = torch.where((pixels <= -step) & shrunk, -1.0, value)
    bare = torch.where(inside, torch.zeros_like(labels), labels)
    return torch.where(value >= 0, value.to(labels.dtype), bare)


@dataclass(frozen=True)
class ColourShift:
    """One change of colours a sample, to be applied to several pictures alike.

    Parameters
    ----------
    gain
        A channel's factor, `[N, 3]`.
    gamma
        Exponent, `[N]`.
    order
        Which channel each channel is taken from, `[N, 3]`.
    """

    gain: Tensor
    gamma: Tensor
    order: Tensor

    @classmethod
    def random(cls, count: int, generator: torch.Generator, *, permuted: float = 0.25) -> ColourShift:
        """Draw changes for `count` samples; a share of them also has its channels permuted."""
        gain = torch.exp(uniform(count, math.log(0.8), math.log(1.2), generator)).view(-1, 1)
        gain = gain * torch.exp(0.06 * torch.randn(count, 3, generator=generator))
        gamma = torch.exp(uniform(count, math.log(0.75), math.log(1.33), generator))
        shuffled = torch.rand(count, 3, generator=generator).argsort(dim=1)
        swap = torch.rand(count, 1, generator=generator) < permuted
        return cls(gain, gamma, torch.where(swap, shuffled, torch.arange(3).expand(count, -1)))

    def __call__(self, image: Tensor) -> Tensor:
        """Change pictures `[N, 3, H, W]` in [0, 1]."""
        count, _, height, width = image.shape
        order = self.order.to(image.device).view(count, 3, 1, 1).expand(-1, -1, height, width)
        picture: Tensor = image.gather(1, order).clamp(min=1e-4) ** self.gamma.to(image.device).view(-1, 1, 1, 1)
        return (picture * self.gain.to(image.device).view(count, 3, 1, 1)).clamp(0, 1)


def soften(image: Tensor, generator: torch.Generator, *, share: float = 0.3, noise: float = 0.02) -> Tensor:
    """Blur and add noise to a share of pictures `[N, 3, H, W]` in [0, 1], a little."""
    count = len(image)
    strength = torch.rand(count, 1, 1, 1, generator=generator) * (
        torch.rand(count, 1, 1, 1, generator=generator) < share
    )
    grain = noise * torch.rand(count, 1, 1, 1, generator=generator) * torch.randn(image.shape, generator=generator)
    grain = grain * (torch.rand(count, 1, 1, 1, generator=generator) < share)
    blurred = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return (torch.lerp(image, blurred, strength.to(image.device)) + grain.to(image.device)).clamp(0, 1)


def chance(shape: int | tuple[int, ...], share: float, generator: torch.Generator, device: torch.device) -> Tensor:
    """Draw a bool tensor that is true with probability `share`."""
    return (torch.rand(shape, generator=generator) < share).to(device)
