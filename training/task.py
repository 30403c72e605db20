"""What training one part of the networks means; `Trainer` does the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..data.images import UInt8Array
from ..networks.checkpoint import Networks
from ..networks.discriminator import Discriminator
from ..networks.perceptual import PerceptualBackbone
from .dataset import Datasets, PairSample, Sample
from .options import Part, TrainOptions
from .start import load_matcher

Raw = dict[str, Tensor]
"""Samples as they were read, stacked: uint8 and bool tensors, batch first."""

B = TypeVar("B")


class Task(ABC, Generic[B]):
    """One part's samples, forward pass, losses and contact sheet.

    Parameters
    ----------
    options
        The run's options.
    dataset
        The people to train on.
    """

    part: ClassVar[Part]
    betas: ClassVar[tuple[float, float]]
    """Adam's, for the generator and the encoder."""

    paired_share: ClassVar[float]
    """How many of a step's samples are pairs, where there are any."""

    def __init__(self, options: TrainOptions, dataset: Datasets) -> None:
        self.options = options
        self.config = options.config
        self.dataset = dataset
        self.device = torch.device(options.device)
        self.matcher: nn.Module | None = None
        if self.config.matches:
            matcher = load_matcher(options.checkpoint, self.config).to(self.device)
            self.matcher = matcher.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.backbone: PerceptualBackbone | None = None
        if any(weight for name, weight in options.weights.items() if name.startswith("perceptual")):
            backbone = PerceptualBackbone.pretrained().to(self.device)
            self.backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def adversarial(self) -> bool:
        """Whether a discriminator takes part."""
        return self.options.weights["lsgan"] > 0 or self.options.weights["feature_matching"] > 0

    @abstractmethod
    def critic(self, networks: Networks) -> Discriminator:
        """Return the discriminator to train, one of `networks` or a new one."""

    def match(self, densepose: Tensor, garment_labels: Tensor, garment_densepose: Tensor) -> Tensor:
        """Find people in garments' photographs, as `oviton.networks.graphs.CorrespondenceGraph` does."""
        assert self.matcher is not None
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, self.options.precision == "bf16"):
            places: Tensor = self.matcher(densepose, garment_labels, garment_densepose)
        return places

    def draw(self, rng: np.random.Generator) -> Raw:
        """Read one step's samples, pairs first; called in another thread."""
        paired = round(self.options.batch * self.paired_share) if self.dataset.pairs else 0
        pairs = [self.dataset.draw_pair(rng) for _ in range(paired)]
        return self.stack(pairs, [self.dataset.draw(rng) for _ in range(self.options.batch - paired)])

    @staticmethod
    @abstractmethod
    def stack(pairs: Sequence[PairSample], singles: Sequence[Sample]) -> Raw:
        """Stack samples, pairs first."""

    @abstractmethod
    def held_out(self) -> Raw:
        """Read samples that training never sees."""

    @abstractmethod
    def prepare(self, raw: Raw, generator: torch.Generator) -> B:
        """Augment samples, on the device."""

    @abstractmethod
    def forward(self, networks: Networks, batch: B) -> Tensor:
        """Run encoder and generator; called under autocast."""

    @abstractmethod
    def losses(self, output: Tensor, batch: B) -> dict[str, Tensor]:
        """Return the terms of the loss, but for those that need the discriminator."""

    @abstractmethod
    def judged(self, output: Tensor, batch: B) -> tuple[Tensor, Tensor]:
        """Return what the discriminator gets to see: generated, with gradients, and real."""

    @abstractmethod
    def mask(self, batch: B) -> Tensor | None:
        """Return how much each pixel counts in the discriminator's terms `[N, 1, H, W]`, if not all alike."""

    @abstractmethod
    def sheet(self, output: Tensor, batch: B) -> Sequence[Sequence[UInt8Array]]:
        """Return rows of pictures that show how the output came about."""
