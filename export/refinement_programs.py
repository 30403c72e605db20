"""The further `.pt2` programs that refinement runs: exporting them, and gating them against PyTorch."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from ..bundle.families import Arrays
from ..bundle.manifest import ParityRow, ProgramEntry, TensorSpec
from ..bundle.parity import SAME_PRECISION, compare
from ..bundle.programs import load_program
from ..data.classes import CLASS_NAMES
from ..networks.conditioning import CodesConditioning, SurfaceConditioning, SurfaceLookup
from ..networks.graphs import AppearancePainter, GraphTensor, graph_specs
from ..networks.perceptual import PerceptualBackbone
from .gate import Size
from .programs import save_program, save_weights
from .tracing import TRACED_SIZES, dimension, dynamic_axes, example

if TYPE_CHECKING:
    from ..networks.checkpoint import Networks
    from ..networks.config import NetworkConfig


def export_programs(
    networks: Networks, perceptual: PerceptualBackbone, traced: Arrays, folder: Path
) -> tuple[tuple[ProgramEntry, ...], dict[str, nn.Module]]:
    """Export what refinement runs: what it compares with, and the appearance generator in two halves.

    The first half, conditioning, has no weights and is computed once a request; the second is what is optimised, and
    shares the weights of the whole.
    """
    config = networks.config
    image = torch.rand(2, 3, config.height, config.width) * 2 - 1
    labels = torch.zeros(2, config.height, config.width, dtype=torch.uint8)
    batch = {0: dimension("N")}
    # Refinement of codes, too, may aim at the lookup; its tensors are those of the surface generator.
    surface = _generator_inputs(config.with_conditioning("surface"))
    looked_up = [tensor for tensor in surface if tensor.name not in ("appearance_codes", "densepose")]
    conditioned = _generator_inputs(config)
    conditioning = SurfaceConditioning() if config.appearance.conditioning == "surface" else CodesConditioning()
    codes = np.zeros((TRACED_SIZES[0], len(CLASS_NAMES), config.appearance_code), np.float32)
    named = {**traced, "labels": traced["person_labels"], "appearance_codes": codes}
    lookup = [("surface_lookup", SurfaceLookup(), *_traced_inputs(looked_up, named))] if config.matches else []
    with torch.no_grad():
        seen = conditioning(*(example(tensor, named) for tensor in conditioned))
    with torch.device("meta"):  # its weights are about to be replaced
        painter = AppearancePainter(config)
    painter.appearance_generator = networks.appearance_generator
    entries: list[ProgramEntry] = []
    modules: dict[str, nn.Module] = {}
    for name, module, inputs, axes in (
        ("discriminator", networks.discriminator, (image, labels), {"image": batch, "labels": batch}),
        ("perceptual", perceptual, (image,), {"image": batch}),
        *lookup,
        ("appearance_conditioning", conditioning, *_traced_inputs(conditioned, named)),
        ("appearance_painter", painter, (seen,), {"conditioning": batch}),
    ):
        shared = folder / "appearance_generator.safetensors"
        weights = shared if name == "appearance_painter" else folder / f"{name}.safetensors"
        files: dict[Any, str] = {"pt2": f"{name}.pt2"}
        if weights == shared or save_weights(module, weights):
            files["weights"] = weights.name
        program = torch.export.export(copy.deepcopy(module).eval(), inputs, dynamic_shapes=axes)
        save_program(program, folder / f"{name}.pt2")
        entries.append(ProgramEntry(name=name, files=files))
        modules[name] = module
    return tuple(entries), modules


def _generator_inputs(config: NetworkConfig) -> tuple[GraphTensor, ...]:
    return next(spec for spec in graph_specs(config) if spec.name == "appearance_generator").inputs


def _traced_inputs(
    tensors: Sequence[GraphTensor], named: Arrays
) -> tuple[tuple[torch.Tensor, ...], dict[str, dict[int, Any]]]:
    """Return example tensors, and which of their axes are dynamic."""
    return tuple(example(tensor, named) for tensor in tensors), {t.name: dynamic_axes(t) for t in tensors}


def gate_programs(
    programs: Sequence[ProgramEntry], modules: dict[str, nn.Module], batches: Mapping[Size, Arrays], folder: Path
) -> dict[Size, list[ParityRow]]:
    """Compare what refinement runs with PyTorch, as saved and loaded again, on requests' own tensors.

    Returns the comparisons by batch size.
    """
    loaded = {entry.name: _load(entry, folder) for entry in programs}
    rows: dict[Size, list[ParityRow]] = {}
    # Sizes outside, programs inside: what the conditioning makes of the largest batch is gone before the next one.
    for (requests, garments), values in batches.items():
        known: dict[str, torch.Tensor] = {name: torch.from_numpy(np.array(value)) for name, value in values.items()}
        known["image"] = known["person_image"].permute(0, 3, 1, 2).float() / 127.5 - 1
        rows[requests, garments] = compared = []
        for name, saved in loaded.items():
            module = modules[name].eval()
            signature = inspect.signature(module.forward).parameters
            feed = [known[each] for each, parameter in signature.items() if parameter.default is parameter.empty]
            with torch.inference_mode():
                found, expected = _flat(saved(*feed)), _flat(module(*feed))
            outputs = tuple(
                TensorSpec(name=f"output_{index}", dtype="float32", shape=value.shape)
                for index, value in enumerate(expected)
            )
            compared += compare(
                name,
                outputs,
                {spec.name: value.numpy() for spec, value in zip(outputs, found, strict=True)},
                {spec.name: value.numpy() for spec, value in zip(outputs, expected, strict=True)},
                form="pt2",
                reference_form="pytorch",
                requests=requests,
                garments=garments,
                limits=SAME_PRECISION,
            )
            if name == "appearance_conditioning":
                known["conditioning"] = expected[0]
    return rows


def _load(entry: ProgramEntry, folder: Path) -> nn.Module:
    weights = entry.files.get("weights")
    return load_program(folder / entry.files["pt2"], folder / weights if weights else None)


def _flat(outputs: Any) -> list[torch.Tensor]:
    """Return the tensors of nested lists, in order."""
    return [outputs] if isinstance(outputs, torch.Tensor) else [tensor for part in outputs for tensor in _flat(part)]
