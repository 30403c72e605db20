"""The appearance generator in refined outfits as a model of its own, beside Triton's own backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .answers import Arrays, answer
from .outfit_engines import OUTFIT, OutfitEngines
from .settings import ModelSettings


class OutfitModel:
    """What Triton calls for `appearance_generator_outfit`. Without requests it holds no engine."""

    def initialize(self, args: Mapping[str, Any]) -> None:
        """Open the bundle and the store of outfits."""
        settings = ModelSettings.of(args)
        self._outfits = OutfitEngines(settings, settings.bundle())

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Paint each request in its own outfit."""
        return [answer(request, self._paint) for request in requests]

    def finalize(self) -> None:
        """Release the engines."""
        self._outfits.close()

    def _paint(self, inputs: Arrays) -> Arrays:
        return self._outfits.paint(inputs.pop(OUTFIT), inputs)
