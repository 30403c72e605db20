"""Starting from the weights of another checkpoint, or of a bundle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from ..data.errors import InputError
from ..networks.checkpoint import PARTS, Networks, read_part
from ..networks.config import NetworkConfig
from ..networks.graphs import CorrespondenceGraph
from .options import Part

WIDENED = ("appearance_generator.", "shape_generator.")
"""Networks whose first convolutions may see more channels than they were trained with: the new ones count for nothing
at first."""

ADDED = ("shape_generator.outline.",)
"""What networks may lack that others start from; it changes nothing at first."""


def copy_weights(folder: Path, networks: Networks, part: Part) -> str:
    """Copy one part's weights from a checkpoint or a bundle, which may have another frame, and say so.

    The networks are fully convolutional, so weights fit any frame. A ``surface`` generator takes those of a ``codes``
    one: its further channels come last, and start at weight zero.

    Raises
    ------
    InputError
        When the tensors do not fit.
    """
    config, tensors, note = read_part(folder, part)
    own = {name: value for name, value in networks.state_dict().items() if name.split(".")[0] in PARTS[part]}
    missing = sorted(name for name in own.keys() ^ tensors.keys() if not name.startswith(ADDED))
    if missing:
        raise InputError(
            f"--init {folder}: its {part} networks are built differently; the first difference: {missing[0]}"
        )
    for name in own.keys() & tensors.keys():
        tensors[name] = _fitted(tensors[name], own[name], name, folder)
    networks.load_state_dict(tensors, strict=False)
    return f"starting from {folder} ({config.preset}, {config.height}x{config.width}; {note})"


def load_matcher(folder: Path, config: NetworkConfig) -> CorrespondenceGraph:
    """Return a checkpoint's matcher, which is trained before what asks it, for training at a config's frame.

    Raises
    ------
    InputError
        When it is not there.
    """
    trained, tensors, _ = read_part(folder, "correspondence")
    graph = CorrespondenceGraph(dataclasses.replace(config, matcher=trained.matcher))
    graph.load_state_dict(tensors)
    return graph.eval().requires_grad_(False)


def _fitted(given: Tensor, own: Tensor, name: str, folder: Path) -> Tensor:
    if given.shape == own.shape:
        return given
    widened = (
        name.startswith(WIDENED)
        and given.ndim == 4
        and given.shape[1] < own.shape[1]
        and given.shape[:1] + given.shape[2:] == own.shape[:1] + own.shape[2:]
    )
    if not widened:
        raise InputError(
            f"--init {folder}: {name} is {list(given.shape)} there and {list(own.shape)} here; choose its preset"
        )
    return torch.cat([given, torch.zeros_like(own[:, given.shape[1] :])], dim=1)
