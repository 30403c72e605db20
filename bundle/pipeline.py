"""The pipeline: from a request's arrays to its picture, graph by graph. The one loop over graphs that there is.

It runs anything that is called as an engine is, so in-process try-ons, Triton's models, evaluation and gates all dress
people by the same steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from .families import Arrays, Family
from .manifest import TensorSpec

Stage = Callable[[str], AbstractContextManager[object]]
"""Called with a graph's name; the graph runs inside the context that it returns."""


class Runnable(Protocol):
    """A graph that can be called, such as an engine."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The tensors that it takes."""

    def __call__(self, **inputs: Any) -> Mapping[str, Any]:
        """Return its outputs by name."""


@dataclass(frozen=True)
class Pipeline:
    """A family's graphs, ready to run.

    Parameters
    ----------
    family
        What is run, and in which order.
    graphs
        The runnable graphs by name. Those that no call asks for may be missing.

    Examples
    --------
    >>> from oviton.bundle.families import O_VITON
    >>> from oviton.bundle.samples import read_samples, sample_requests
    >>> from oviton.engines.engine_set import EngineSet
    >>> bundle = Bundle.open()
    >>> requests = sample_requests(read_samples(bundle.sample_folders), 256, 128, requests=1, garments=2)
    >>> with EngineSet.load(bundle, "onnxruntime") as engines:
    ...     values = Pipeline(O_VITON, engines.engines).run(requests)
    >>> values["image"].shape, values["labels"].shape
    ((1, 256, 128, 3), (1, 256, 128))
    """

    family: Family
    graphs: Mapping[str, Runnable]

    def run(
        self, values: Mapping[str, Any], graphs: Iterable[str] | None = None, stage: Stage = nullcontext
    ) -> dict[str, Any]:
        """Run graphs one after the other.

        Parameters
        ----------
        values
            Every tensor by name, batch first, that the graphs need and do not make themselves.
        graphs
            The graphs to run, in order. Default: all of the family's.
        stage
            A context manager for each graph's run, made of the graph's name. Default: none.

        Returns
        -------
        dict
            What was given, and every tensor that the graphs made.
        """
        known: dict[str, Any] = dict(values)
        for name in self.family.graphs if graphs is None else graphs:
            with stage(name):
                known.update(self.graphs[name](**self.feed(name, known)))
        return known

    def feed(self, graph: str, values: Mapping[str, Any]) -> Arrays:
        """Return a graph's inputs, of all tensors that are known; host steps before it have been taken."""
        step = self.family.before.get(graph)
        known = {**values, **step(values)} if step is not None else values
        return {spec.name: known[spec.name] for spec in self.graphs[graph].inputs}
