"""A photograph seen otherwise: moved, turned, and bent a little as bodies bend, and where each of its points went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.images import UInt8Array
from ..networks.warping import AffineLimits, random_affine
from .augment import smooth_noise

LIMITS = AffineLimits(rotation=8, shift=0.04, scale=(0.85, 1.1), shear=0.04)

BEND, CELLS = 0.06, 4
"""How far a point is bent away at most, in halves of the photograph, and how many hills that has across it."""

ROUNDS = 10
"""So often a point's place is mended; each time the error shrinks at least to a third."""


@dataclass(frozen=True, eq=False)
class BentView:
    """A smooth map from places in the view to places in the photograph, both from -1 to 1 along each side.

    Parameters
    ----------
    theta
        Its affine part, `[2, 3]`.
    field
        What is added to it, x and y at each of the view's pixels, `[1, 2, H, W]`.
    """

    theta: Tensor
    field: Tensor

    @classmethod
    def random(cls, height: int, width: int, seed: int) -> Self:
        """Draw a view of a photograph of this size."""
        generator = torch.Generator().manual_seed(seed)
        theta = random_affine(LIMITS, 1, height / width, generator)[0]
        field = BEND * smooth_noise(1, 2, (height, width), CELLS, generator, torch.device("cpu"))
        return cls(theta, field)

    def picture(self, photograph: UInt8Array) -> UInt8Array:
        """Return the view of a photograph `[H, W, 3]`, of the same size; beyond its border that goes on."""
        size = [1, 3, *photograph.shape[:2]]
        source = F.affine_grid(self.theta.unsqueeze(0), size, align_corners=False) + self.field.permute(0, 2, 3, 1)
        image = torch.from_numpy(photograph.copy()).permute(2, 0, 1).unsqueeze(0).float()
        seen = F.grid_sample(image, source, padding_mode="border", align_corners=False)
        found: UInt8Array = seen[0].permute(1, 2, 0).round().to(torch.uint8).numpy()
        return found

    def find(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return where the photograph's points `[..., 2]`, x and y in pixels, lie in the view."""
        height, width = self.field.shape[2:]
        size = torch.tensor([width, height])
        wanted = torch.from_numpy(points.reshape(-1, 2)).float() / size * 2 - 1 - self.theta[:, 2]
        inverse = torch.linalg.inv(self.theta[:, :2]).T
        place = wanted @ inverse
        for _ in range(ROUNDS):
            bent = F.grid_sample(self.field, place[None, :, None], padding_mode="border", align_corners=False)
            place = (wanted - bent[0, :, :, 0].T) @ inverse
        found: npt.NDArray[np.float64] = ((place + 1) / 2 * size).double().numpy().reshape(points.shape)
        return found
