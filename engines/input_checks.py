"""What every engine checks before it runs or takes other weights: names, dtypes, shapes, ids, kinds of arrays."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..bundle.manifest import TensorSpec
from ..data.classes import NUM_BODY_PARTS, NUM_CLASSES
from ..data.errors import InputError

Array = Any
"""A NumPy array, or any array with DLPack (`__dlpack__`): torch, CuPy, JAX."""

NumpyArray = npt.NDArray[Any]


def check_shapes(
    where: str, inputs: Mapping[str, Array], specs: tuple[TensorSpec, ...], limits: Mapping[str, int]
) -> dict[str, int]:
    """Compare arrays with what a graph takes.

    Parameters
    ----------
    where
        Begins the message, such as ``"engine compositor"``.
    inputs
        The arrays by name.
    specs
        The graph's inputs.
    limits
        The largest size of each axis that has no fixed one, by its name.

    Returns
    -------
    dict
        The sizes that the arrays have on those axes.

    Raises
    ------
    InputError
        Naming the input, its dtype and shape, and what is allowed.
    """
    expected = [spec.name for spec in specs]
    if inputs.keys() != set(expected):
        missing, extra = sorted(set(expected) - inputs.keys()), sorted(inputs.keys() - set(expected))
        raise InputError(f"{where}: missing inputs {missing}, unknown inputs {extra}; allowed: {expected}")
    sizes: dict[str, int] = {}
    for spec in specs:
        array = inputs[spec.name]
        if not (hasattr(array, "__dlpack__") and hasattr(array, "dtype")):
            raise InputError(
                f"{where}: input {spec.name} is a {type(array).__name__}; allowed: a NumPy array, or one with DLPack"
            )
        shape, dtype = tuple(array.shape), str(array.dtype).rsplit(".", maxsplit=1)[-1]
        fits = dtype == spec.dtype and len(shape) == len(spec.shape)
        for size, wanted in zip(shape, spec.shape, strict=False):
            if isinstance(wanted, str):
                fits &= sizes.setdefault(wanted, size) == size and 1 <= size <= limits[wanted]
            else:
                fits &= size == wanted
        if not fits:
            raise InputError(
                f"{where}: input {spec.name} is {dtype}{list(shape)}; allowed: "
                f"{spec.dtype}[{', '.join(map(str, spec.shape))}] with "
                + ", ".join(f"{axis} from 1 to {limit}" for axis, limit in limits.items())
                + ", the same for all inputs"
            )
    return sizes


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


def array_library(inputs: Mapping[str, Array]) -> Any | None:
    """Return the module whose `from_dlpack` makes arrays of the inputs' kind; None for NumPy.

    Raises
    ------
    InputError
        When inputs are of several kinds, or of one without DLPack.
    """
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


def as_fp16(value: Any, shape: tuple[int, ...], name: str) -> NumpyArray:
    """Return a weight as FP16, from NumPy or a torch tensor of any float dtype.

    Raises
    ------
    InputError
        When it is no array of finite numbers of that shape that FP16 can hold.
    """
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


def _id_range(name: str, garments: int) -> range | None:
    """Return the ids that an input may hold; None for one that holds pictures or codes."""
    if name.endswith("densepose"):
        return range(NUM_BODY_PARTS)
    if name.endswith("labels"):
        return range(NUM_CLASSES)
    return range(-1, garments + 1) if name == "source" else None
