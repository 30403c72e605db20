"""The frozen perceptual backbone of training and refinement: MobileNetV2's early features, trained on ImageNet."""

from __future__ import annotations

from torch import Tensor

from .mobilenet import TAPS, ImageNetFeatures


class PerceptualBackbone(ImageNetFeatures):
    """Feature maps of a picture, for perceptual losses and distances; gradients reach the picture only."""

    def __init__(self) -> None:
        super().__init__(depth=TAPS[-1] + 1)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map pictures `[N, 3, H, W]` in [-1, 1] to four feature maps."""
        return self.run_layers(image)[0]
