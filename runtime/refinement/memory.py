"""How much memory refinement takes, and how much there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...data.optional import require

_MEGABYTE = 2**20


class PeakMemory:
    """The most memory that was in use whenever `sample` was called.

    On a GPU the allocator itself keeps the peak. On a CPU it is the process's resident memory, which is read when a
    step holds all its activations.

    Parameters
    ----------
    device
        The device that refinement runs on.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.megabytes = device, 0.0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        self.sample()

    def sample(self) -> None:
        """Look now."""
        if self.device.type == "cuda":
            now = torch.cuda.max_memory_allocated(self.device) / _MEGABYTE
        else:
            now = _psutil().Process().memory_info().rss / _MEGABYTE
        self.megabytes = max(self.megabytes, now)


def available(device: torch.device) -> float:
    """Return the bytes that are free."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    return float(_psutil().virtual_memory().available)


def saved_bytes(forward: Callable[[], Any]) -> int:
    """Return how many bytes autograd keeps for the backward pass of what `forward` computes."""
    seen: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        forward()
    return sum(seen.values())


def _psutil() -> Any:
    return require("psutil", extra="refine", purpose="refinement")
