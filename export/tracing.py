"""Tracing a graph once for all its forms: `torch.export` with example tensors, dynamic axes and placeholder weights."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from ..bundle.families import Arrays
from ..bundle.manifest import MAX_BATCH
from ..networks.graphs import GraphTensor

TRACED_SIZES = (2, 3)
"""(N, M) of the traced example: different, and neither 0 nor 1, so that torch.export keeps both dynamic."""


def example(tensor: GraphTensor, requests: Arrays) -> torch.Tensor:
    """Return a tensor of the right shape and dtype, from `requests` where they have it."""
    if tensor.name in requests:
        return torch.from_numpy(requests[tensor.name])
    # Made by an earlier graph: for tracing only its shape and dtype count.
    sizes = dict(zip(("N", "M"), TRACED_SIZES, strict=True))
    shape = [sizes[size] if isinstance(size, str) else size for size in tensor.shape]
    return torch.zeros(shape, dtype=getattr(torch, tensor.dtype))


def dynamic_axes(tensor: GraphTensor) -> dict[int, Any]:
    """Return the axes of a graph's tensor that are dynamic."""
    return {axis: dimension(size) for axis, size in enumerate(tensor.shape) if isinstance(size, str)}


def dimension(name: str) -> Any:
    """Return a dynamic size from 1 to the largest batch."""
    return Dim(name, min=1, max=MAX_BATCH)


def trace(
    module: nn.Module, inputs: tuple[torch.Tensor, ...], dynamic_shapes: dict[str, dict[int, Any]]
) -> ExportedProgram:
    """Trace a copy of a module whose weights are random, so that no form can depend on the weights' values.

    The optimiser of ONNX graphs drops zero biases and merges equal tensors; refit would then miss them. The files refer
    to the real weights anyway.
    """
    module = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-1, 1)
    return torch.export.export(module, inputs, dynamic_shapes=dynamic_shapes)
