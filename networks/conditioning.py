"""What the appearance generator sees, made of integers as they come: labels, codes, body maps and garments."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .appearance import codes_conditioning, surface_conditioning
from .correspondence.places import UNITS
from .correspondence.surface import surface_lookup
from .inputs import body_planes, known_sources, label_ids
from .operators import reflect


class CodesConditioning(nn.Module):
    """labels, appearance_codes -> what the ``codes`` generator sees."""

    def forward(self, labels: Tensor, appearance_codes: Tensor) -> Tensor:
        """Return float32 `[N, C, H, W]`."""
        return self.with_guess(labels, appearance_codes)[0]

    def with_guess(
        self, labels: Tensor, appearance_codes: Tensor, *, dtype: torch.dtype = torch.float32, padding: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Return the same of `dtype`, on request padded by reflection, and by itself its guess at the colour."""
        (labels,) = label_ids(labels)
        return codes_conditioning(reflect(labels, padding, (1, 2)), appearance_codes, dtype)


class SurfaceConditioning(nn.Module):
    """labels, appearance_codes, densepose, places, garments, source -> what the ``surface`` generator sees."""

    def __init__(self) -> None:
        super().__init__()
        self.lookup = SurfaceLookup()

    def forward(
        self,
        labels: Tensor,
        appearance_codes: Tensor,
        densepose: Tensor,
        places: Tensor,
        garment_images: Tensor,
        garment_labels: Tensor,
        source: Tensor,
    ) -> Tensor:
        """Return float32 `[N, C, H, W]`."""
        lookup = self.lookup(labels, places, garment_images, garment_labels, source)
        return self.with_guess(labels, appearance_codes, densepose, lookup)[0]

    def with_guess(
        self,
        labels: Tensor,
        appearance_codes: Tensor,
        densepose: Tensor,
        lookup: Tensor,
        *,
        dtype: torch.dtype = torch.float32,
        padding: int = 0,
    ) -> tuple[Tensor, Tensor]:
        """Return the same of what `SurfaceLookup` found, and by itself its guess at the colour.

        Of `dtype`, and on request padded by reflection.
        """
        (labels,) = label_ids(labels)
        labels = reflect(labels, padding, (1, 2))
        body = reflect(body_planes(densepose), padding, (2, 3))
        # Channels last and back: that is how the lookup is made and read, and engines drop pairs of transpositions.
        lookup = reflect(lookup.permute(0, 2, 3, 1), padding, (1, 2)).permute(0, 3, 1, 2)
        return surface_conditioning(labels, appearance_codes, body, lookup, dtype)


class SurfaceLookup(nn.Module):
    """labels, places, garments, source -> the garments' pixels where the person's lie in their photographs.

    Inside the appearance generator with ``surface`` conditioning; by itself what refinement aims at.
    """

    def forward(
        self, labels: Tensor, places: Tensor, garment_images: Tensor, garment_labels: Tensor, source: Tensor
    ) -> Tensor:
        """Return RGB in [-1, 1] times confidence, and confidence in [0, 1]: float32 `[N, 4, H, W]`."""
        source = known_sources(source, garment_labels)
        labels, garment_labels = label_ids(labels, garment_labels)
        garment_images = garment_images.to(torch.float32)  # straight: TensorRT takes bytes for nothing else
        return surface_lookup(labels, places.clamp(0, UNITS), garment_images, garment_labels, source)
