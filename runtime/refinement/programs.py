"""The bundle's differentiable programs, loaded once and shared by all requests: their weights are never changed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ...bundle.bundle import Bundle
from ...bundle.programs import allow_autocast, load_program
from ...data.errors import InputError
from ...engines.engine_set import EngineSet
from ...networks.losses import FeatureMaps, Verdict, directions
from ...networks.precision import resolve_precision
from .layers import rewrite_layers

NEEDED = ("discriminator", "perceptual", "appearance_conditioning", "appearance_painter")
LOOKUP = "surface_lookup"
"""The program that bundles have whose networks match people."""

SHORTEST = 1e-2
"""Vectors of features about this short have no direction: their gradients grow as they shrink, and would drown others.
"""


@dataclass(frozen=True)
class Seen:
    """What the frozen networks see of pictures.

    Parameters
    ----------
    features
        The backbone's feature maps `[n, C, h, w]` by layer, each pixel's vector of length 1.
    verdict
        The discriminator's features of every layer for each scale, the score last.
    """

    features: FeatureMaps
    verdict: Verdict

    def of(self, rows: slice | Tensor) -> Seen:
        """Return that of some of the pictures."""
        return Seen([tap[rows] for tap in self.features], [[layer[rows] for layer in scale] for scale in self.verdict])

    @classmethod
    def join(cls, parts: Sequence[Seen]) -> Seen:
        """Return that of all pictures of several."""
        features = [torch.cat(taps) for taps in zip(*(part.features for part in parts), strict=True)]
        verdict = [
            [torch.cat(layers) for layers in zip(*scales, strict=True)]
            for scales in zip(*(part.verdict for part in parts), strict=True)
        ]
        return cls(features, verdict)


class Programs:
    """What refinement runs.

    Parameters
    ----------
    bundle
        The bundle whose programs are loaded.
    device
        ``"cpu"`` or a CUDA device.
    precision
        Precision of convolutions while optimising, ``"auto"``, ``"fp32"`` or ``"bf16"``; weights and losses are FP32.

    Raises
    ------
    InputError
        When the bundle's family cannot be refined, or the bundle was exported without them.
    """

    def __init__(self, bundle: Bundle, device: str = "cpu", precision: str = "auto") -> None:
        bundle.manifest.steps.require("refinement")
        held = {program.name for program in bundle.manifest.programs}
        missing = sorted(set(NEEDED) - held)
        if missing:
            raise InputError(f"{bundle.path}: no {', '.join(missing)}; export it again to refine with it")
        self.device = torch.device(device)
        self.precision = resolve_precision(precision, device)
        self._inputs = [tensor.name for tensor in bundle.manifest.graph("appearance_generator").inputs]
        loaded = {name: self._load(bundle, name) for name in (*NEEDED, LOOKUP) if name in held}
        self.perceptual: Any = loaded["perceptual"]
        self.discriminator: Any = loaded["discriminator"]
        self._lookup, self._condition = loaded.get(LOOKUP), loaded["appearance_conditioning"]
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

    def examine(self, picture: Tensor, labels: Tensor, *, precise: bool = False) -> Seen:
        """Return what backbone and discriminator see of pictures `[n, 3, H, W]` with labels `[n, H, W]`, FP32.

        Parameters
        ----------
        picture, labels
            The pictures.
        precise
            Compute in FP32 as well, not in the chosen precision.
        """
        with self.autocast(enabled=not precise):
            features = self.features(picture)
            verdict = [[layer.float() for layer in scale] for scale in self.discriminator(picture, labels)]
        return Seen(features, verdict)

    def features(self, picture: Tensor) -> list[Tensor]:
        """Return the directions of the backbone's features of pictures `[n, 3, H, W]`, FP32."""
        return directions([tap.float() for tap in self.perceptual(picture)], SHORTEST)

    def condition(self, **inputs: Tensor | None) -> Tensor:
        """Return what the generator sees, `[N, C, H, W]`; inputs that it does not use are ignored."""
        with torch.no_grad():
            seen: Tensor = self._condition(*(inputs[name] for name in self._inputs))
        return seen

    def look_up(self, **inputs: Tensor) -> Tensor:
        """Return the surface lookup `[N, 4, H, W]`."""
        assert self._lookup is not None
        with torch.no_grad():
            found: Tensor = self._lookup(*inputs.values())
        return found

    def autocast(self, *, enabled: bool = True) -> AbstractContextManager[Any]:
        """Return the context in which convolutions have the chosen precision."""
        # Every weight is cast once a step anyway, and casts that are cached must not outlive a captured graph.
        wanted = enabled and self.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted, cache_enabled=False)

    def tensor(self, array: Any) -> Tensor:
        """Return a copy of an array on the device."""
        return torch.tensor(array, device=self.device)

    def _load(self, bundle: Bundle, name: str) -> nn.Module:
        entry = next(program for program in bundle.manifest.programs if program.name == name)
        weights = bundle.program_file(name, "weights") if "weights" in entry.files else None
        module = allow_autocast(load_program(bundle.program_file(name, "pt2"), weights, self.device.type))
        rewrite_layers(module, self.device)
        for parameter in module.parameters():
            parameter.requires_grad = False
            parameter.data = _packed(parameter.data)
        return module


class ProgramsByPrecision:
    """A bundle's programs, loaded once for each precision that is asked for; any number of threads may ask.

    Parameters
    ----------
    engines
        The loaded engines: programs run where they do.
    """

    def __init__(self, engines: EngineSet) -> None:
        self._bundle = engines.bundle
        self._device = "cuda" if engines.chosen.candidate.device.startswith("cuda") else "cpu"
        self._loaded: dict[str, Programs] = {}
        self._loading = threading.Lock()

    def load(self, precision: str = "auto") -> Programs:
        """Return the programs for ``"auto"``, ``"fp32"`` or ``"bf16"``.

        Raises
        ------
        InputError
            When the bundle was exported without them.
        """
        precision = resolve_precision(precision, self._device)
        with self._loading:
            if precision not in self._loaded:
                self._loaded[precision] = Programs(self._bundle, self._device, precision)
            return self._loaded[precision]


def _packed(weight: Tensor) -> Tensor:
    return weight.contiguous(memory_format=torch.channels_last) if weight.ndim == 4 else weight
