"""Shape generation: per-class codes of where garments are, and the new segmentation drawn from them."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.classes import CLASS_IDS, NUM_CLASSES
from .body import BODY_CHANNELS
from .config import CODE_GRID, NetworkConfig
from .layers import conv, conv_leaky
from .piecewise_conv import PiecewiseConstantConv2d
from .residual_generator import STEM_KERNEL, ResidualGenerator

OUTLINE_WIDTH = 16
"""How many channels there are where outlines are drawn."""


def sampling_step(scale: int) -> int:
    """Return how far apart in the frame the samples lie that the shape encoder of a scale sees.

    A pixel of the working size has at most two samples a side, so presets that share a working size, and with it shape
    weights, see the same.
    """
    return max(1, scale // 2)


class ShapeEncoder(nn.Module):
    """Encode one class slice at a time into an 8×4 grid of Ds numbers (O-VITON, section 3.2).

    Parameters
    ----------
    config
        What the networks look like.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.pool = config.shape.scale // sampling_step(config.shape.scale)
        widths = (1, *config.shape.encoder_widths)
        self.downs = nn.Sequential(*(conv_leaky(a, b, 3, stride=2) for a, b in pairwise(widths)))
        self.last = nn.Sequential(conv_leaky(widths[-1], widths[-1]), nn.Conv2d(widths[-1], config.shape_code, 1))

    def forward(self, slices: Tensor) -> Tensor:
        """Map class masks to codes `[B, Ds, 8, 4]`; an empty mask has a zero code.

        Masks are 0 or 1 at samples of the frame that lie `sampling_step` apart, `[B, 1, H, W]`.
        """
        present = slices.amax(dim=(2, 3), keepdim=True)
        if self.pool > 1:
            slices = F.avg_pool2d(slices, self.pool)
        return self.encode(slices) * present

    def encode(self, slices: Tensor) -> Tensor:
        """Map masks that are not empty, at the working size and in [0, 1], to codes `[B, Ds, 8, 4]`."""
        codes: Tensor = self.last(self.downs(slices))
        return codes


class ShapeGenerator(nn.Module):
    """Draw class logits from every class's code and the body map, with ``surface`` conditioning also from coverage.

    The codes enter the first convolution nearest-upsampled, as in the paper, through
    `PiecewiseConstantConv2d`, which makes them nearly free.

    Parameters
    ----------
    config
        What the networks look like.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        shape = config.shape
        self.step = shape.scale // shape.finer
        """How far apart in the frame the samples of the body map lie that the generator sees."""
        stride = shape.generator.stem_stride
        kernel = STEM_KERNEL[stride]
        self.code_stem = PiecewiseConstantConv2d(
            NUM_CLASSES * config.shape_code,
            shape.generator.width,
            kernel,
            stride=stride,
            padding=(kernel - stride + 1) // 2,
            grid=CODE_GRID,
            size=(config.height // shape.scale, config.width // shape.scale),
        )
        channels = BODY_CHANNELS + (NUM_CLASSES if shape.conditioning == "surface" else 0)
        self.body_stem = conv(channels, shape.generator.width, kernel, stride=stride, bias=False)
        self.generator = ResidualGenerator(shape.generator, channels, NUM_CLASSES)
        self.prior = _body_prior(channels) if shape.body_prior else None
        self.outline = _Outline(channels) if shape.finer > 1 else None

    def forward(self, codes: Tensor, body: Tensor) -> Tensor:
        """Map codes `[N, 20, Ds, 8, 4]` and `body_channels` to logits of the same size, `[N, 20, h, w]`.

        The size is `config.shape.finer` times the working size. With ``surface`` conditioning coverage comes behind the
        body channels.
        """
        coarse = body if self.outline is None else F.avg_pool2d(body, 2)
        stem = self.code_stem(codes.flatten(1, 2)) + self.body_stem(coarse)
        logits: Tensor = self.generator(stem, coarse)
        if self.prior is not None:
            logits = logits + self.prior(coarse)
        return logits if self.outline is None else self.outline(logits, body)


class _Outline(nn.Module):
    """Draw outlines at twice the size; it starts as bilinear interpolation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = OUTLINE_WIDTH
        last = nn.Conv2d(width, NUM_CLASSES, 1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.body = nn.Sequential(
            conv_leaky(NUM_CLASSES + channels, width, 1), conv_leaky(width, width), conv_leaky(width, width), last
        )

    def forward(self, logits: Tensor, body: Tensor) -> Tensor:
        logits = F.interpolate(logits, scale_factor=2.0, mode="bilinear")
        out: Tensor = logits + self.body(torch.cat([logits.softmax(dim=1), body], dim=1))
        return out


# DensePose parts: 1-2 torso, 3 right hand, 4 left hand, 5 left foot, 6 right foot, 7 and 9 right thigh, 8 and 10 left
# thigh, 11 and 13 right calf, 12 and 14 left calf, 15 and 17 left upper arm, 16 and 18 right upper arm, 19 and 21 left
# forearm, 20 and 22 right forearm, 23-24 head.
_USUALLY_COVERED_BY: tuple[tuple[tuple[int, ...], dict[str, float]], ...] = (
    ((0,), {"background": 4.0}),
    ((1, 2), {"coat": 4.4, "dress": 4.2, "upper_clothes": 4.0, "skirt": 2.6, "pants": 2.5, "torso_skin": 2.0}),
    ((15, 16, 17, 18), {"coat": 4.4, "dress": 4.1, "upper_clothes": 4.0}),
    ((19, 20, 21, 22), {"coat": 4.4}),
    ((4, 15, 17, 19, 21), {"left_arm": 3.0}),
    ((3, 16, 18, 20, 22), {"right_arm": 3.0}),
    ((7, 8, 9, 10), {"skirt": 4.4, "dress": 4.2, "pants": 4.0}),
    ((11, 12, 13, 14), {"pants": 4.0}),
    ((8, 10, 12, 14), {"left_leg": 3.0}),
    ((7, 9, 11, 13), {"right_leg": 3.0}),
    ((5,), {"left_shoe": 4.0, "left_leg": 3.0}),
    ((6,), {"right_shoe": 4.0, "right_leg": 3.0}),
    ((23, 24), {"face": 4.0, "hair": 3.0}),
)


_COVERED_LOGIT = 2.0


def _body_prior(channels: int) -> nn.Conv2d:
    """Return a trainable 1×1 path from body parts to logits that starts as what usually covers each part.

    Coverage, where there is any, adds to its class.
    """
    prior = nn.Conv2d(channels, NUM_CLASSES, 1)
    with torch.no_grad():
        prior.weight.zero_()
        assert prior.bias is not None
        prior.bias.zero_()
        for parts, logits in _USUALLY_COVERED_BY:
            for part in parts:
                for name, logit in logits.items():
                    prior.weight[CLASS_IDS[name], part] = logit
        for channel in range(BODY_CHANNELS, channels):
            prior.weight[channel - BODY_CHANNELS, channel] = _COVERED_LOGIT
    return prior
