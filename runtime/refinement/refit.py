"""Refitting an outfit's weights into whatever engine is loaded, and checking that it took them."""

from __future__ import annotations

from ...bundle.parity import REDUCED_PRECISION, SAME_PRECISION, compare
from ...bundle.samples import read_samples, sample_requests
from ...data.errors import MissingExtraError
from ...engines.engine_set import EngineSet
from .outfit_weights import Weights

GRAPH = "appearance_generator"


def refit_generator(engines: EngineSet, weights: Weights) -> str:
    """Refit the appearance generator, and compare it with PyTorch on the bundle's sample people.

    Parameters
    ----------
    engines
        The loaded engines.
    weights
        The outfit's weights by PyTorch name; none for the bundle's own.

    Returns
    -------
    str
        A note for reports; empty without an outfit.

    Raises
    ------
    GateError
        When engine and PyTorch disagree. Whatever is raised, the engine has the bundle's weights again.
    """
    engine = engines[GRAPH]
    if not weights:
        engine.refit({})
        return ""
    try:
        engine.refit(weights)
        _check(engines, weights)
    except MissingExtraError:
        return "a refined outfit is worn; without PyTorch the refitted engine could not be checked"
    except BaseException:
        engine.refit({})
        raise
    return "a refined outfit is worn"


def _check(engines: EngineSet, weights: Weights) -> None:
    from ...engines.torch_engine import TorchEngine

    bundle, engine = engines.bundle, engines[GRAPH]
    manifest = bundle.manifest
    people = read_samples(bundle.sample_folders)
    inputs = dict(sample_requests(people, manifest.height, manifest.width, 1, 1))
    pipeline = engines.pipeline
    feed = pipeline.feed(GRAPH, pipeline.run(inputs, manifest.steps.until(GRAPH)))
    with TorchEngine(bundle, manifest.graph(GRAPH), "fp32") as reference:
        reference.refit(weights)
        expected = reference(**feed)
    limits = SAME_PRECISION if engines.precision == "fp32" else REDUCED_PRECISION
    found = engine(**feed)
    compare(
        GRAPH,
        engine.outputs,
        found,
        expected,
        form=f"refitted {engines.chosen.candidate.engine} {engines.precision}",
        reference_form="PyTorch",
        requests=1,
        garments=1,
        limits=limits,
    )
