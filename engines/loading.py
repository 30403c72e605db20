"""What an engine set is loaded with, and how the engine of each graph is made."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry
from ..data.errors import InputError
from ..data.parallel import in_parallel
from .engine import BaseEngine
from .plan_cache import PlanCache
from .registry import Availability, EngineSpec, class_of, specs

if TYPE_CHECKING:
    from .tensorrt.options import BuildOptions
    from .tensorrt.plan import OnMismatch

Progress = Callable[[str], None]


@dataclass(frozen=True)
class EngineOptions:
    """How engines are chosen and made; see `EngineSet.load`."""

    engine: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    build_options: BuildOptions | None = None
    on_mismatch: OnMismatch = "rebuild"


@dataclass(frozen=True)
class Loading:
    """Loads a bundle's graphs on the chosen engine.

    Parameters
    ----------
    bundle, chosen, precision
        What is loaded, and on what.
    cache
        Where plans are kept.
    options
        What was asked for. Default: the defaults of `EngineOptions`.
    on_progress
        Called with what is being loaded. Default: nothing is called.
    """

    bundle: Bundle
    chosen: Availability
    precision: str
    cache: PlanCache
    options: EngineOptions = field(default_factory=EngineOptions)
    on_progress: Progress | None = None

    def load(self, graph: str) -> BaseEngine:
        """Load one engine."""
        return self._loader()(self.bundle.manifest.graph(graph))

    def load_all(self) -> dict[str, BaseEngine]:
        """Load the engines; when one cannot be loaded, the others are closed."""
        make, graphs = self._loader(), self.bundle.manifest.graphs
        with ExitStack() as loaded:
            tasks = [partial(self._told, graph, lambda graph: loaded.enter_context(make(graph))) for graph in graphs]
            engines = in_parallel(*tasks) if self.chosen.candidate.parallel else [task() for task in tasks]
            loaded.pop_all()
        return {graph.name: engine for graph, engine in zip(graphs, engines, strict=True)}

    def _told(self, graph: GraphEntry, make: Callable[[GraphEntry], BaseEngine]) -> BaseEngine:
        if self.on_progress is not None:
            self.on_progress(f"loading {graph.name}")
        return make(graph)

    def _loader(self) -> Callable[[GraphEntry], BaseEngine]:
        spec, threads = self.chosen.candidate, self.options.threads
        if threads is not None and not spec.threads:
            allowed = _names(lambda each: each.threads)
            raise InputError(f"threads: {threads} given, but {spec.label} takes none; allowed: {allowed}")
        if threads is not None and threads < 1:
            raise InputError(f"threads: {threads} given; allowed: at least 1")
        if self.options.build_options is not None and not spec.build_options:
            allowed = _names(lambda each: each.build_options)
            raise InputError(f"build options are for {allowed}, not for {spec.engine}")
        return class_of(spec).loader(self)


def _names(has: Callable[[EngineSpec], bool]) -> str:
    return " and ".join(dict.fromkeys(spec.engine for spec in specs() if has(spec)))
