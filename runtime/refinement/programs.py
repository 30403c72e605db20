"""The bundle's differentiable programs, loaded once and shared by all requests: their weights are never changed."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ...data.errors import InputError
from ...export.bundle import Bundle
from ...export.program import allow_autocast, load_program

NEEDED = ("discriminator", "perceptual", "surface_lookup", "appearance_conditioning", "appearance_painter")


class Programs:
    """What refinement runs.

    Parameters
    ----------
    bundle
        The bundle.
    device
        ``"cpu"`` or a CUDA device.
    precision
        ``"auto"``, ``"fp32"`` or ``"bf16"``: of convolutions while optimising; weights and losses are FP32.

    Raises
    ------
    InputError
        When the bundle was exported without them.
    """

    def __init__(self, bundle: Bundle, device: str = "cpu", precision: str = "auto") -> None:
        missing = sorted(set(NEEDED) - {program.name for program in bundle.manifest.programs})
        if missing:
            raise InputError(f"{bundle.path}: no {', '.join(missing)}; export it again to refine with it")
        self.device = torch.device(device)
        self.precision = _resolve(precision, self.device)
        self._inputs = [tensor.name for tensor in bundle.manifest.graph("appearance_generator").inputs]
        loaded = {name: self._load(bundle, name) for name in NEEDED}
        self.perceptual: Any = loaded["perceptual"]
        self.discriminator: Any = loaded["discriminator"]
        self._lookup, self._condition = loaded["surface_lookup"], loaded["appearance_conditioning"]
        self._painter = loaded["appearance_painter"]
        self._weights = {name: value.detach().clone() for name, value in self._painter.named_parameters()}
        self._painting = threading.Lock()

    def weights(self) -> dict[str, Tensor]:
        """Return fresh, trainable copies of the generator's weights, by PyTorch name."""
        return {name: _packed(value.clone()).requires_grad_() for name, value in self._weights.items()}

    def paint(self, weights: dict[str, Tensor], conditioning: Tensor) -> Tensor:
        """Paint pictures `[n, 3, H, W]` in [-1, 1] with these weights."""
        with self._painting:  # weights are swapped in for the call, so two threads must take turns
            picture: Tensor = functional_call(self._painter, weights, (conditioning,))
        return picture

    def condition(self, **inputs: Tensor) -> Tensor:
        """Return what the generator sees, `[N, C, H, W]`; inputs that it does not use are ignored."""
        with torch.no_grad():
            seen: Tensor = self._condition(*(inputs[name] for name in self._inputs))
        return seen

    def look_up(self, **inputs: Tensor) -> Tensor:
        """Return the surface lookup `[N, 4, H, W]`."""
        with torch.no_grad():
            found: Tensor = self._lookup(*inputs.values())
        return found

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which convolutions have the chosen precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def tensor(self, array: Any) -> Tensor:
        """Return a copy of an array on the device."""
        return torch.tensor(array, device=self.device)

    def _load(self, bundle: Bundle, name: str) -> nn.Module:
        entry = next(program for program in bundle.manifest.programs if program.name == name)
        weights = bundle.program_file(name, "weights") if "weights" in entry.files else None
        module = allow_autocast(load_program(bundle.program_file(name, "pt2"), weights, self.device.type))
        for parameter in module.parameters():
            parameter.requires_grad = False
            parameter.data = _packed(parameter.data)
        return module


def _packed(weight: Tensor) -> Tensor:
    return weight.contiguous(memory_format=torch.channels_last) if weight.ndim == 4 else weight


def _resolve(precision: str, device: torch.device) -> str:
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"
