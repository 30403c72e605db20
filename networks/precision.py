"""The precision in which convolutions are fast on this machine."""

from __future__ import annotations

from typing import Literal, cast

import torch

from ..data.errors import InputError

Precision = Literal["fp32", "bf16"]


def resolve_precision(name: str, device: str) -> Precision:
    """Return the precision of convolutions; ``"auto"`` takes BF16 where the device multiplies it.

    Parameters
    ----------
    name
        ``"auto"``, ``"fp32"`` or ``"bf16"``.
    device
        ``"cpu"`` or a CUDA device.

    Raises
    ------
    InputError
        When the precision is unknown.
    """
    if name not in ("auto", "fp32", "bf16"):
        raise InputError(f"precision {name!r} is unknown; allowed: auto, fp32, bf16")
    if name != "auto":
        return cast("Precision", name)
    if device.startswith("cuda"):
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"
