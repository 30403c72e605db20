"""What is refused before anything is computed, in one sentence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...bundle.manifest import MAX_BATCH
from ...data.errors import InputError
from ...engines.input_checks import check_values
from ..codes import APPEARANCE_CODES, CLASSES, SHAPE_CODES
from ..input_flags import describe
from .answers import Arrays


def check(inputs: Arrays) -> npt.NDArray[np.int32]:
    """Return the flags of good values, which are all 0.

    Raises
    ------
    InputError
        When a value is out of range or the garments' tensors do not fit each other.
    """
    garments = check_counts(inputs, "garment_labels", "garment photographs")
    requests = len(inputs["source"])
    for row in range(requests):
        check_values(_of_batch(row, requests), {name: array[row] for name, array in inputs.items()}, garments)
    return np.zeros((requests, 1), np.int32)


def check_codes(inputs: Arrays) -> None:
    """Refuse codes that do not fit each other, or that no encoder made.

    Raises
    ------
    InputError
        Naming the tensor.
    """
    check_counts(inputs, CLASSES, "garments")
    for name in (SHAPE_CODES, APPEARANCE_CODES):
        if not np.isfinite(inputs[name]).all():
            raise InputError(f"{name} holds NaN or infinity; encode the garment again")


def check_flags(flags: npt.NDArray[np.int32], garments: int) -> None:
    """Refuse requests in which a small graph found something wrong.

    Raises
    ------
    InputError
        Saying what.
    """
    if flags.any():
        row = int(np.flatnonzero(flags)[0])
        raise InputError(_of_batch(row, len(flags)) + describe(int(flags[row, 0]), garments))


def check_counts(inputs: Arrays, of: str, what: str) -> int:
    """Return how many garments a request has.

    Raises
    ------
    InputError
        When there are none or too many, or not equally many in each tensor.
    """
    garments = inputs[of].shape[1]
    for name, array in inputs.items():
        if name.startswith("garment_") and array.shape[1] != garments:
            raise InputError(f"{name} holds {array.shape[1]} {what}, {of} {garments}")
    if not 1 <= garments <= MAX_BATCH:
        raise InputError(f"{garments} {what} a request; allowed: 1 to {MAX_BATCH}")
    return int(garments)


def _of_batch(row: int, requests: int) -> str:
    return f"request {row} of the batch: " if requests > 1 else ""
