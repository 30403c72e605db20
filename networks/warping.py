"""Random affine views of photographs, their labels and their body maps.

Randomness comes from the CPU generator that is given, so a seed gives the same views on every device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class AffineLimits:
    """How far a random affine map goes.

    Parameters
    ----------
    rotation
        Degrees either way.
    shift
        Share of the frame's width and height either way.
    scale
        Smallest and largest factor.
    shear
        Horizontal shear either way.
    """

    rotation: float
    shift: float
    scale: tuple[float, float]
    shear: float = 0.0


class Warp:
    """One affine map a sample, applied alike to pictures, labels and body maps.

    What is warped has N samples, or is one that is warped by every map.

    Parameters
    ----------
    theta
        `[N, 2, 3]`, as `torch.nn.functional.affine_grid` takes it.
    height, width
        The frame.
    """

    def __init__(self, theta: Tensor, height: int, width: int) -> None:
        self.theta = theta
        self.grid = F.affine_grid(theta, [len(theta), 1, height, width], align_corners=False)

    def shares(self, height: int, width: int) -> Tensor:
        """Return where each pixel of a picture is taken from, as shares of the source's sides: `[N, 2, H, W]`."""
        grid = F.affine_grid(self.theta, [len(self.theta), 1, height, width], align_corners=False)
        return (grid.permute(0, 3, 1, 2) + 1) / 2

    def image(self, image: Tensor) -> Tensor:
        """Warp pictures `[N, C, H, W]`; beyond the frame the border goes on."""
        return self._sampled(image, padding_mode="border")

    def mask(self, mask: Tensor, outside: Tensor) -> Tensor:
        """Warp masks `[N, 1, H, W]`; `outside` `[N]` is what lies beyond the frame."""
        beyond = outside.view(-1, 1, 1, 1)
        return self._sampled(mask - beyond) + beyond

    def labels(self, labels: Tensor) -> Tensor:
        """Warp labels `[N, H, W]` or body maps `[N, H, W, 3]` with nearest samples; beyond the frame is 0."""
        values = labels.float().unsqueeze(1) if labels.ndim == 3 else labels.float().permute(0, 3, 1, 2)
        warped = self._sampled(values, mode="nearest").round().to(labels.dtype)
        return warped.squeeze(1) if labels.ndim == 3 else warped.permute(0, 2, 3, 1)

    def _sampled(self, values: Tensor, **how: str) -> Tensor:
        return F.grid_sample(values.expand(len(self.grid), -1, -1, -1), self.grid, align_corners=False, **how)


def random_affine(limits: AffineLimits, count: int, aspect: float, generator: torch.Generator) -> Tensor:
    """Draw affine maps `[count, 2, 3]` for `Warp`.

    Parameters
    ----------
    limits
        How far the maps go.
    count
        Number of maps.
    aspect
        The frame's height over its width, so that a rotation is one in pixels.
    generator
        The CPU generator that randomness comes from.
    """
    angle = uniform(count, -1, 1, generator) * math.radians(limits.rotation)
    factor = torch.exp(uniform(count, math.log(limits.scale[0]), math.log(limits.scale[1]), generator))
    shear = uniform(count, -limits.shear, limits.shear, generator)
    # From a place in the result to the place in the source: the inverse of what the picture does.
    cosine, sine = torch.cos(angle) / factor, torch.sin(angle) / factor
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = cosine, (shear - sine) * aspect
    theta[:, 1, 0], theta[:, 1, 1] = sine / aspect, cosine
    theta[:, :, 2] = 2 * limits.shift * (2 * torch.rand(count, 2, generator=generator) - 1)
    return theta


def uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Draw numbers `[count]` between two bounds."""
    return low + (high - low) * torch.rand(count, generator=generator)
