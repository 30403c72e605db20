"""Counting multiply-accumulates without running anything: modules on the meta device."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from .config import NetworkConfig
from .graphs import GraphTensor, graph_specs

_DTYPES = {"uint8": torch.uint8, "int32": torch.int32, "float32": torch.float32}


def count_gmacs(config: NetworkConfig, requests: int = 1, garments: int = 1) -> dict[str, float]:
    """Return giga multiply-accumulates of each graph for a batch of requests.

    Parameters
    ----------
    config
        What the networks look like.
    requests, garments
        How many requests there are, and how many garment photographs each has. Default: 1.
    """
    sizes = {"N": requests, "M": garments}
    counts = {}
    for spec in graph_specs(config):
        with torch.device("meta"):
            module = spec.build(config)
            inputs = [_empty(tensor, sizes) for tensor in spec.inputs]
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                module(*inputs)
        counts[spec.name] = counter.get_total_flops() / 2e9
    return counts


def _empty(tensor: GraphTensor, sizes: dict[str, int]) -> torch.Tensor:
    shape = [sizes[d] if isinstance(d, str) else d for d in tensor.shape]
    return torch.empty(shape, dtype=_DTYPES[tensor.dtype])
