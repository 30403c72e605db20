"""The few layers that every network here is made of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

LEAK = 0.2


class InstanceNorm(nn.Module):
    """Instance normalisation without affine parameters, computed in FP32 whatever the input's dtype.

    FP16 overflows in the sums of squares over a large picture; the casts make the precision part of the graph.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each channel of `x` `[N, C, H, W]` over its pixels."""
        return F.instance_norm(x.float(), eps=1e-5).to(x.dtype)


def conv(inputs: int, outputs: int, kernel: int, *, stride: int = 1, bias: bool = True) -> nn.Sequential:
    """Return a reflection-padded convolution that keeps the size (divided by `stride`)."""
    padding = kernel // 2 if kernel % 2 else (kernel - stride) // 2
    return nn.Sequential(nn.ReflectionPad2d(padding), nn.Conv2d(inputs, outputs, kernel, stride, bias=bias))


def conv_norm_relu(inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1) -> nn.Sequential:
    """Return convolution, instance normalisation and ReLU; the norm makes a bias useless."""
    return nn.Sequential(*conv(inputs, outputs, kernel, stride=stride, bias=False), InstanceNorm(), nn.ReLU())


def conv_leaky(inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1) -> nn.Sequential:
    """Return convolution and leaky ReLU, without a norm: absolute values survive."""
    return nn.Sequential(*conv(inputs, outputs, kernel, stride=stride), nn.LeakyReLU(LEAK))


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with instance normalisation, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *conv_norm_relu(channels, channels), *conv(channels, channels, 3, bias=False), InstanceNorm()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `[N, C, H, W]` to the same shape."""
        out: Tensor = x + self.body(x)
        return out
