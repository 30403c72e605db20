"""The engine protocol, and the base class that does what every engine needs: checks, array kinds, refit rules."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from safetensors.numpy import load_file

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry, TensorSpec
from ..data.closeable import Closeable
from ..data.errors import ClosedError, InputError
from ..data.optional import require
from .input_checks import Array, NumpyArray, array_library, as_fp16, check_shapes, check_values

if TYPE_CHECKING:
    from .loading import Loading
    from .plan_cache import Plan
    from .registry import EngineSpec


class Engine(Protocol):
    """One graph, ready to run."""

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def __call__(self, **inputs: Array) -> dict[str, Array]:
        """Run the graph; NumPy or DLPack in, the same kind out."""

    def refit(self, weights: Mapping[str, NumpyArray]) -> None:
        """Replace weights, by PyTorch parameter name."""

    def close(self) -> None:
        """Release what the engine holds."""

    def __enter__(self) -> Self:
        """Return the engine itself."""

    def __exit__(self, *error: object) -> None:
        """Close the engine."""


class BaseEngine(Closeable):
    """An engine over one graph of a bundle.

    Subclasses implement `_load` and `_run`, and are registered with `registry.register`. One with a constructor sets
    its own attributes first, since this one loads the network. A loaded network is never changed: a refit loads
    another, which takes its place, so that a call in another thread sees the old weights or the new, never a mixture.
    An engine that changes its network in place needs a lock of its own.

    Parameters
    ----------
    bundle
        A verified bundle.
    graph
        The graph to run.
    precision
        One of those that the engine is registered with.

    Attributes
    ----------
    plan
        The compiled plan that the engine was loaded from, without its bytes; None for an engine that keeps none.
    notes
        What a user should know about this engine, a sentence each.
    """

    specs: ClassVar[tuple[EngineSpec, ...]]
    """What the class is registered as: one for each device."""

    def __init__(self, bundle: Bundle, graph: GraphEntry, precision: str) -> None:
        allowed = dict.fromkeys(p for spec in self.specs for p in spec.precisions)
        if precision not in allowed:
            raise InputError(f"engine {self.kind} has no precision {precision!r}; allowed: {', '.join(allowed)}")
        self.bundle, self.graph, self.precision = bundle, graph, precision
        self.name, self.inputs, self.outputs = graph.name, graph.inputs, graph.outputs
        self.plan: Plan | None = None
        self.notes: list[str] = []
        self._limits = {"N": bundle.manifest.max_requests, "M": bundle.manifest.max_garments}
        self._changing = threading.Lock()
        self._network = self._load(None)

    @property
    def kind(self) -> str:
        """The engine's name on the command line."""
        return self.specs[0].engine

    @classmethod
    def hardware(cls, spec: EngineSpec) -> str:
        """Describe the device that the engine would run on, where that is not the processor.

        Raises
        ------
        InputError
            Why it cannot be used.
        """
        del spec
        return ""

    @classmethod
    def probe(cls, spec: EngineSpec) -> tuple[str, ...]:
        """Return the precisions that this machine has for the engine, the fastest first.

        Raises
        ------
        InputError
            Why the engine cannot run here.
        """
        require(spec.module, extra=spec.extra, purpose=f"the {spec.engine} engine")
        return spec.precisions

    @classmethod
    def loader(cls, loading: Loading) -> Callable[[GraphEntry], BaseEngine]:
        """Return what makes the engine of a graph; called once for all graphs that share something."""
        return lambda graph: cls(loading.bundle, graph, loading.precision)

    def __call__(self, **inputs: Array) -> dict[str, Array]:
        """Run the graph.

        Parameters
        ----------
        **inputs
            Every input of the graph by name; all NumPy arrays, or all of one DLPack library.

        Returns
        -------
        dict
            Every output by name, as the same kind of array.

        Raises
        ------
        InputError
            When a name, dtype, shape or value does not fit.
        ClosedError
            When the engine was closed.
        """
        network = self._open_network()
        where = f"engine {self.name}"
        sizes = check_shapes(where, inputs, self.inputs, self._limits)
        library = array_library(inputs)
        like = inputs[self.inputs[0].name]
        native = {name: self._import(array) for name, array in inputs.items()}
        check_values(f"{where}: ", native, sizes.get("M", self._limits["M"]))
        outputs = self._run(network, native)
        return {name: self._export(array, library, like) for name, array in outputs.items()}

    def refit(self, weights: Mapping[str, NumpyArray]) -> None:
        """Load the bundle's weights anew, with some replaced.

        Every refit starts from the bundle's own weights, so nothing of an earlier refit stays behind; an empty mapping
        resets the engine. Weights are rounded to FP16, as the bundle's are, so that all engines hold the same numbers.

        Parameters
        ----------
        weights
            Arrays by PyTorch parameter name.

        Raises
        ------
        InputError
            When a name is no parameter of this graph, a shape differs, a value does not fit FP16, or the engine takes
            no other weights.
        ClosedError
            When the engine was closed.
        """
        self._open_network()
        if not self.specs[0].refits:
            raise InputError(f"engine {self.kind} takes no weights but the bundle's; choose another engine")
        own: dict[str, NumpyArray] = {}
        if self.graph.parameters:
            self.bundle.verify(self.graph.files["weights"])
            own = load_file(self.bundle.graph_file(self.graph, "weights"))
        unknown = sorted(weights.keys() - own.keys())
        if unknown:
            raise InputError(
                f"refit of {self.name}: {unknown[0]!r} is none of its {len(own)} parameters"
                + (f", for example {next(iter(own))!r}" if own else "")
            )
        for name, value in weights.items():
            own[name] = self._take_weight(value, own[name].shape, f"refit of {self.name}: {name}")
        with self._changing:
            self._open_network()
            self._network = self._load(own)

    def close(self) -> None:
        """Release what the engine holds; it cannot run afterwards."""
        with self._changing:
            self._network = None
            self._release()

    @abstractmethod
    def _load(self, weights: dict[str, NumpyArray] | None) -> Any:
        """Return a network, ready to run, with the bundle's weights (None), or with all weights given, in FP16."""

    @abstractmethod
    def _run(self, network: Any, inputs: dict[str, Array]) -> dict[str, Array]:
        """Run what `_load` returned on checked native arrays."""

    def _release(self) -> None:
        """Give back what is not freed by forgetting the network."""

    def _import(self, array: Array) -> Array:
        """Turn an input into the engine's native array: for engines on the CPU, NumPy without a copy."""
        if isinstance(array, np.ndarray):
            return np.ascontiguousarray(array)
        return np.ascontiguousarray(np.from_dlpack(array.detach() if hasattr(array, "detach") else array))

    def _export(self, array: Array, library: Any | None, like: Array) -> Array:
        """Turn a native output into the caller's kind of array, on the device of the input `like`."""
        del like  # this engine and its callers share the host's memory
        return array if library is None else library.from_dlpack(array)

    def _take_weight(self, value: Any, shape: tuple[int, ...], name: str) -> Any:
        """Check a weight for a refit and round it to FP16."""
        return as_fp16(value, shape, name)

    def _open_network(self) -> Any:
        network = self._network
        if network is None:
            raise ClosedError(f"engine {self.name} is closed; load it again")
        return network
