"""What this machine trains on."""

from __future__ import annotations

import torch

from ..data.errors import InputError


def resolve_device(name: str) -> str:
    """Return ``"cpu"`` or ``"cuda"``; ``"auto"`` takes CUDA where there is one.

    Raises
    ------
    InputError
        When the device is unknown or not there.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device {name!r} is unknown; allowed: auto, cpu, cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda asked for, but torch finds no CUDA device; use --device cpu")
    return name if name != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
