"""Making engines: the one place that knows each kind's constructor."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry
from ..data.errors import InputError
from .engine import BaseEngine
from .onnxruntime_engine import OnnxRuntimeEngine
from .openvino_engine import OpenVinoEngine
from .plan_cache import PlanCache
from .registry import Availability
from .tensorrt.flavour import FLAVOURS, Flavour
from .torch_engine import TorchEngine
from .torch_tensorrt_engine import TorchTensorRtEngine

if TYPE_CHECKING:
    from .tensorrt.options import BuildOptions
    from .tensorrt.plan import OnMismatch

Progress = Callable[[str], None]

THREADED = ("openvino", "onnxruntime")
"""The engines whose number of threads can be chosen."""


@dataclass(frozen=True)
class Loading:
    """Loads a bundle's graphs on the chosen engine.

    Parameters
    ----------
    bundle, chosen, precision
        What is loaded, and on what.
    cache
        Where plans are kept.
    on_progress
        Called with what is being loaded.
    build_options, on_mismatch, threads
        See `EngineSet.load`.
    """

    bundle: Bundle
    chosen: Availability
    precision: str
    cache: PlanCache
    on_progress: Progress | None = None
    build_options: BuildOptions | None = None
    on_mismatch: OnMismatch = "rebuild"
    threads: int | None = None

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
        if self.threads is not None and candidate.engine not in THREADED:
            allowed = " and ".join(THREADED)
            raise InputError(f"threads: {self.threads} given, but {candidate.label} takes none; allowed: {allowed}")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"threads: {self.threads} given; allowed: at least 1")
        if candidate.engine in FLAVOURS:
            return self._tensorrt_maker(FLAVOURS[candidate.engine])
        if self.build_options is not None:
            raise InputError(f"build options are for {' and '.join(FLAVOURS)}, not for {candidate.engine}")
        if candidate.engine == "openvino":
            return lambda graph: OpenVinoEngine(
                bundle, graph, _precision_of(graph, precision), self.cache, self.threads
            )
        if candidate.engine in ("torch", "torch-compile"):
            compiled = candidate.engine == "torch-compile"
            return lambda graph: TorchEngine(bundle, graph, precision, candidate.device, compiled=compiled)
        if candidate.engine == "torch-tensorrt":
            return lambda graph: TorchTensorRtEngine(bundle, graph, precision, self.cache)
        return lambda graph: OnnxRuntimeEngine(bundle, graph, precision, self.threads)

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


def _precision_of(graph: GraphEntry, precision: str) -> str:
    """Return FP32 for a graph that is not to be rounded to INT8."""
    return "fp32" if precision == "int8" and not graph.activation_ranges else precision
