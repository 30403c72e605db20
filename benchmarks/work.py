"""How much work a graph cannot do without: multiply-accumulates, and bytes that have to be moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry, TensorSpec

WEIGHT_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2, "int8": 1}


@dataclass(frozen=True)
class Work:
    """What a graph has to do for one batch.

    Parameters
    ----------
    gmacs
        Giga multiply-accumulates of its convolutions and matrix products.
    megabytes
        Its inputs, outputs and weights, each moved once; what lies between could stay in a cache.
    """

    gmacs: float
    megabytes: float

    def __add__(self, other: Work) -> Work:
        """Return both together."""
        return Work(self.gmacs + other.gmacs, self.megabytes + other.megabytes)

    def floor_ms(self, gmacs_per_second: float, gigabytes_per_second: float) -> float:
        """Return the least time on a machine with these ceilings."""
        return max(self.compute_ms(gmacs_per_second), self.memory_ms(gigabytes_per_second))

    def compute_ms(self, gmacs_per_second: float) -> float:
        """Return the least time for the arithmetic."""
        return self.gmacs / gmacs_per_second * 1000

    def memory_ms(self, gigabytes_per_second: float) -> float:
        """Return the least time for the traffic."""
        return self.megabytes / gigabytes_per_second


def work_of(bundle: Bundle, precisions: Mapping[str, str], requests: int, garments: int) -> dict[str, Work]:
    """Return each graph's work for a batch.

    Parameters
    ----------
    bundle
        The bundle.
    precisions
        Of the weights, as the engine keeps them, by graph.
    requests, garments
        N and M.
    """
    from ..data.optional import require

    require("torch", extra="refine", purpose="counting multiply-accumulates")
    from ..networks.config import NetworkConfig
    from ..networks.macs import count_gmacs

    gmacs = count_gmacs(NetworkConfig.from_json(bundle.manifest.config), requests, garments)
    sizes = {"N": requests, "M": garments}
    return {
        graph.name: Work(gmacs[graph.name], _bytes(bundle, graph, precisions[graph.name], sizes) / 1e6)
        for graph in bundle.manifest.graphs
    }


def _bytes(bundle: Bundle, graph: GraphEntry, precision: str, sizes: dict[str, int]) -> float:
    weights = graph.files.get("weights")
    stored = bundle.manifest.files[weights].size / 2 * WEIGHT_BYTES[precision] if weights else 0.0
    return stored + sum(_tensor_bytes(spec, sizes) for spec in (*graph.inputs, *graph.outputs))


def _tensor_bytes(spec: TensorSpec, sizes: dict[str, int]) -> int:
    shape = (sizes[d] if isinstance(d, str) else d for d in spec.shape)
    return prod(shape) * np.dtype(spec.dtype).itemsize
