"""All engines of one bundle, chosen and loaded together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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
from .tensorrt.flavour import FLAVOURS, Flavour
from .torch_engine import TorchEngine
from .torch_tensorrt_engine import TorchTensorRtEngine

if TYPE_CHECKING:
    from .tensorrt.engine import OnMismatch
    from .tensorrt.options import BuildOptions

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
        build_options: BuildOptions | None = None,
        on_mismatch: OnMismatch = "rebuild",
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
        build_options
            How TensorRT plans are built; for `tensorrt` and `tensorrt-rtx` only.
        on_mismatch
            What to do when no stored TensorRT plan fits: build one, or refuse and say why none does.

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
            loading = _Loading(bundle, chosen, candidate, cache, on_progress, build_options, on_mismatch)
            engines = loading.load_all()
            loaded = cls(bundle, engines, chosen, candidate, passed_over, notes)
            plans = [plan for e in engines.values() if isinstance(plan := getattr(e, "plan", None), Plan)]
            notes += [note for e in engines.values() for note in getattr(e, "notes", ())]
            notes += sorted({f"plans are not kept: {plan.not_kept}" for plan in plans if plan.not_kept})
            try:
                # On a GPU FP32 is gated too: what could be wrong there is not the precision alone.
                if candidate != "fp32" or chosen.candidate.device == "cuda":
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
    return _Loading(bundle, chosen, wanted, cache or PlanCache()).load(graph)


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


@dataclass(frozen=True)
class _Loading:
    """Loads every graph of a bundle on the chosen engine."""

    bundle: Bundle
    chosen: Availability
    precision: str
    cache: PlanCache
    on_progress: Progress | None = None
    build_options: BuildOptions | None = None
    on_mismatch: OnMismatch = "rebuild"

    def load(self, graph: str) -> BaseEngine:
        """Load one engine."""
        return self._maker()(self.bundle.manifest.graph(graph))

    def load_all(self) -> dict[str, BaseEngine]:
        """Load the engines; when one cannot be loaded, the others are closed."""
        make = self._maker()
        with ExitStack() as loaded:
            engines: dict[str, BaseEngine] = {}
            for graph in self.bundle.manifest.graphs:
                if self.on_progress is not None:
                    self.on_progress(f"loading {graph.name}")
                engines[graph.name] = loaded.enter_context(make(graph))
            loaded.pop_all()
        return engines

    def _maker(self) -> Callable[[GraphEntry], BaseEngine]:
        bundle, precision, candidate = self.bundle, self.precision, self.chosen.candidate
        if candidate.engine in FLAVOURS:
            return self._tensorrt_maker(FLAVOURS[candidate.engine])
        if self.build_options is not None:
            raise InputError(f"build options are for {' and '.join(FLAVOURS)}, not for {candidate.engine}")
        if candidate.engine == "openvino":
            return lambda graph: OpenVinoEngine(bundle, graph, precision, self.cache)
        if candidate.engine in ("torch", "torch-compile"):
            compiled = candidate.engine == "torch-compile"
            return lambda graph: TorchEngine(bundle, graph, precision, candidate.device, compiled=compiled)
        if candidate.engine == "torch-tensorrt":
            return lambda graph: TorchTensorRtEngine(bundle, graph, precision, self.cache)
        return lambda graph: OnnxRuntimeEngine(bundle, graph, precision)

    def _tensorrt_maker(self, flavour: Flavour) -> Callable[[GraphEntry], BaseEngine]:
        from .tensorrt.engine import TensorRtEngine
        from .tensorrt.memory import DeviceSession

        session = DeviceSession(flavour.gpu())

        def tell(graph: str, what: str, share: float) -> None:
            if self.on_progress is not None:
                self.on_progress(f"building {graph}: {what.lower()} ({share:.0%})")

        return lambda graph: TensorRtEngine(
            self.bundle,
            graph,
            self.precision,
            flavour,
            session,
            self.cache,
            self.build_options,
            self.on_mismatch,
            tell,
        )
