"""A refined outfit as a small file: what refinement changed in the generator, to be refitted into any engine.

A change of a convolution has few strong directions, so most tensors are kept as two FP16 factors (a truncated singular
value decomposition of ``[outputs, inputs·k·k]``); the rest is kept whole.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from ...bundle.bundle import Bundle
from ...data.classes import CLASS_NAMES
from ...data.errors import InputError
from ...data.files import atomic_path, check_is_file

FORMAT = "oviton outfit 1"

FAITHFUL = 40.0
"""PSNR in dB that the packed weights' picture must reach against the refined one."""

ENERGIES = (0.3, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.995)
"""Shares of the change, squared, that are tried, the smallest first; then everything is kept."""

Weights = Mapping[str, npt.NDArray[np.float32]]
Paint = Callable[[Weights], npt.NDArray[np.float32]]
"""Weights to the request's picture, `[3, H, W]` in [-1, 1]."""


@dataclass(frozen=True)
class RefinedWeights:
    """What a refinement changed.

    Parameters
    ----------
    bundle
        Identity of the bundle that it belongs to.
    source
        The outfit's source vector: which class came from which photograph.
    tensors
        The change of each weight, ``NAME`` whole or ``NAME#outputs`` and ``NAME#inputs`` as factors; float16.
    psnr
        PSNR in dB of the picture with these weights against the refined one.
    name
        What messages call the outfit.
    """

    bundle: str
    source: tuple[int, ...]
    tensors: Mapping[str, npt.NDArray[np.float16]]
    psnr: float
    name: str = "the outfit"

    @property
    def size(self) -> int:
        """Return how many bytes the tensors take."""
        return sum(tensor.nbytes for tensor in self.tensors.values())

    def weights(self, bundle: Bundle) -> dict[str, npt.NDArray[np.float32]]:
        """Return the generator's refined weights by PyTorch name.

        Raises
        ------
        InputError
            When the outfit belongs to another bundle, or does not fit it.
        """
        if self.bundle != bundle.identity:
            raise InputError(
                f"{self.name} was refined with bundle {self.bundle[:12]}…, not with {bundle.manifest.name} "
                f"({bundle.identity[:12]}…); refine it again"
            )
        return _changed(bundle_weights(bundle), self.tensors, self.name)

    def save(self, path: Path) -> None:
        """Write the outfit; the file appears whole or not at all."""
        metadata = {
            "format": FORMAT,
            "bundle": self.bundle,
            "source": json.dumps(list(self.source)),
            "psnr": f"{self.psnr:.2f}",
        }
        tensors = {name: np.ascontiguousarray(tensor) for name, tensor in self.tensors.items()}
        with atomic_path(path) as temporary:
            save_file(tensors, temporary, metadata=metadata)

    @classmethod
    def open(cls, path: Path) -> RefinedWeights:
        """Read an outfit.

        Raises
        ------
        InputError
            When the file is missing, damaged or something else.
        """
        if not Path(path).exists():
            raise InputError(f"{path}: no such file; --save-outfit writes one")
        check_is_file(path)
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, TypeError) as error:  # NumPy lacks some of its types
            raise InputError(f"{path}: not an outfit ({error}); --save-outfit writes one") from None
        try:
            if metadata["format"] != FORMAT:
                raise ValueError(f"format {metadata['format']!r}")
            source = tuple(int(k) for k in json.loads(metadata["source"]))
            if len(source) != len(CLASS_NAMES):
                raise ValueError(f"a source vector of {len(source)} classes")
            return cls(metadata["bundle"], source, tensors, float(metadata["psnr"]), str(path))
        except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise InputError(f"{path}: not an outfit of this version ({error})") from None


def pack(bundle: Bundle, refined: Weights, source: npt.NDArray[np.int32], paint: Paint) -> RefinedWeights:
    """Pack refined weights as small as `FAITHFUL` allows.

    Parameters
    ----------
    bundle
        The bundle that they were refined from.
    refined
        All weights of the generator, float32 by PyTorch name.
    source
        The outfit's source vector `[20]`.
    paint
        Paints the request with given weights.
    """
    base = bundle_weights(bundle)
    wanted = paint(refined)
    # Larger energies always follow smaller ones, so the first that is faithful is the smallest.
    changes = {name: _Change.of(refined[name] - base[name]) for name in base}
    for energy in (*ENERGIES, None):
        tensors = {part: tensor for name, change in changes.items() for part, tensor in change.packed(name, energy)}
        psnr = _psnr(paint(_changed(base, tensors)), wanted)
        if psnr >= FAITHFUL or energy is None:
            break
    return RefinedWeights(bundle.identity, tuple(int(k) for k in source), tensors, psnr)


def bundle_weights(bundle: Bundle) -> dict[str, npt.NDArray[np.float32]]:
    """Return the bundle's own weights of the appearance generator, by PyTorch name."""
    entry = bundle.manifest.graph("appearance_generator")
    bundle.verify(entry.files["weights"])
    stored = load_file(bundle.graph_file(entry, "weights"))
    return {name: value.astype(np.float32) for name, value in stored.items()}


@dataclass(frozen=True)
class _Change:
    """The change of one weight, and its singular values if it has several axes."""

    whole: npt.NDArray[np.float32]
    factors: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]] | None

    @classmethod
    def of(cls, change: npt.NDArray[np.float32]) -> _Change:
        if change.ndim < 2:
            return cls(change, None)
        left, strength, right = np.linalg.svd(change.reshape(len(change), -1), full_matrices=False)
        return cls(change, (left, strength, right))

    def packed(self, name: str, energy: float | None) -> list[tuple[str, npt.NDArray[np.float16]]]:
        """Keep a share of the energy in two factors, or the whole where that is smaller or asked for by None."""
        if energy is not None and self.factors is not None:
            left, strength, right = self.factors
            kept = np.cumsum(strength**2) / max(float((strength**2).sum()), 1e-30)
            rank = int(np.searchsorted(kept, energy)) + 1
            if rank * (len(left) + right.shape[1]) < self.whole.size:
                root = np.sqrt(strength[:rank])
                outputs, inputs = left[:, :rank] * root, right[:rank] * root[:, None]
                return list(zip(_factors(name), (outputs.astype(np.float16), inputs.astype(np.float16)), strict=True))
        return [(name, self.whole.astype(np.float16))]


def _changed(
    base: Mapping[str, npt.NDArray[np.float32]],
    tensors: Mapping[str, npt.NDArray[np.float16]],
    outfit: str = "the outfit",
) -> dict[str, npt.NDArray[np.float32]]:
    """Add changes to weights. Nothing is computed before every name, shape and number is known to fit.

    Raises
    ------
    InputError
        When names, shapes or numbers do not fit, or one is missing.
    """
    expected = {part for name in base for part in ((name,) if name in tensors else _factors(name))}
    if tensors.keys() != expected:
        first = min(tensors.keys() ^ expected)
        raise InputError(f"{outfit}: its weights do not fit the bundle; the first difference: {first}")
    for name, weight in base.items():
        _check_shapes(name, weight.shape, tensors, outfit)
    for name, tensor in tensors.items():
        if tensor.dtype != np.float16 or not np.isfinite(tensor).all():
            held = tensor.dtype if tensor.dtype != np.float16 else "NaN or infinity"
            raise InputError(f"{outfit}: {name} holds {held}; allowed: finite float16 numbers; refine it again")
    found: dict[str, npt.NDArray[np.float32]] = {}
    for name, weight in base.items():
        parts = [tensors[part].astype(np.float32) for part in ((name,) if name in tensors else _factors(name))]
        change = (parts[0] if len(parts) == 1 else parts[0] @ parts[1]).reshape(weight.shape)
        with np.errstate(over="ignore"):  # refitting refuses what FP16 cannot hold, and says so
            # Rounded as engines round them, so that what is measured is what is served.
            found[name] = (weight + change).astype(np.float16).astype(np.float32)
    return found


def _check_shapes(
    name: str, shape: tuple[int, ...], tensors: Mapping[str, npt.NDArray[np.float16]], outfit: str
) -> None:
    """Refuse a change that has not a weight's shape, whole or once its factors are multiplied."""
    if name in tensors:
        found = [tensors[name].shape]
        fits = tensors[name].shape == shape
    else:
        rows, columns = math.prod(shape[:1]), math.prod(shape[1:])
        found = [tensors[part].shape for part in _factors(name)]
        rank = found[0][-1] if found[0] else 0
        fits = found == [(rows, rank), (rank, columns)] and rank <= min(rows, columns)
    if not fits:
        told = " and ".join(map(str, found))
        raise InputError(f"{outfit}: the change of {name} has shape {told}, the bundle's {shape}; refine it again")


def _factors(name: str) -> tuple[str, str]:
    """Return what the two factors of a weight's change are called."""
    return f"{name}#outputs", f"{name}#inputs"


def _psnr(picture: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> float:
    """Return the PSNR in dB of pictures in [-1, 1]; 99 for equal ones."""
    error = float(np.mean((picture - wanted) ** 2))
    return min(99.0, 10 * np.log10(4 / error)) if error > 0 else 99.0
