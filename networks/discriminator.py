"""The two-scale patch discriminator (pix2pixHD), with its intermediate features."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.classes import NUM_CLASSES
from .config import NetworkConfig
from .layers import LEAK, InstanceNorm, conv
from .operators import one_hot


class Discriminator(nn.Module):
    """Judge patches of a labelled picture at several scales.

    Parameters
    ----------
    config
        What the networks look like.
    inputs
        How many channels `judge` gets. Default: those of a labelled picture.
    """

    def __init__(self, config: NetworkConfig, inputs: int = 3 + NUM_CLASSES) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            _PatchDiscriminator(inputs, config.discriminator.width, config.discriminator.layers)
            for _ in range(config.discriminator.scales)
        )

    def forward(self, image: Tensor, labels: Tensor) -> list[list[Tensor]]:
        """Return, for each scale, the features of every layer; the last is the patch score.

        Parameters
        ----------
        image
            The picture, `[N, 3, H, W]` in [-1, 1]; gradients flow through it.
        labels
            The picture's class ids, uint8 `[N, H, W]`.
        """
        return self.judge(torch.cat([image, one_hot(labels, NUM_CLASSES, image.dtype)], dim=1))

    def judge(self, x: Tensor) -> list[list[Tensor]]:
        """Return the same for ready channels `[N, inputs, H, W]`."""
        features = []
        for index, scale in enumerate(self.scales):
            if index:
                x = F.avg_pool2d(x, 2)
            features.append(scale(x))
        return features


class _PatchDiscriminator(nn.Module):
    def __init__(self, inputs: int, width: int, layers: int) -> None:
        super().__init__()
        widths = [min(width * 2**level, 512) for level in range(layers + 1)]
        stages = [nn.Sequential(*conv(inputs, widths[0], 4, stride=2), nn.LeakyReLU(LEAK))]
        for level, (a, b) in enumerate(pairwise(widths), start=2):
            stride = 2 if level <= layers else 1
            stages.append(
                nn.Sequential(
                    *conv(a, b, 4 if stride == 2 else 3, stride=stride, bias=False),
                    InstanceNorm(),
                    nn.LeakyReLU(LEAK),
                )
            )
        stages.append(conv(widths[-1], 1, 3))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features
