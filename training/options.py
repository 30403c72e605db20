"""What a training run was asked to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..data.errors import InputError
from ..networks.config import Conditioning, NetworkConfig, preset

if TYPE_CHECKING:
    from ..networks.precision import Precision

Part = Literal["shape", "appearance"]

DEFAULT_WEIGHTS: dict[Part, dict[str, float]] = {
    "shape": {"ce": 1.0, "dice": 0.3, "lsgan": 0.0, "feature_matching": 0.0, "perceptual": 0.0},
    "appearance": {"l1": 4.0, "perceptual": 5.0, "perceptual_distance": 0.0, "lsgan": 0.1, "feature_matching": 1.0},
}
"""The terms of each part's loss and how much each counts."""


@dataclass(frozen=True)
class TrainOptions:
    """Options of one training run.

    Parameters
    ----------
    part
        Which part of the networks to train.
    data
        Folders of person folders, each with ``pairs.csv`` when `pairs` is set.
    checkpoint
        The checkpoint folder to write, or to resume. With ``surface`` conditioning it holds the trained matcher.
    preset
        The networks' preset.
    conditioning
        Conditioning of the part's generator.
    encoder_scale
        The appearance encoder sees photographs so many times smaller; None for the preset's own.
    steps
        Optimiser steps in all; the learning rate falls to about 0 over them.
    batch
        Samples a step.
    seed
        Seed of the weights and of every random choice.
    pairs
        Whether to use same-outfit pairs.
    weights
        Weight of every term of the loss; see `DEFAULT_WEIGHTS`.
    learning_rate
        The highest learning rate.
    precision
        Precision of the networks' forward and backward passes; losses and weights are always FP32.
    device
        ``"cpu"`` or ``"cuda"``.
    threads
        Threads that torch may use; None for its own choice.
    init
        Checkpoint folder whose weights of this part to start from.
    save_every, sheet_every
        Steps between two saves, and between two contact sheets with losses on held-out people.
    cache_bytes
        Decoded people kept in memory, at most.
    """

    part: Part
    data: tuple[Path, ...]
    checkpoint: Path
    preset: str = "small"
    conditioning: Conditioning = "codes"
    encoder_scale: int | None = None
    steps: int = 10_000
    batch: int = 8
    seed: int = 0
    pairs: bool = False
    weights: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float = 1e-3
    precision: Precision = "fp32"
    device: str = "cpu"
    threads: int | None = None
    init: Path | None = None
    save_every: int = 200
    sheet_every: int = 500
    cache_bytes: int = 8 << 30

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "save_every", "sheet_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; allowed: 1 and more")
        if not 0 < self.learning_rate < 1:
            raise InputError(f"learning rate {self.learning_rate:g} given; allowed: above 0 and below 1")
        known = DEFAULT_WEIGHTS[self.part]
        for name, value in self.weights.items():
            if name not in known:
                raise InputError(f"weight {name!r} is unknown; allowed for {self.part}: {', '.join(known)}")
            if not 0 <= value < float("inf"):
                raise InputError(f"weight {name} is {value:g}; allowed: 0 and more")
        object.__setattr__(self, "weights", {**known, **self.weights})
        if not any(self.weights.values()):
            raise InputError("every term of the loss has weight 0; give one of them a weight")

    @property
    def config(self) -> NetworkConfig:
        """The networks' config."""
        config = preset(self.preset).with_conditioning(self.conditioning)
        if self.encoder_scale is None:
            return config
        appearance = dataclasses.replace(config.appearance, encoder_scale=self.encoder_scale)
        return dataclasses.replace(config, appearance=appearance)

    def settings(self) -> dict[str, Any]:
        """Return what must stay the same for a run to be resumed, as JSON values."""
        free = {"checkpoint", "data", "steps", "threads", "device", "save_every", "sheet_every", "cache_bytes"}
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in free}
        values["init"] = None if self.init is None else str(self.init)
        return values


def parse_weights(texts: list[str]) -> dict[str, float]:
    """Turn ``["dice=0.3"]`` into ``{"dice": 0.3}``.

    Raises
    ------
    InputError
        When a text is not NAME=NUMBER.
    """
    weights = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            weights[name.strip()] = float(number)
        except ValueError:
            raise InputError(f"weight {text!r} is not NAME=NUMBER, such as dice=0.3") from None
    return weights
