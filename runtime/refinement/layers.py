"""Layers of the loaded programs, done the way that an optimisation loop likes them.

Channels-last convolutions are the fastest, but PyTorch's instance normalisation on a CPU turns every tensor back to
channels-first, and its reflection padding has no deterministic gradient on CUDA. Both are rewritten in place in a
loaded program; the numbers stay the same, to rounding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def rewrite_layers(module: nn.Module, device: torch.device) -> nn.Module:
    """Replace reflection padding, and on a CPU instance normalisation, in a loaded program.

    Parameters
    ----------
    module
        What `load_program` returned; it is changed.
    device
        Where it runs.

    Returns
    -------
    nn.Module
        The same module.
    """
    graph: Any = module.graph
    for node in graph.nodes:
        if node.target is torch.ops.aten.pad.default and node.args[2:] == ("reflect",):
            node.target, node.args = reflection_pad, node.args[:2]
        elif node.target is torch.ops.aten.instance_norm.default and device.type == "cpu":
            source, *affine, _, _, epsilon, _ = node.args
            if all(part is None for part in affine[:4]):
                node.target, node.args = instance_norm, (source, epsilon)
    recompile: Any = module.recompile
    recompile()
    return module


def reflection_pad(x: Tensor, sides: list[int]) -> Tensor:
    """Pad `[N, C, H, W]` by the same number of pixels on every side, mirrored at the border.

    Under autocast the result is in its dtype: only convolutions follow, which would cast anyway, after more traffic.
    """
    if torch.is_autocast_enabled(x.device.type):
        x = x.to(torch.get_autocast_dtype(x.device.type))
    with torch.autocast(x.device.type, enabled=False):  # which pads in FP32 on a CPU
        if len(set(sides)) > 1:
            return F.pad(x, sides, mode="reflect")
        padded: Tensor = _ReflectionPad.apply(x, sides[0])  # type: ignore[no-untyped-call]
        return padded


def instance_norm(x: Tensor, epsilon: float) -> Tensor:
    """Normalise each channel of `x` `[N, C, H, W]` over its pixels, in whatever memory format it has."""
    normalised: Tensor = _InstanceNorm.apply(x, epsilon)  # type: ignore[no-untyped-call]
    return normalised


class _ReflectionPad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int) -> Tensor:
        ctx.size = size
        return F.pad(x, (size,) * 4, mode="reflect")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        # Rows beyond the border add to those that they mirror, then columns: slices, so nothing races on CUDA.
        found, size = gradients[0], ctx.size
        for axis in (2, 3):
            inside = found.shape[axis] - 2 * size
            beyond = found
            found = found.narrow(axis, size, inside).clone()
            for step in range(1, size + 1):
                found.select(axis, step).add_(beyond.select(axis, size - step))
                found.select(axis, inside - 1 - step).add_(beyond.select(axis, size + inside - 1 + step))
        return found, None


class _InstanceNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, epsilon: float) -> Tensor:
        found = x - x.mean(dim=(2, 3), keepdim=True)
        scale = (found * found).mean(dim=(2, 3), keepdim=True).add_(epsilon).rsqrt_()
        found.mul_(scale)
        ctx.save_for_backward(found, scale)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        found, scale = ctx.saved_tensors
        (gradient,) = gradients
        along = (gradient * found).mean(dim=(2, 3), keepdim=True)
        result = gradient - gradient.mean(dim=(2, 3), keepdim=True)
        return result.sub_(found * along).mul_(scale), None
