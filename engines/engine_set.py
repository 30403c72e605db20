"""All engines of one bundle, chosen, compiled and gated together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from ..data.errors import GateError, InputError
from ..data.optional import version_of
from ..export.bundle import Bundle
from ..export.manifest import GRAPH_NAMES, GraphEntry, ParityRow
from ..export.parity import REDUCED_PRECISION, compare
from ..export.samples import read_samples, sample_requests
from .engine import BaseEngine, NumpyArray
from .onnxruntime_engine import OnnxRuntimeEngine
from .openvino_engine import OpenVinoEngine
from .plan_cache import Plan, PlanCache, processor
from .registry import Availability, choose
from .torch_engine import TorchEngine

_ROWS = TypeAdapter(tuple[ParityRow, ...])

GATE_SIZES = ((1, 1), (2, 2))
"""(N, M) at which a reduced precision is gated on this machine. The export gates went to the largest sizes."""

Progress = Callable[[str], None]
Stage = Callable[[str], AbstractContextManager[object]]


@dataclass
class EngineSet:
    """Every graph of a bundle on one engine.

    Parameters
    ----------
    bundle
        The bundle.
    engines
        Engines by graph name.
    chosen
        The engine that was chosen.
    precision
        Its precision.
    passed_over
        Better candidates that cannot run here.
    notes
        What a user should know: a refused precision and why.
    gate
        Results of the precision gate on this machine; empty for FP32.
    """

    bundle: Bundle
    engines: dict[str, BaseEngine]
    chosen: Availability
    precision: str
    passed_over: tuple[Availability, ...] = ()
    notes: list[str] = field(default_factory=list)
    gate: tuple[ParityRow, ...] = ()

    @classmethod
    def load(
        cls,
        bundle: Bundle,
        engine: str = "auto",
        precision: str = "auto",
        *,
        cache: PlanCache | None = None,
        on_progress: Progress | None = None,
    ) -> EngineSet:
        """Load every graph.

        Parameters
        ----------
        bundle
            A verified bundle.
        engine
            ``"auto"``, or an engine's name.
        precision
            ``"auto"``: the engine's fastest on this machine that passes its gate. Otherwise that one or an error.
        cache
            Where plans and gate results are kept.
        on_progress
            Called with what is being loaded.

        Raises
        ------
        InputError
            When the engine or precision is unknown or cannot run here.
        GateError
            When a precision asked for by name fails its gate.
        """
        cache = cache or PlanCache()
        chosen, passed_over = choose(engine)
        notes: list[str] = []
        wanted = _precisions(chosen, precision)
        for index, candidate in enumerate(wanted):
            engines = _load_engines(bundle, chosen, candidate, cache, on_progress)
            loaded = cls(bundle, engines, chosen, candidate, passed_over, notes)
            plans = [plan for e in engines.values() if isinstance(plan := getattr(e, "plan", None), Plan)]
            notes += sorted({f"plans are not kept: {plan.not_kept}" for plan in plans if plan.not_kept})
            try:
                loaded.gate = loaded._gated(cache, on_progress)
            except GateError as error:
                loaded.close()
                if index == len(wanted) - 1:
                    raise
                notes.append(f"{candidate} was refused on this machine: {error}; using {wanted[index + 1]}")
                continue
            return loaded
        raise AssertionError("an engine always has a precision")

    def __getitem__(self, graph: str) -> BaseEngine:
        """Return the engine of a graph."""
        return self.engines[graph]

    def close(self) -> None:
        """Close every engine."""
        for engine in self.engines.values():
            engine.close()

    def __enter__(self) -> Self:
        """Return the set itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every engine."""
        self.close()

    def run(self, requests: Mapping[str, NumpyArray], stage: Stage = nullcontext) -> dict[str, NumpyArray]:
        """Run all graphs in order.

        Parameters
        ----------
        requests
            The five graphs' outer inputs, batch first.
        stage
            Called with each graph's name; the graph runs inside the context that it returns.

        Returns
        -------
        dict
            Inputs, intermediate tensors and results by name.
        """
        values: dict[str, Any] = dict(requests)
        for name, engine in self.engines.items():
            with stage(name):
                values.update(engine(**{spec.name: values[spec.name] for spec in engine.inputs}))
        return values

    def _gated(self, cache: PlanCache, on_progress: Progress | None) -> tuple[ParityRow, ...]:
        """Gate a reduced precision on this machine; the result is kept under everything it depends on."""
        if self.precision == "fp32":
            return ()
        basis = {
            "bundle": self.bundle.identity,
            "engine": [self.chosen.candidate.engine, self.chosen.version, self.precision],
            "reference": version_of("onnxruntime"),
            "processor": processor(),
            "sizes": GATE_SIZES,
            "limits": asdict(REDUCED_PRECISION),
        }
        digest = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:16]
        path = cache.root / f"gate-{self.chosen.candidate.engine}-{self.precision}-{digest}.json"
        try:
            rows = _ROWS.validate_json(path.read_bytes())
            if _covers_all(rows) and all(row.passed for row in rows):
                return rows
        except (OSError, ValidationError):
            pass
        if on_progress is not None:
            on_progress(f"gating {self.precision} against fp32")
        rows = tuple(gate(self))
        try:
            cache.store(path, _ROWS.dump_json(rows, indent=1))
        except (InputError, OSError) as error:
            self.notes.append(f"the gate runs again at every start: {error}")
        return rows


def _covers_all(rows: tuple[ParityRow, ...]) -> bool:
    found = {(row.graph, row.requests, row.garments) for row in rows}
    return found == {(graph, n, m) for graph in GRAPH_NAMES for n, m in GATE_SIZES}


def gate(engines: EngineSet) -> list[ParityRow]:
    """Compare every engine with ONNX Runtime in FP32, on the bundle's samples, each fed the reference's tensors.

    Raises
    ------
    GateError
        When one misses its limit.
    """
    manifest = engines.bundle.manifest
    people = read_samples(engines.bundle.sample_folders)
    rows = []
    for requests, garments in GATE_SIZES:
        values: dict[str, Any] = dict(sample_requests(people, manifest.height, manifest.width, requests, garments))
        for graph in manifest.graphs:
            feed = {spec.name: values[spec.name] for spec in graph.inputs}
            with OnnxRuntimeEngine(engines.bundle, graph, "fp32") as reference_engine:
                reference = reference_engine(**feed)
            rows += compare(
                graph.name,
                graph.outputs,
                engines[graph.name](**feed),
                reference,
                form=f"{engines.chosen.candidate.engine} {engines.precision}",
                reference_form="onnxruntime fp32",
                requests=requests,
                garments=garments,
                limits=REDUCED_PRECISION,
            )
            values.update(reference)
    return rows


def _precisions(chosen: Availability, precision: str) -> tuple[str, ...]:
    if precision == "auto":
        # FP16 on a CPU engine is for checking; it is never chosen by itself.
        return tuple(p for p in chosen.precisions if p != "fp16" or chosen.candidate.device != "cpu")
    if precision not in chosen.precisions:
        raise InputError(
            f"{chosen.candidate.label} has no precision {precision!r} on this machine; "
            f"allowed: auto, {', '.join(chosen.precisions)}"
        )
    return (precision,)


def _load_engines(
    bundle: Bundle, chosen: Availability, precision: str, cache: PlanCache, on_progress: Progress | None
) -> dict[str, BaseEngine]:
    with ExitStack() as loaded:  # closes the others when one cannot be loaded
        engines: dict[str, BaseEngine] = {}
        for graph in bundle.manifest.graphs:
            if on_progress is not None:
                on_progress(f"loading {graph.name}")
            engines[graph.name] = loaded.enter_context(_load_engine(bundle, graph, chosen, precision, cache))
        loaded.pop_all()
    return engines


def _load_engine(
    bundle: Bundle, graph: GraphEntry, chosen: Availability, precision: str, cache: PlanCache
) -> BaseEngine:
    candidate = chosen.candidate
    if candidate.engine == "openvino":
        return OpenVinoEngine(bundle, graph, precision, cache)
    if candidate.engine == "torch":
        return TorchEngine(bundle, graph, precision, candidate.device)
    return OnnxRuntimeEngine(bundle, graph, precision)
