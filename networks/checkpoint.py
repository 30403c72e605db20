"""Checkpoints: a folder with `correspondence`, `shape` and `appearance.safetensors`, each carrying its config.

Parts are trained one after the other, so each has its own file; export needs all, of one size.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..data.errors import InputError
from ..data.files import atomic_path
from .appearance import AppearanceEncoder, AppearanceGenerator
from .config import SHAPE_SCALES, NetworkConfig, ShapeConfig
from .correspondence.matcher import BodyMatcher
from .discriminator import Discriminator
from .shape import ShapeEncoder, ShapeGenerator

PARTS = {
    "correspondence": ("correspondence",),
    "shape": ("shape_encoder", "shape_generator"),
    "appearance": ("appearance_encoder", "appearance_generator", "discriminator"),
}
"""Which networks each file holds; their tensors are named ``network.parameter``."""

UNTRAINED = "untrained"

BUNDLE_MANIFEST = "manifest.json"
"""Tells a bundle from a checkpoint."""


def parts_of(config: NetworkConfig) -> tuple[str, ...]:
    """Return the parts that networks of a config have, in order."""
    return tuple(part for part in PARTS if part != "correspondence" or config.matches)


class Networks(nn.Module):
    """All networks of one config, with fresh weights.

    Parameters
    ----------
    config
        What the networks look like.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.training_notes: dict[str, str] = dict.fromkeys(parts_of(config), UNTRAINED)
        if config.matches:
            self.correspondence = BodyMatcher(config.matcher)
        self.shape_encoder = ShapeEncoder(config)
        self.shape_generator = ShapeGenerator(config)
        self.appearance_encoder = AppearanceEncoder(config)
        self.appearance_generator = AppearanceGenerator(config)
        self.discriminator = Discriminator(config)


def untrained_networks(config: NetworkConfig, seed: int) -> Networks:
    """Return networks whose weights are drawn from `seed`, leaving the global random state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = Networks(config)
    networks.training_notes = dict.fromkeys(networks.training_notes, f"{UNTRAINED} (seed {seed})")
    return networks.eval()


def save_checkpoint(folder: Path, networks: Networks, part: str, note: str) -> Path:
    """Write one part of the networks; the file appears whole or not at all.

    Parameters
    ----------
    folder
        The checkpoint folder, made if needed.
    networks
        The networks to take it from.
    part
        One of `PARTS`.
    note
        How it was trained, in one line; export copies it into the bundle's manifest.
    """
    tensors = {
        name: value.detach().cpu().contiguous()
        for name, value in networks.state_dict().items()
        if name.split(".")[0] in PARTS[part]
    }
    path = Path(folder) / f"{part}.safetensors"
    metadata = {"config": json.dumps(networks.config.to_json()), "trained": note}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata=metadata)
    return path


def load_checkpoint(folder: Path) -> Networks:
    """Read all parts of a checkpoint, or of a bundle.

    A bundle's networks can so be exported anew, as the graphs of a later version. The parts may have been trained at
    different frames if the shape networks work at the same size in both, as those of `small` and `base` do.

    Raises
    ------
    InputError
        When a part is missing, damaged, or made for another config.
    """
    folder = Path(folder)
    read = {part: read_part(folder, part) for part in ("shape", "appearance")}
    shape, appearance = (config for config, _, _ in read.values())
    if shape.shape_code != appearance.shape_code:
        raise InputError(
            f"{folder}: shape was trained with shape_code {shape.shape_code} but appearance with "
            f"{appearance.shape_code}; train both with one"
        )
    # Each file is the authority on its own part.
    config = dataclasses.replace(appearance, shape=_scaled_to(appearance, shape, folder))
    if config.matches:
        read["correspondence"] = read_part(folder, "correspondence")
        config = dataclasses.replace(config, matcher=read["correspondence"][0].matcher)
    networks = Networks(config)
    for part, (_, tensors, note) in read.items():
        _assign(networks, tensors, part, folder / f"{part}.safetensors")
        networks.training_notes[part] = note
    return networks.eval()


def read_part(folder: Path, part: str) -> tuple[NetworkConfig, dict[str, Tensor], str]:
    """Read one part of a checkpoint, or of a bundle: its config, its tensors by name, and how it was trained.

    Raises
    ------
    InputError
        When a file is missing or damaged.
    """
    folder = Path(folder)
    return (
        _read_bundled(folder, part) if (folder / BUNDLE_MANIFEST).is_file() else _read(folder / f"{part}.safetensors")
    )


def _scaled_to(appearance: NetworkConfig, shape: NetworkConfig, folder: Path) -> ShapeConfig:
    """Return the shape networks' config for the appearance networks' frame; their working size stays."""
    scale, rest = divmod(appearance.height * shape.shape.scale, shape.height)
    if rest or appearance.width * shape.shape.scale != shape.width * scale or scale not in SHAPE_SCALES:
        raise InputError(
            f"{folder}: shape was trained at {shape.height}x{shape.width}, scale 1/{shape.shape.scale}, and does not "
            f"fit appearance at {appearance.height}x{appearance.width}; train both at one size"
        )
    return dataclasses.replace(shape.shape, scale=scale)


def _read(path: Path) -> tuple[NetworkConfig, dict[str, Tensor], str]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; a checkpoint folder holds {' and '.join(_names())}") from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a safetensors checkpoint ({error})") from None
    try:
        config = NetworkConfig.from_json(json.loads(metadata["config"]))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: no usable config in its metadata ({error})") from None
    return config, tensors, metadata.get("trained", "unknown")


def _read_bundled(folder: Path, part: str) -> tuple[NetworkConfig, dict[str, Tensor], str]:
    """Read what a bundle keeps of a part: FP16 weights, one file a network."""
    path = folder / BUNDLE_MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        config, note = NetworkConfig.from_json(manifest["config"]), str(manifest["trained"][part])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a bundle's manifest ({error})") from None
    tensors: dict[str, Tensor] = {}
    for network in PARTS[part]:
        weights = folder / f"{network}.safetensors"
        try:
            with safe_open(weights, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118
                    # Programs that are no graph carry their own names only.
                    full = name if name.startswith(f"{network}.") else f"{network}.{name}"
                    tensors[full] = file.get_tensor(name).float()
        except (SafetensorError, OSError) as error:
            raise InputError(f"{weights}: cannot be read ({error}); the bundle is not whole") from None
    return config, tensors, note


def _assign(networks: Networks, tensors: dict[str, Tensor], part: str, path: Path) -> None:
    own = networks.state_dict()
    expected = {name for name in own if name.split(".")[0] in PARTS[part]}
    wrong = sorted(expected ^ tensors.keys()) or sorted(
        name for name in expected if own[name].shape != tensors[name].shape
    )
    if wrong:
        raise InputError(f"{path}: {len(wrong)} tensors do not fit its own config, the first is {wrong[0]}")
    networks.load_state_dict(tensors, strict=False)


def _names() -> list[str]:
    return [f"{part}.safetensors" for part in PARTS]
