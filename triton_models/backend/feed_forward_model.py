"""All graphs of a bundle in one process: what answers every feed-forward request of an embedded repository.

One process, because on a CPU steps that are processes of their own cost more than they bring: pictures are copied from
one to the next, and each process has threads of its own for the same cores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...bundle.pipeline import Pipeline, Runnable
from ...engines.engine_set import load_engine
from ..codes import CODES, CODES_MODELS, ENCODER_PREFIX, SHAPE_CODES, WEAR, codes_steps, encoder_steps
from ..input_check import OUTPUT
from ..layout import graph_steps, outer_inputs
from ..model_config import VERSION
from .answers import Arrays, answer
from .checks import check, check_codes
from .outfit_engines import OUTFIT, OutfitEngines
from .settings import ModelSettings
from .steps import SmallGraph, Steps, demand


class FeedForwardModel:
    """What Triton calls for `feed_forward`. Which ensemble asks shows in the inputs that come."""

    def initialize(self, args: Mapping[str, Any]) -> None:
        """Load every engine that the configuration names."""
        settings = ModelSettings.of(args)
        bundle = settings.bundle()
        manifest = bundle.manifest
        self._family = manifest.steps
        self._engines = {
            graph.name: load_engine(
                bundle, graph.name, settings["engine"], settings["precision"], threads=settings.threads
            )
            for graph in manifest.graphs
        }
        self._needed = frozenset(spec.name for spec in outer_inputs(graph_steps(manifest)))
        if SHAPE_CODES in settings.inputs:
            small = {name: SmallGraph(settings.folder / VERSION / f"{name}.onnx") for name in CODES_MODELS}
            models = {**self._engines, **small}
            self._encoding = Steps(manifest.steps, encoder_steps(manifest), models)
            self._dressing_in_codes = Steps(manifest.steps, codes_steps(manifest), models)
        self._outfits = OutfitEngines(settings, bundle) if "outfits" in settings.values else None

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Run each request by itself, so that an answer never depends on who else asked."""
        return [answer(request, self._run) for request in requests]

    def finalize(self) -> None:
        """Release the engines."""
        for engine in self._engines.values():
            engine.close()
        if self._outfits is not None:
            self._outfits.close()

    def _run(self, inputs: Arrays) -> Arrays:
        if ENCODER_PREFIX + WEAR in inputs:
            named = {name.removeprefix(ENCODER_PREFIX): array for name, array in inputs.items()}
            values = self._encoding.run(named)
            return {ENCODER_PREFIX + name: values[name] for name in (*CODES, OUTPUT)}
        if SHAPE_CODES in inputs:
            check_codes(inputs)
            values = self._dressing_in_codes.run(inputs)
        else:
            values = self._dress(inputs)
        return {name: values[name] for name in (*self._family.results, OUTPUT)}

    def _dress(self, inputs: Arrays) -> Arrays:
        demand(self._needed, inputs)
        flags = check({name: inputs[name] for name in self._needed})
        graphs: dict[str, Runnable] = dict(self._engines)
        if OUTFIT in inputs and self._outfits is not None:
            graphs |= self._outfits.worn(inputs[OUTFIT])
        return {**Pipeline(self._family, graphs).run(inputs), OUTPUT: flags}
