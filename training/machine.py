"""What this machine trains on: its device, and the precision that is fast on it."""

from __future__ import annotations

from typing import cast

import torch

from ..data.errors import InputError
from .options import Precision


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


def resolve_precision(name: str, device: str) -> Precision:
    """Return the precision; ``"auto"`` takes BF16 where the processor multiplies it.

    Raises
    ------
    InputError
        When the precision is unknown.
    """
    if name not in ("auto", "fp32", "bf16"):
        raise InputError(f"precision {name!r} is unknown; allowed: auto, fp32, bf16")
    if name != "auto":
        return cast(Precision, name)
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"
