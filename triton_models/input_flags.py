"""What is wrong with a request's values, as a bitmask that graphs, server and client share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.classes import NUM_BODY_PARTS, NUM_CLASSES

LARGEST = {
    "person_labels": NUM_CLASSES - 1,
    "densepose": NUM_BODY_PARTS - 1,
    "garment_labels": NUM_CLASSES - 1,
    "garment_densepose": NUM_BODY_PARTS - 1,
}
"""Largest id that each input may hold; of body maps, in their first channel."""

BITS = {**{name: 1 << bit for bit, name in enumerate(LARGEST)}, "source": 1 << len(LARGEST)}
"""The bit that tells of each input."""

CODES_BITS = {"garment_classes": 32, "wear": 64}
"""Bits of garments as codes: a class is worn from a garment that holds no code of it; a class to wear is no garment."""

_CODES_TOLD = {
    "garment_classes": "source takes a class from a garment whose codes hold none of it; encode the garment with it",
    "wear": "wear holds a value above 1, or names a class that is no garment",
}


def flag_inputs(inputs: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.int32]:
    """Return the flags of every request.

    Parameters
    ----------
    inputs
        Those of the inputs named in `BITS` that the bundle takes, batch first; ``garment_labels`` tells how many
        garment photographs there are.

    Returns
    -------
    numpy.ndarray
        int32 `[N, 1]`; 0 where every value is allowed.
    """
    flags = np.zeros(len(inputs["source"]), np.int32)
    for name, bit in BITS.items():
        if name in inputs:
            flags |= np.where(_is_wrong(name, inputs), np.int32(bit), np.int32(0))
    return flags[:, None]


def describe(flags: int, garments: int | None = None) -> str:
    """Say what a request's flags mean, in one sentence; empty for 0.

    Parameters
    ----------
    flags
        A request's bitmask.
    garments
        Garment photographs in the request, if known.
    """
    told = []
    for name, bit in BITS.items():
        if flags & bit and name == "source":
            last = "the number of garment photographs" if garments is None else str(garments)
            told.append(f"source holds a value out of range; allowed: -1 to {last}")
        elif flags & bit:
            what = "DensePose part" if name.endswith("densepose") else "label id"
            told.append(f"{name} holds a {what} above {LARGEST[name]}; allowed: 0 to {LARGEST[name]}")
    told += [_CODES_TOLD[name] for name, bit in CODES_BITS.items() if flags & bit]
    return "; ".join(told)


def _is_wrong(name: str, inputs: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    values = inputs[name]
    if name == "source":
        found: npt.NDArray[np.bool_] = ((values < -1) | (values > inputs["garment_labels"].shape[1])).any(axis=1)
        return found
    ids = values[..., 0] if name.endswith("densepose") else values
    largest: npt.NDArray[Any] = ids.reshape(len(ids), -1).max(axis=1, initial=0)
    return largest > LARGEST[name]
