"""`.pt2` programs whose weights live once, in the safetensors file that the ONNX forms share.

`torch.export` archives carry FP32 weights of their own. Before saving, each parameter is replaced by a zero expanded
to its shape, which takes four bytes; loading puts the real weights back. So every form of a graph holds the same
numbers by construction. No pickle is involved: archives store raw tensors, and the example inputs are dropped. What is
left is text that says everything many times over; compressed it takes a twentieth.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.export.passes import move_to_device_pass

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


def load_program(path: Path, weights: Path | None, device: str = "cpu") -> nn.Module:
    """Load a program with its weights in FP32, as a module that autograd can run through.

    Parameters
    ----------
    path
        The `.pt2` file.
    weights
        The safetensors file; None for a program without parameters.
    device
        Where it is to run. A program names the device of its own constants, so moving its module would not do.
    """
    program = _load(path, device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: nn.Module = program.module()
    if device.startswith("cuda"):
        settle_duplicates(module)
    if weights is not None:
        values = {name: value.to(torch.float32) for name, value in load_file(weights, device=device).items()}
        assign_weights(module, values)
    return module


def load_exported(
    path: Path, weights: Path | None, device: str = "cpu", replaced: Mapping[str, Any] | None = None
) -> ExportedProgram:
    """Load a program with its weights in FP32, as compilers want it.

    Parameters
    ----------
    path, weights, device
        See `load_program`.
    replaced
        Arrays to be used instead of stored weights, by parameter name.
    """
    program = _load(path, device)
    values = dict(load_file(weights, device=device)) if weights is not None else {}
    values |= {name: torch.as_tensor(value, device=device) for name, value in (replaced or {}).items()}
    for name, value in values.items():
        program.state_dict[name] = nn.Parameter(value.to(torch.float32), requires_grad=False)
    return program


def _load(path: Path, device: str) -> ExportedProgram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.load(path)
        return move_to_device_pass(program, device) if device != "cpu" else program


def settle_duplicates(module: nn.Module) -> nn.Module:
    """Let the last of several numbers that are scattered to one place win on CUDA too, where it is a race.

    The surface lookup scatters pixels' ascending numbers, so the last is the largest.
    """
    graph: Any = module.graph
    for node in graph.nodes:
        if node.target is torch.ops.aten.scatter.src:
            node.target, node.args = torch.ops.aten.scatter_reduce.two, (*node.args, "amax")
    recompile: Any = module.recompile
    recompile()
    return module


def allow_autocast(module: nn.Module) -> nn.Module:
    """Let a loaded program run under autocast: take out the checks that every tensor has the dtype it was traced with.

    Its casts stay, so what was computed in FP32 on purpose still is.
    """
    graph: Any = module.graph
    for node in list(graph.nodes):
        if node.target is torch.ops.aten._assert_tensor_metadata.default:
            graph.erase_node(node)
    recompile: Any = module.recompile
    recompile()
    return module


def assign_weights(module: nn.Module, values: dict[str, Tensor]) -> None:
    """Replace every parameter of a loaded program; each must be given, and no other.

    Raises
    ------
    KeyError
        When names differ.
    """
    own = dict(module.named_parameters())
    if own.keys() != values.keys():
        raise KeyError(f"parameters {sorted(own.keys() ^ values.keys())} do not match the program's")
    state: dict[str, Any] = {
        name: nn.Parameter(value, requires_grad=own[name].requires_grad) for name, value in values.items()
    }
    module.load_state_dict(state, strict=False, assign=True)
