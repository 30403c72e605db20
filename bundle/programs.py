"""`.pt2` programs, whose weights live once, in the safetensors file that the ONNX forms share.

`torch.export` archives carry FP32 weights of their own. `oviton.export.programs` saves them hollow; loading puts the
real weights back, so every form of a graph holds the same numbers by construction. No pickle is involved: archives
store raw tensors. PyTorch is imported when a program is loaded, so that reading a bundle needs none.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.optional import require

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.export import ExportedProgram

_READING = threading.Lock()
"""PyTorch keeps what it reads in a global, so threads take turns."""


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
    if weights is not None:
        assign_weights(module, {name: value.float() for name, value in _read_weights(weights, device).items()})
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
    torch = _torch()
    program = _load(path, device)
    values = _read_weights(weights, device) if weights is not None else {}
    values |= {name: torch.as_tensor(value, device=device) for name, value in (replaced or {}).items()}
    for name, value in values.items():
        program.state_dict[name] = torch.nn.Parameter(value.float(), requires_grad=False)
    return program


def allow_autocast(module: nn.Module) -> nn.Module:
    """Let a loaded program run under autocast: take out the checks that every tensor has the dtype it was traced with.

    Its casts stay, so what was computed in FP32 on purpose still is.
    """
    graph: Any = module.graph
    for node in list(graph.nodes):
        if node.target is _torch().ops.aten._assert_tensor_metadata.default:
            graph.erase_node(node)
    recompile: Any = module.recompile
    recompile()
    return module


def assign_weights(module: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Replace every parameter of a loaded program; each must be given, and no other.

    Raises
    ------
    KeyError
        When names differ.
    """
    own = dict(module.named_parameters())
    if own.keys() != values.keys():
        raise KeyError(f"parameters {sorted(own.keys() ^ values.keys())} do not match the program's")
    parameter = _torch().nn.Parameter
    state: dict[str, Any] = {
        name: parameter(value, requires_grad=own[name].requires_grad) for name, value in values.items()
    }
    module.load_state_dict(state, strict=False, assign=True)


def _load(path: Path, device: str) -> ExportedProgram:
    torch = _torch()
    passes = require("torch.export.passes", extra="refine", purpose="a `.pt2` program")
    with _READING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program: ExportedProgram = torch.export.load(path)
        moved: ExportedProgram = passes.move_to_device_pass(program, device) if device != "cpu" else program
        return moved


def _read_weights(path: Path, device: str) -> dict[str, Tensor]:
    reader = require("safetensors.torch", purpose="a `.pt2` program")
    return dict(reader.load_file(path, device=device))


def _torch() -> Any:
    return require("torch", extra="refine", purpose="a `.pt2` program")
