"""Saving `.pt2` programs without their weights, which `oviton.bundle.programs` puts back.

Before saving, each parameter is replaced by a zero expanded to its shape, which takes four bytes, and the example
inputs are dropped. What is left is text that says everything many times over; compressed it takes a twentieth.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors.torch import save_file
from torch import nn
from torch.export import ExportedProgram

from ..data.errors import InputError
from ..data.files import atomic_path


def round_weights_to_fp16(module: nn.Module) -> None:
    """Round every parameter to the nearest FP16 number, in place, keeping its dtype.

    Raises
    ------
    InputError
        When a weight is NaN, or does not fit FP16.
    """
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            rounded = parameter.to(torch.float16)
            if not torch.isfinite(parameter).all():
                raise InputError(f"weight {name} holds NaN or infinity; it cannot be exported")
            if not torch.isfinite(rounded).all():
                raise InputError(f"weight {name} holds {parameter.abs().max():g}; FP16 cannot hold more than 65504")
            parameter.copy_(rounded)


def save_weights(module: nn.Module, path: Path) -> tuple[str, ...]:
    """Write a module's parameters as FP16 safetensors and return their names; a module without any writes nothing."""
    weights = {n: p.detach().to(torch.float16).contiguous() for n, p in module.named_parameters()}
    if weights:
        with atomic_path(path) as temporary:
            save_file(weights, temporary)
    return tuple(weights)


def save_program(program: ExportedProgram, path: Path) -> None:
    """Write a program without its weights. The program itself is spent: its weights are gone."""
    for name, value in list(program.state_dict.items()):
        if isinstance(value, nn.Parameter):
            hollow = torch.zeros((), dtype=value.dtype).expand(value.shape)
            program.state_dict[name] = nn.Parameter(hollow, requires_grad=value.requires_grad)
    program._example_inputs = None
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of the exporting machine
    archive = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own deprecated storage API
        torch.export.save(program, archive)
    with atomic_path(path) as temporary:
        _compress(archive, path.stem, temporary)


def _compress(archive: BinaryIO, name: str, path: Path) -> None:
    """Write a `.pt2` archive anew, compressed, its folder called `name`, and without the time of day."""
    with (
        zipfile.ZipFile(archive) as stored,
        zipfile.ZipFile(path, "w") as written,
    ):
        for entry in stored.infolist():
            renamed = zipfile.ZipInfo("/".join([name, *entry.filename.split("/")[1:]]))
            written.writestr(renamed, stored.read(entry), zipfile.ZIP_DEFLATED, compresslevel=9)
