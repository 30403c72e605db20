"""All engines of one bundle, chosen and loaded together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Any

from ..data.closeable import Closeable
from ..data.errors import GateError, InputError
from ..export.bundle import Bundle
from ..export.manifest import GraphEntry, ParityRow
from . import precision_gate
from .engine import BaseEngine, NumpyArray
from .onnxruntime_engine import OnnxRuntimeEngine
from .openvino_engine import OpenVinoEngine
from .plan_cache import Plan, PlanCache
from .registry import Availability, choose
from .torch_engine import TorchEngine

Progress = Callable[[str], None]
Stage = Callable[[str], AbstractContextManager[object]]


@dataclass
class EngineSet(Closeable):
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
                if candidate != "fp32":
                    loaded.gate = precision_gate.passed_rows(
                        bundle, engines, chosen, candidate, cache, notes, on_progress
                    )
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


def load_engine(
    bundle: Bundle, graph: str, engine: str, precision: str, *, cache: PlanCache | None = None
) -> BaseEngine:
    """Load one graph alone, as a process that serves only this graph does.

    Parameters
    ----------
    bundle, graph
        What.
    engine
        An engine's name.
    precision
        A precision that a whole `EngineSet` was gated for on this machine; it is not gated again.
    cache
        Where plans are kept.

    Raises
    ------
    InputError
        When the engine cannot run here or lacks the precision.
    """
    chosen, _ = choose(engine)
    (wanted,) = _precisions(chosen, precision)
    return _load_engine(bundle, bundle.manifest.graph(graph), chosen, wanted, cache or PlanCache())


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
