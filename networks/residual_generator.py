"""The residual encoder-decoder that draws segmentations and pictures: pix2pixHD's global generator and a slim kin."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import GeneratorConfig
from .layers import LEAK, InstanceNorm, ResidualBlock, conv, conv_leaky, conv_norm_relu
from .operators import crop

STEM_KERNEL = {1: 7, 2: 4}
"""Kernel of the stem by its stride."""


class ResidualGenerator(nn.Module):
    """Everything after the stem: downsampling, residual blocks, upsampling and the head.

    The stem is the caller's, because the shape generator's is no ordinary convolution.

    Parameters
    ----------
    config
        How wide and deep the generator is.
    detail_channels
        How many channels the full-resolution input has that the head of a stride-2 generator sees beside the decoder.
    outputs
        How many channels the result has.
    """

    def __init__(self, config: GeneratorConfig, detail_channels: int, outputs: int) -> None:
        super().__init__()
        widths = [min(config.width * 2**level, config.max_width) for level in range(config.downsamplings + 1)]
        self.downs = nn.ModuleList(conv_norm_relu(a, b, 3, stride=2) for a, b in pairwise(widths))
        self.blocks = nn.Sequential(*(ResidualBlock(widths[-1]) for _ in range(config.blocks)))
        self.ups = nn.ModuleList(
            _Up(b, a, transpose=config.upsample == "transpose", skip=config.skips)
            for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.head: nn.Module = (
            _PlainHead(config.width, outputs)
            if config.stem_stride == 1
            else _ShuffleHead(config.width, detail_channels, config.detail_width, outputs)
        )
        self.norm = InstanceNorm()

    def forward(self, stem: Tensor, detail: Tensor, margin: int = 0) -> Tensor:
        """Map the stem's output `[N, width, H / s, W / s]` and the detail `[N, D, H, W]` to `[N, outputs, H, W]`.

        The detail may have a margin, which does not count.
        """
        x = F.relu(self.norm(stem))
        skips = []
        for down in self.downs:
            skips.append(x)
            x = down(x)
        x = self.blocks(x)
        for up in self.ups:
            x = up(x, skips.pop())
        out: Tensor = self.head(x, detail, margin)
        return out


class _Up(nn.Module):
    def __init__(self, inputs: int, outputs: int, *, transpose: bool, skip: bool) -> None:
        super().__init__()
        self.skip = skip
        self.up: nn.Module
        if transpose:
            # The output size is twice the input's, as pix2pixHD sets it.
            self.up = nn.ConvTranspose2d(inputs, outputs, 3, 2, padding=1, output_padding=1, bias=False)
            self.merge = nn.Sequential(InstanceNorm(), nn.ReLU())
        else:
            self.up = nn.Upsample(scale_factor=2, mode="nearest")
            self.merge = conv_norm_relu(inputs + (outputs if skip else 0), outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.up(x)
        out: Tensor = self.merge(torch.cat([x, skip], dim=1) if self.skip else x)
        return out


class _PlainHead(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.last = conv(inputs, outputs, 7)

    def forward(self, x: Tensor, detail: Tensor, margin: int) -> Tensor:
        del detail, margin  # its stem already saw every pixel
        out: Tensor = self.last(x)
        return out


class _ShuffleHead(nn.Module):
    def __init__(self, inputs: int, detail_channels: int, width: int, outputs: int) -> None:
        super().__init__()
        self.expand = nn.Sequential(conv_norm_relu(inputs, 4 * width), nn.PixelShuffle(2))
        self.detail = nn.Conv2d(detail_channels, width, 1)
        self.mix = conv_leaky(2 * width, width)
        self.last = conv(width, outputs, 3)
        with torch.no_grad():
            # Beside a direct path, a new network should whisper: the direct path is a fair answer already.
            self.last[1].weight.mul_(0.1)  # type: ignore[operator]

    def forward(self, x: Tensor, detail: Tensor, margin: int) -> Tensor:
        # Cut last: engines round, and so shrink to a quarter, what they cut.
        fine = crop(F.leaky_relu(self.detail(detail), LEAK), margin)
        out: Tensor = self.last(self.mix(torch.cat([self.expand(x), fine], dim=1)))
        return out
