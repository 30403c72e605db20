"""The frozen perceptual backbone of training and refinement: MobileNetV2's early features, trained on ImageNet."""

from __future__ import annotations

from torch import Tensor, nn

from .mobilenet import TAPS, feature_layers, load_imagenet, normalise, register_normalisation


class PerceptualBackbone(nn.Module):
    """Feature maps of a picture, for perceptual losses and distances. Frozen; gradients reach the picture only."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleList(feature_layers(TAPS[-1] + 1))
        register_normalisation(self)

    @classmethod
    def pretrained(cls) -> PerceptualBackbone:
        """Return the backbone with ImageNet weights, batch norms folded into the convolutions.

        Raises
        ------
        MissingExtraError
            When the package with the weights is not installed.
        """
        return load_imagenet(cls())

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map pictures `[N, 3, H, W]` in [-1, 1] to four feature maps."""
        x = normalise(self, image)
        taps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in TAPS:
                taps.append(x)
        return taps
