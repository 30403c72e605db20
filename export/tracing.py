"""Example tensors and dynamic axes for `torch.export`."""

from __future__ import annotations

from typing import Any

import torch
from torch.export import Dim

from ..networks.graphs import GraphTensor
from .manifest import MAX_BATCH
from .samples import Arrays

TRACED_SIZES = (2, 3)
"""(N, M) of the traced example: different, and neither 0 nor 1, so that torch.export keeps both dynamic."""


def example(tensor: GraphTensor, requests: Arrays) -> torch.Tensor:
    """Return a tensor of the right shape and dtype, from `requests` where they have it."""
    if tensor.name in requests:
        return torch.from_numpy(requests[tensor.name])
    # Made by an earlier graph: for tracing only its shape and dtype count.
    shape = [TRACED_SIZES[0] if isinstance(size, str) else size for size in tensor.shape]
    return torch.zeros(shape, dtype=getattr(torch, tensor.dtype))


def dynamic_axes(tensor: GraphTensor) -> dict[int, Any]:
    """Return the axes of a graph's tensor that are dynamic."""
    return {axis: dimension(size) for axis, size in enumerate(tensor.shape) if isinstance(size, str)}


def dimension(name: str) -> Any:
    """Return a dynamic size from 1 to the largest batch."""
    return Dim(name, min=1, max=MAX_BATCH)
