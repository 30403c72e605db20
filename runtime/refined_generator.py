"""The appearance generator with an outfit's refined weights: an engine of its own beside the bundle's, and checked.

The bundle's own engines are never refitted, so whoever is dressed while weights are loaded gets one picture or the
other, whole, and refinement always starts from the bundle's weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..bundle.parity import REDUCED_PRECISION, SAME_PRECISION, compare
from ..bundle.pipeline import Pipeline
from ..bundle.samples import read_samples, sample_requests
from ..data.errors import MissingExtraError
from ..engines.engine import BaseEngine
from ..engines.engine_set import EngineSet
from ..engines.input_checks import NumpyArray
from ..engines.torch_engine import TorchEngine

if TYPE_CHECKING:
    from .refinement.refined_weights import RefinedWeights

UNCHECKED = "a refined outfit is worn; without PyTorch the refitted engine could not be checked"
WORN = "a refined outfit is worn"
OTHER_CLASSES = "the outfit that is worn was refined for other classes than those worn here"


@dataclass(frozen=True)
class RefinedGenerator:
    """A generator that wears a refined outfit.

    Parameters
    ----------
    engine
        The refitted engine.
    source
        The source vector that the outfit was refined for, `[20]`.
    note
        What reports say of it.
    """

    engine: BaseEngine
    source: tuple[int, ...]
    note: str

    @classmethod
    def load(cls, engines: EngineSet, outfit: RefinedWeights) -> RefinedGenerator:
        """Load one more engine of the generator, refit it, and compare it with PyTorch on the bundle's sample people.

        Raises
        ------
        InputError
            When the outfit belongs to another bundle.
        GateError
            When engine and PyTorch disagree.
        """
        engines.bundle.manifest.steps.require("refinement")
        weights = outfit.weights(engines.bundle)  # refused before anything is loaded
        graph = engines.bundle.manifest.steps.refined
        assert graph is not None
        engine = engines.load_another(graph)
        try:
            engine.refit(weights)
            note = _check(engines, engine, weights)
        except BaseException:
            engine.close()
            raise
        return cls(engine, outfit.source, note)

    def pipeline(self, engines: EngineSet) -> Pipeline:
        """Return the set's pipeline with this generator in it."""
        return Pipeline(engines.bundle.manifest.steps, {**engines.engines, self.engine.name: self.engine})

    def notes(self, source: tuple[int, ...]) -> list[str]:
        """Return what to say about a result for a source vector."""
        return [self.note] if source == self.source else [self.note, OTHER_CLASSES]


def _check(engines: EngineSet, engine: BaseEngine, weights: Mapping[str, NumpyArray]) -> str:
    """Compare with PyTorch, and return what reports are to say."""
    bundle = engines.bundle
    manifest, graph = bundle.manifest, bundle.manifest.graph(engine.name)
    try:
        reference = TorchEngine(bundle, graph, "fp32")
    except MissingExtraError:
        return UNCHECKED
    people = read_samples(bundle.sample_folders)
    inputs = sample_requests(people, manifest.height, manifest.width, 1, 1)
    pipeline = engines.pipeline
    feed = pipeline.feed(graph.name, pipeline.run(inputs, manifest.steps.until(graph.name)))
    with reference:
        reference.refit(weights)
        expected = reference(**feed)
    compare(
        graph.name,
        graph.outputs,
        engine(**feed),
        expected,
        form=f"refitted {engines.chosen.candidate.engine} {engines.precision}",
        reference_form="PyTorch",
        requests=1,
        garments=1,
        limits=SAME_PRECISION if engines.precision == "fp32" else REDUCED_PRECISION,
    )
    return WORN
