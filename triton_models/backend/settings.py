"""What a model finds in its own configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ...bundle.bundle import Bundle
from ..outfit_store import OutfitStore, default_outfit_folder


@dataclass(frozen=True)
class ModelSettings:
    """A model's name and string parameters.

    Parameters
    ----------
    name
        The model's name.
    folder
        The model's folder in the repository.
    values
        String parameters of its configuration.
    inputs
        Names of its inputs.
    """

    name: str
    folder: Path
    values: Mapping[str, str]
    inputs: tuple[str, ...] = ()

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        """Read what Triton passes to `initialize`."""
        config = json.loads(arguments["model_config"])
        values = {name: value["string_value"] for name, value in config.get("parameters", {}).items()}
        inputs = tuple(tensor["name"] for tensor in config["input"])
        return cls(config["name"], Path(arguments["model_repository"]), values, inputs)

    def __getitem__(self, name: str) -> str:
        """Return a parameter that the repository's builder wrote."""
        return self.values[name]

    def bundle(self) -> Bundle:
        """Open and verify the bundle that parameter ``bundle`` names, relative to the model's folder or absolute."""
        return Bundle.open((self.folder / self["bundle"]).resolve())

    @property
    def threads(self) -> int | None:
        """Return how many threads an engine gets; None, also where an older builder did not say, for its own choice."""
        told = self.values.get("threads", "")
        return int(told) if told else None

    @property
    def outfit_folder(self) -> Path | None:
        """Return where outfits are kept, relative to the model's folder or absolute; None for the default."""
        return (self.folder / self["outfits"]).resolve() if self["outfits"] else None


def open_store(settings: ModelSettings, identity: str) -> OutfitStore:
    """Return the outfits that a model's configuration names; by default the bundle's own."""
    folder = settings.outfit_folder or default_outfit_folder(identity)
    return OutfitStore(folder, int(settings["outfits_mb"]) * 1_000_000)
