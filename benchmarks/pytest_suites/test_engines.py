"""Each graph and the whole try-on on every engine that runs here."""

from __future__ import annotations

import pytest

from oviton.benchmarks.suites.try_on import GARMENTS, whole
from oviton.bundle.families import O_VITON
from oviton.engines.registry import survey

CASES = [
    pytest.param(each.candidate.engine, precision, id=f"{each.candidate.engine}-{precision}")
    for each in survey()
    if each.reason is None
    for precision in each.precisions
]


def _loaded(bench, bundle, engine, precision):
    tryon = bench.load(bundle, engine, precision)
    if tryon is None:
        pytest.skip(str(bench.skipped))
    return tryon


@pytest.mark.parametrize(("engine", "precision"), CASES)
def test_try_on(benchmark, bench, bundle, engine, precision):
    """The whole, from arrays to arrays."""
    run = whole(_loaded(bench, bundle, engine, precision), *bench.outfit(bundle, GARMENTS))
    assert benchmark.pedantic(run, rounds=10, warmup_rounds=2)


@pytest.mark.parametrize("graph", O_VITON.graphs)
@pytest.mark.parametrize(("engine", "precision"), CASES)
def test_graph(benchmark, bench, bundle, engine, precision, graph):
    """One graph, fed what the graphs before it made."""
    tryon = _loaded(bench, bundle, engine, precision)
    values = tryon.engines.run(bench.arrays(bundle, 1, GARMENTS))
    inputs = tryon.engines.pipeline.feed(graph, values)
    assert benchmark.pedantic(tryon.engines[graph], kwargs=inputs, rounds=10, warmup_rounds=2)
