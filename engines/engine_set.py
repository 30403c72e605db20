"""All engines of one bundle, chosen and loaded together."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..bundle.bundle import Bundle
from ..bundle.manifest import ParityRow
from ..bundle.pipeline import Pipeline, Stage
from ..data.closeable import Closeable
from ..data.errors import EngineError, GateError, InputError
from . import precision_gate
from .engine import BaseEngine
from .input_checks import NumpyArray
from .loading import EngineOptions, Loading, Progress
from .plan_cache import PlanCache
from .registry import Availability, choose

if TYPE_CHECKING:
    from .tensorrt.options import BuildOptions
    from .tensorrt.plan import OnMismatch


@dataclass
class EngineSet(Closeable):
    """Every graph of a bundle on one engine.

    Parameters
    ----------
    loading
        How the engines were loaded, so that another of the same kind can be.
    engines
        Engines by graph name.
    passed_over
        Better candidates that cannot run here.
    notes
        What a user should know: a refused precision and why.
    gate
        Results of the precision gate on this machine; empty for FP32 on a CPU.
    """

    loading: Loading = field(repr=False)
    engines: dict[str, BaseEngine]
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
        threads: int | None = None,
    ) -> EngineSet:
        """Load every graph.

        Parameters
        ----------
        bundle
            A verified bundle.
        engine
            ``"auto"``, or an engine's name. Default: ``"auto"``.
        precision
            ``"auto"``: the engine's fastest on this machine that passes its gate. Otherwise that one or an error.
            Default: ``"auto"``.
        cache
            Where plans and gate results are kept. Default: the user's cache folder.
        on_progress
            Called with what is being loaded. Default: nothing is called.
        build_options
            How TensorRT plans are built; for `tensorrt` and `tensorrt-rtx` only. Default: those of `BuildOptions`.
        on_mismatch
            What to do when no stored TensorRT plan fits: build one, or refuse and say why none does. Default: build.
        threads
            How many CPU threads a graph runs on, for `openvino` and `onnxruntime`; another number rounds some sums
            differently, so that results differ in their last bits. Default: None, all cores.

        Raises
        ------
        InputError
            When the engine or precision is unknown, or the engine lacks the precision.
        GateError
            When an engine or precision asked for by name fails its gate.
        EngineError
            When an engine asked for by name cannot run here or fails, or none runs here.

        Examples
        --------
        >>> with EngineSet.load(Bundle.open(), "onnxruntime") as engines:
        ...     [tensor.name for tensor in engines["shape_encoder"].outputs]
        ['shape_codes']
        """
        options = EngineOptions(engine, precision, threads, build_options, on_mismatch)
        cache = cache or PlanCache()
        failed: list[Availability] = []
        while True:
            chosen, passed_over = choose(engine, failed)
            loading = Loading(bundle, chosen, "", cache, options, on_progress)
            try:
                loaded = _load_first_that_passes(loading, passed_over)
            except (GateError, EngineError) as error:
                # What was asked for by name is an error; ``auto`` goes on to the next engine, and reports why.
                if engine != "auto" or precision != "auto":
                    raise
                failed.append(replace(chosen, reason=str(error)))
            else:
                # Libraries that are not installed, or have no GPU here, are no surprise; `EngineReport` lists them.
                surprises = [a for a in passed_over if a in failed or a.candidate.extra is None]
                loaded.notes[:0] = [f"{a.candidate.label} is not used: {a.reason}" for a in surprises]
                return loaded

    def __getitem__(self, graph: str) -> BaseEngine:
        """Return the engine of a graph."""
        return self.engines[graph]

    def load_another(self, graph: str) -> BaseEngine:
        """Load one more engine of a graph, of the same kind and with the bundle's own weights; the caller closes it."""
        return self.loading.load(graph)

    @property
    def bundle(self) -> Bundle:
        """The bundle."""
        return self.loading.bundle

    @property
    def chosen(self) -> Availability:
        """The engine that was chosen."""
        return self.loading.chosen

    @property
    def precision(self) -> str:
        """The engine's precision."""
        return self.loading.precision

    @property
    def precisions(self) -> dict[str, str]:
        """Each graph's precision: with INT8, graphs that are not calibrated for it stay FP32."""
        return {name: engine.precision for name, engine in self.engines.items()}

    @property
    def pipeline(self) -> Pipeline:
        """The graphs in the order in which a request runs through them."""
        return Pipeline(self.bundle.manifest.steps, self.engines)

    def close(self) -> None:
        """Close every engine."""
        for engine in self.engines.values():
            engine.close()

    def run(self, requests: Mapping[str, NumpyArray], stage: Stage = nullcontext) -> dict[str, NumpyArray]:
        """Run all graphs in order.

        Parameters
        ----------
        requests
            The graphs' outer inputs, batch first.
        stage
            Called with each graph's name; the graph runs inside the context that it returns.

        Returns
        -------
        dict
            Inputs, intermediate tensors and results by name.
        """
        return self.pipeline.run(requests, stage=stage)


def _load_first_that_passes(loading: Loading, passed_over: tuple[Availability, ...]) -> EngineSet:
    """Load the first precision that passes its gate; when none does, raise the last one's `GateError`."""
    notes: list[str] = []
    precisions = _precisions(loading.chosen, loading.options.precision, loading.bundle)
    for index, precision in enumerate(precisions):
        try:
            return _load_gated(replace(loading, precision=precision), passed_over, notes)
        except GateError as error:
            if index == len(precisions) - 1:
                raise
            notes.append(f"{precision} was refused on this machine: {error}; using {precisions[index + 1]}")
    raise AssertionError("an engine always has a precision")


def _load_gated(loading: Loading, passed_over: tuple[Availability, ...], notes: list[str]) -> EngineSet:
    with ExitStack() as closing:  # closes what was loaded, whatever is raised
        loaded = EngineSet(loading, loading.load_all(), passed_over, notes)
        closing.callback(loaded.close)
        engines = loaded.engines.values()
        notes += [note for engine in engines for note in engine.notes]
        unkept = {engine.plan.not_kept for engine in engines if engine.plan is not None and engine.plan.not_kept}
        notes += sorted(f"plans are not kept: {reason}" for reason in unkept)
        # On a GPU FP32 is gated too: what could be wrong there is not the precision alone.
        if loading.precision != "fp32" or loading.chosen.candidate.device == "cuda":
            loaded.gate = precision_gate.passed_rows(loading, loaded.engines, notes)
        closing.pop_all()
    return loaded


def load_engine(
    bundle: Bundle,
    graph: str,
    engine: str,
    precision: str,
    *,
    cache: PlanCache | None = None,
    threads: int | None = None,
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
        Where plans are kept. Default: the user's cache folder.
    threads
        See `EngineSet.load`.

    Raises
    ------
    InputError
        When the engine is unknown, lacks the precision or takes no number of threads.
    EngineError
        When the engine cannot run here.
    """
    chosen, _ = choose(engine)
    (wanted,) = _precisions(chosen, precision, bundle)
    return Loading(bundle, chosen, wanted, cache or PlanCache(), EngineOptions(threads=threads)).load(graph)


def _precisions(chosen: Availability, precision: str, bundle: Bundle) -> tuple[str, ...]:
    calibrated = any(graph.activation_ranges for graph in bundle.manifest.graphs)
    allowed = tuple(p for p in chosen.precisions if p != "int8" or calibrated)
    if precision == "auto":
        # FP16 on a CPU engine is for checking; it is never chosen by itself.
        return tuple(p for p in allowed if p != "fp16" or chosen.candidate.device != "cpu")
    if precision not in allowed:
        if precision in chosen.precisions:
            lack = f"{bundle.path} was not calibrated for {precision}; export it again"
        else:
            lack = f"{chosen.candidate.label} has no precision {precision!r} on this machine"
        raise InputError(f"{lack}; allowed: auto, {', '.join(allowed)}")
    return (precision,)
