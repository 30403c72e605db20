"""A run's state on disk: everything that going on bit for bit needs, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..data.errors import InputError
from ..data.files import atomic_path

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class RunState:
    """A run's state as read from disk.

    Parameters
    ----------
    step
        Steps done.
    steps
        Steps that the run was to take in all.
    settings
        Settings that must stay the same when the run is resumed, as JSON values.
    tensors
        Weights and the optimisers' moments, by name.
    """

    step: int
    steps: int
    settings: dict[str, Any]
    tensors: dict[str, Tensor]


def write_state(path: Path, step: int, steps: int, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a run's state, whole or not at all."""
    metadata = {"step": str(step), "steps": str(steps), "settings": json.dumps(settings)}
    with atomic_path(path) as temporary:
        save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, temporary, metadata)


def read_state(path: Path) -> RunState:
    """Read a run's state.

    Raises
    ------
    InputError
        When the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return RunState(int(metadata["step"]), int(metadata["steps"]), json.loads(metadata["settings"]), tensors)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: not the state of a run ({error}); choose another output folder") from None


def check_settings(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise `InputError` unless a run's settings are what they were, naming what differs."""
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if changed:
        told = ", ".join(f"{name} was {old.get(name)!r} and now is {new.get(name)!r}" for name in changed)
        raise InputError(f"{path}: {told}; resume with the old settings, or choose another output folder")


def named_tensors(**modules: nn.Module) -> dict[str, Tensor]:
    """Return every tensor of some modules, as ``module.parameter``."""
    return {f"{key}.{name}": value for key, module in modules.items() for name, value in module.state_dict().items()}


def moments(key: str, module: nn.Module, optimizer: torch.optim.Adam) -> dict[str, Tensor]:
    """Return Adam's moments, as ``key.parameter.moment``; none before the first step."""
    return {
        f"{key}.{name}.{moment}": optimizer.state[parameter][moment]
        for name, parameter in module.named_parameters()
        if parameter in optimizer.state
        for moment in _MOMENTS
    }


def restore_moments(key: str, module: nn.Module, optimizer: torch.optim.Adam, tensors: Mapping[str, Tensor]) -> None:
    """Give Adam the moments that `moments` returned."""
    for name, parameter in module.named_parameters():
        if f"{key}.{name}.step" not in tensors:
            continue
        found = {moment: tensors[f"{key}.{name}.{moment}"].to(parameter.device) for moment in _MOMENTS}
        for moment in _MOMENTS[1:]:  # laid out in memory as the parameter is
            found[moment] = torch.empty_like(parameter).copy_(found[moment])
        optimizer.state[parameter] = found
