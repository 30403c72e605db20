"""The engine protocol, and the base class that does what every engine needs: checks, array kinds, refit rules."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from ..data.errors import InputError
from ..export.bundle import Bundle
from ..export.manifest import GraphEntry, TensorSpec

Array = Any
"""A NumPy array, or any array with DLPack (`__dlpack__`): torch, CuPy, JAX."""

NumpyArray = npt.NDArray[Any]


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


class BaseEngine(ABC):
    """An engine over one graph of a bundle.

    Subclasses implement `_run` and `_load`; every engine is loaded from the bundle's own files.

    Parameters
    ----------
    bundle
        A verified bundle.
    graph
        The graph to run.
    precision
        One of the class's `precisions`.
    """

    kind: str
    precisions: tuple[str, ...]

    def __init__(self, bundle: Bundle, graph: GraphEntry, precision: str) -> None:
        self.bundle, self.graph, self.precision = bundle, graph, precision
        self.name, self.inputs, self.outputs = graph.name, graph.inputs, graph.outputs
        self._limits = {"N": bundle.manifest.max_requests, "M": bundle.manifest.max_garments}
        self._closed = False

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
            When a name, dtype or shape does not fit.
        """
        if self._closed:
            raise InputError(f"engine {self.name} is closed; load it again")
        self._check(inputs)
        kind = _array_library(inputs)
        outputs = self._run({name: self._import(array) for name, array in inputs.items()})
        return {name: self._export(array, kind) for name, array in outputs.items()}

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
            When a name is no parameter of this graph, a shape differs, or a value does not fit FP16.
        """
        from safetensors.numpy import load_file

        own = load_file(self.bundle.graph_file(self.graph, "weights")) if self.graph.parameters else {}
        unknown = sorted(weights.keys() - own.keys())
        if unknown:
            raise InputError(
                f"refit of {self.name}: {unknown[0]!r} is none of its {len(own)} parameters"
                + (f", for example {next(iter(own))!r}" if own else "")
            )
        for name, value in weights.items():
            if value.shape != own[name].shape:
                raise InputError(
                    f"refit of {self.name}: {name} has shape {list(value.shape)}; allowed: {list(own[name].shape)}"
                )
            with np.errstate(over="ignore"):
                rounded = np.asarray(value).astype(np.float16)
            if not np.isfinite(rounded).all():
                raise InputError(f"refit of {self.name}: {name} holds values that FP16 cannot (limit 65504)")
            own[name] = rounded
        self._load(own)

    def close(self) -> None:
        """Release what the engine holds; it cannot run afterwards."""
        self._closed = True
        self._release()

    def __enter__(self) -> Self:
        """Return the engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine."""
        self.close()

    @abstractmethod
    def _load(self, weights: dict[str, NumpyArray] | None) -> None:
        """Make the engine ready with the bundle's weights (None), or with all weights given, in FP16."""

    @abstractmethod
    def _run(self, inputs: dict[str, Array]) -> dict[str, Array]:
        """Run on checked native arrays."""

    @abstractmethod
    def _release(self) -> None:
        """Drop the loaded network."""

    def _import(self, array: Array) -> Array:
        """Turn an input into the engine's native array: for engines on the CPU, NumPy without a copy."""
        return np.ascontiguousarray(array if isinstance(array, np.ndarray) else np.from_dlpack(array))

    def _export(self, array: Array, library: Any | None) -> Array:
        """Turn a native output into the caller's kind of array."""
        return array if library is None else library.from_dlpack(array)

    def _check(self, inputs: Mapping[str, Array]) -> None:
        expected = [spec.name for spec in self.inputs]
        if inputs.keys() != set(expected):
            missing, extra = sorted(set(expected) - inputs.keys()), sorted(inputs.keys() - set(expected))
            raise InputError(
                f"engine {self.name}: missing inputs {missing}, unknown inputs {extra}; allowed: {expected}"
            )
        sizes: dict[str, int] = {}
        for spec in self.inputs:
            array = inputs[spec.name]
            shape, dtype = tuple(array.shape), str(array.dtype).rsplit(".", maxsplit=1)[-1]
            fits = dtype == spec.dtype and len(shape) == len(spec.shape)
            for size, wanted in zip(shape, spec.shape, strict=False):
                if isinstance(wanted, str):
                    fits &= sizes.setdefault(wanted, size) == size and 1 <= size <= self._limits[wanted]
                else:
                    fits &= size == wanted
            if not fits:
                raise InputError(
                    f"engine {self.name}: input {spec.name} is {dtype}{list(shape)}; allowed: "
                    f"{spec.dtype}[{', '.join(map(str, spec.shape))}] with "
                    + ", ".join(f"{axis} from 1 to {limit}" for axis, limit in self._limits.items())
                    + ", the same for all inputs"
                )


def _array_library(inputs: Mapping[str, Array]) -> Any | None:
    """Return the module whose `from_dlpack` makes arrays of the inputs' kind; None for NumPy."""
    libraries = {type(array).__module__.split(".")[0] for array in inputs.values()}
    if len(libraries) > 1:
        raise InputError(f"inputs come from several array libraries ({', '.join(sorted(libraries))}); use one")
    library = sys.modules[libraries.pop()]
    if library is np:
        return None
    if not hasattr(library, "from_dlpack"):
        raise InputError(f"arrays of {library.__name__} are not known; allowed: NumPy, or a library with DLPack")
    return library
