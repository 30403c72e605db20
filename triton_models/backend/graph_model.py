"""One of the bundle's graphs as a model: its engine, and nothing else, is loaded in its process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engines.engine_set import load_engine
from ..input_check import SOURCE
from ..layout import PASSED_SOURCE
from .answers import Arrays, answer
from .settings import ModelSettings


class GraphModel:
    """What Triton calls for a graph's model."""

    def initialize(self, args: Mapping[str, Any]) -> None:
        """Load the engine that the configuration names."""
        settings = ModelSettings.of(args)
        self._passes_source = PASSED_SOURCE in settings.outputs
        self._engine = load_engine(settings.bundle(), settings.name, settings["engine"], settings["precision"])

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Run each request by itself, so that an answer never depends on who else asked."""
        return [answer(request, self._run) for request in requests]

    def finalize(self) -> None:
        """Release the engine."""
        self._engine.close()

    def _run(self, inputs: Arrays) -> Arrays:
        outputs: Arrays = self._engine(**inputs)
        if self._passes_source:
            outputs[PASSED_SOURCE] = inputs[SOURCE]
        return outputs
