"""Whether a reduced precision agrees with FP32 on this very machine: measured once, then remembered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..bundle.bundle import Bundle
from ..bundle.manifest import ParityRow
from ..bundle.parity import REDUCED_PRECISION, compare
from ..bundle.pipeline import Pipeline
from ..bundle.samples import read_samples, sample_requests
from ..data.errors import InputError
from ..data.optional import version_of
from .engine import BaseEngine
from .loading import Loading
from .onnxruntime_engine import OnnxRuntimeEngine
from .plan_key import processor
from .registry import Availability

CPU_SIZES = ((1, 1), (2, 2))
"""(N, M) of the gate on a CPU. The gates at export went to the largest sizes."""

_ROWS = TypeAdapter(tuple[ParityRow, ...])


def passed_rows(loading: Loading, engines: Mapping[str, BaseEngine], notes: list[str]) -> tuple[ParityRow, ...]:
    """Return the results of a passed gate, from the cache or by running it.

    On a CPU an engine that computes a graph in FP32 all the same is not compared.

    Parameters
    ----------
    loading
        What the engines are, and where results are kept.
    engines
        The bundle's engines by graph name.
    notes
        Gets a line when the result cannot be kept.

    Raises
    ------
    GateError
        When a graph misses its limit.
    """
    bundle, chosen, precision = loading.bundle, loading.chosen, loading.precision
    name = chosen.candidate.engine
    sizes = gate_sizes(bundle, chosen)
    graphs = gated_graphs(engines, chosen)
    basis = {
        "bundle": bundle.identity,
        "engine": [name, chosen.version, precision],
        "reference": version_of("onnxruntime"),
        "processor": chosen.hardware or processor(),
        "plans": [e.plan.path.stem for e in engines.values() if e.plan is not None and e.plan.path is not None],
        "sizes": sizes,
        "limits": asdict(REDUCED_PRECISION),
    }
    digest = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:16]
    path = loading.cache.root / f"gate-{name}-{precision}-{digest}.json"
    try:
        remembered = _ROWS.validate_json(path.read_bytes())
        if _covers_all(remembered, graphs, sizes) and all(row.passed for row in remembered):
            return remembered
    except (OSError, ValidationError):
        pass  # never measured here, or damaged: measured now
    if loading.on_progress is not None:
        loading.on_progress(f"gating {precision} against fp32")
    rows = tuple(run_gate(bundle, engines, f"{name} {precision}", graphs, sizes))
    try:
        loading.cache.store(path, _ROWS.dump_json(rows, indent=1))
    except (InputError, OSError) as error:
        notes.append(f"the gate runs again at every start: {error}")
    return rows


def gate_sizes(bundle: Bundle, chosen: Availability) -> tuple[tuple[int, int], ...]:
    """Return the (N, M) to gate. On a GPU every batch size, since kernels are chosen and compiled by shape there."""
    if chosen.candidate.device == "cpu":
        return CPU_SIZES
    requests, garments = bundle.manifest.max_requests, bundle.manifest.max_garments
    by_requests = [(n, 1) for n in range(1, requests + 1)]
    by_garments = [(1, m) for m in range(2, garments + 1)]
    return tuple(dict.fromkeys([*by_requests, *by_garments, (requests, garments)]))


def gated_graphs(engines: Mapping[str, BaseEngine], chosen: Availability) -> tuple[str, ...]:
    """Return the graphs to gate: all of them on a GPU, where what could be wrong is not the precision alone."""
    on_cpu = chosen.candidate.device == "cpu"
    return tuple(name for name, engine in engines.items() if not on_cpu or engine.precision != "fp32")


def run_gate(
    bundle: Bundle,
    engines: Mapping[str, BaseEngine],
    form: str,
    graphs: Collection[str],
    sizes: tuple[tuple[int, int], ...] = CPU_SIZES,
) -> list[ParityRow]:
    """Compare engines with ONNX Runtime in FP32 on the bundle's people, each fed the reference's tensors.

    Parameters
    ----------
    bundle, engines
        The bundle and its engines by graph name.
    form
        What the engines are, in words.
    graphs
        Which to compare; what the others give is taken as it is.
    sizes
        (N, M) of the requests.

    Raises
    ------
    GateError
        When one misses its limit.
    """
    manifest = bundle.manifest
    people = read_samples(bundle.sample_folders)
    pipeline = Pipeline(manifest.steps, engines)
    rows = []
    for requests, garments in sizes:
        values: dict[str, Any] = dict(sample_requests(people, manifest.height, manifest.width, requests, garments))
        for graph in manifest.graphs:
            feed = pipeline.feed(graph.name, values)
            if graph.name not in graphs:
                values.update(engines[graph.name](**feed))
                continue
            with OnnxRuntimeEngine(bundle, graph, "fp32") as reference_engine:
                reference = reference_engine(**feed)
            rows += compare(
                graph.name,
                graph.outputs,
                engines[graph.name](**feed),
                reference,
                form=form,
                reference_form="onnxruntime fp32",
                requests=requests,
                garments=garments,
                limits=REDUCED_PRECISION,
            )
            values.update(reference)
    return rows


def _covers_all(rows: tuple[ParityRow, ...], graphs: tuple[str, ...], sizes: tuple[tuple[int, int], ...]) -> bool:
    found = {(row.graph, row.requests, row.garments) for row in rows}
    return found == {(graph, n, m) for graph in graphs for n, m in sizes}
