"""The person parser of a prepare bundle in Triton's Python backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...bundle.families import PREPARE
from ...bundle.pipeline import Pipeline
from ...engines.engine_set import load_engine
from .answers import Arrays, answer
from .settings import ModelSettings
from .steps import demand


class ParserModel:
    """What Triton calls for `person_parser`."""

    def initialize(self, args: Mapping[str, Any]) -> None:
        """Load the engine that the configuration names."""
        settings = ModelSettings.of(args)
        (graph,) = PREPARE.graphs
        self._engine = load_engine(
            settings.bundle(), graph, settings["engine"], settings["precision"], threads=settings.threads
        )
        self._pipeline = Pipeline(PREPARE, {graph: self._engine})

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Run each request by itself, so that an answer never depends on who else asked."""
        return [answer(request, self._run) for request in requests]

    def finalize(self) -> None:
        """Release the engine."""
        self._engine.close()

    def _run(self, inputs: Arrays) -> Arrays:
        demand(PREPARE.inputs, inputs)
        values = self._pipeline.run(inputs)
        return {name: values[name] for name in PREPARE.results}
