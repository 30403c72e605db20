"""The engine protocol, and the base class that does what every engine needs: checks, array kinds, refit rules."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry, TensorSpec
from ..data.classes import NUM_BODY_PARTS, NUM_CLASSES
from ..data.closeable import Closeable
from ..data.errors import ClosedError, InputError

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

    def __enter__(self) -> Self:
        """Return the engine itself."""

    def __exit__(self, *error: object) -> None:
        """Close the engine."""


class BaseEngine(Closeable):
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
        if precision not in self.precisions:
            raise InputError(
                f"engine {self.kind} has no precision {precision!r}; allowed: {', '.join(self.precisions)}"
            )
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
            When a name, dtype, shape or value does not fit.
        """
        self._check_open()
        sizes = self._check(inputs)
        library = _array_library(inputs)
        like = inputs[self.inputs[0].name]
        native = {name: self._import(array) for name, array in inputs.items()}
        self._check_values(native, sizes.get("M", self._limits["M"]))
        outputs = self._run(native)
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
            When a name is no parameter of this graph, a shape differs, or a value does not fit FP16.
        """
        self._check_open()
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
        self._load(own)

    def close(self) -> None:
        """Release what the engine holds; it cannot run afterwards."""
        self._closed = True
        self._release()

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
        if isinstance(array, np.ndarray):
            return np.ascontiguousarray(array)
        return np.ascontiguousarray(np.from_dlpack(array.detach() if hasattr(array, "detach") else array))

    def _export(self, array: Array, library: Any | None, like: Array) -> Array:
        """Turn a native output into the caller's kind of array, on the device of the input `like`."""
        del like  # this engine and its callers share the host's memory
        return array if library is None else library.from_dlpack(array)

    def _take_weight(self, value: Any, shape: tuple[int, ...], name: str) -> Any:
        """Check a weight for a refit and round it to FP16."""
        return _as_fp16(value, shape, name)

    def _check(self, inputs: Mapping[str, Array]) -> dict[str, int]:
        expected = [spec.name for spec in self.inputs]
        if inputs.keys() != set(expected):
            missing, extra = sorted(set(expected) - inputs.keys()), sorted(inputs.keys() - set(expected))
            raise InputError(
                f"engine {self.name}: missing inputs {missing}, unknown inputs {extra}; allowed: {expected}"
            )
        sizes: dict[str, int] = {}
        for spec in self.inputs:
            array = inputs[spec.name]
            if not (hasattr(array, "__dlpack__") and hasattr(array, "dtype")):
                raise InputError(
                    f"engine {self.name}: input {spec.name} is a {type(array).__name__}; allowed: a NumPy array, or "
                    "one with DLPack"
                )
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
        return sizes

    def _check_values(self, native: Mapping[str, Array], garments: int) -> None:
        """Refuse ids that the graphs would only clamp. Arrays on a GPU are not read back for this."""
        check_values(f"engine {self.name}: ", native, garments)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"engine {self.name} is closed; load it again")


def check_values(where: str, arrays: Mapping[str, Array], garments: int) -> None:
    """Refuse ids that the graphs would only clamp.

    Parameters
    ----------
    where
        Begins the message.
    arrays
        Inputs by name. Arrays on a GPU are not read back for this.
    garments
        How many garment photographs a request has.

    Raises
    ------
    InputError
        Naming the input, the value and what is allowed.
    """
    for name, array in arrays.items():
        allowed = _id_range(name, garments)
        if allowed is None or str(getattr(array, "device", "cpu")) != "cpu":
            continue
        ids = array[..., 0] if name.endswith("densepose") else array
        for found in (int(ids.min()), int(ids.max())):
            if found not in allowed:
                raise InputError(f"{where}input {name} holds {found}; allowed: {allowed.start} to {allowed.stop - 1}")


def _id_range(name: str, garments: int) -> range | None:
    """Return the ids that an input may hold; None for one that holds pictures or codes."""
    if name.endswith("densepose"):
        return range(NUM_BODY_PARTS)
    if name.endswith("labels"):
        return range(NUM_CLASSES)
    return range(-1, garments + 1) if name == "source" else None


def _as_fp16(value: Any, shape: tuple[int, ...], name: str) -> NumpyArray:
    """Return a weight as FP16, from NumPy or a torch tensor of any float dtype."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise InputError(f"{name} is {getattr(value, 'dtype', type(value).__name__)}; allowed: an array of numbers")
    if value.shape != shape:
        raise InputError(f"{name} has shape {list(value.shape)}; allowed: {list(shape)}")
    if not np.isfinite(value).all():
        raise InputError(f"{name} holds NaN or infinity; allowed: finite numbers")
    with np.errstate(over="ignore"):
        rounded: NumpyArray = value.astype(np.float16)
    if not np.isfinite(rounded).all():
        raise InputError(f"{name} holds {np.abs(value).max():g}; FP16 cannot hold more than 65504")
    return rounded


def _array_library(inputs: Mapping[str, Array]) -> Any | None:
    """Return the module whose `from_dlpack` makes arrays of the inputs' kind; None for NumPy."""
    # JAX's arrays live in its binary part.
    names = {type(array).__module__.split(".")[0] for array in inputs.values()}
    libraries = {"jax.dlpack" if name in ("jax", "jaxlib") else name for name in names}
    if len(libraries) > 1:
        raise InputError(f"inputs come from several array libraries ({', '.join(sorted(libraries))}); use one")
    library = sys.modules[libraries.pop()]
    if library is np:
        return None
    if not hasattr(library, "from_dlpack"):
        raise InputError(f"arrays of {library.__name__} are not known; allowed: NumPy, or a library with DLPack")
    return library
