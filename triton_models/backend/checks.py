"""What is refused before anything is computed, in one sentence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...bundle.manifest import MAX_BATCH
from ...data.errors import InputError
from ..codes import APPEARANCE_CODES, CLASSES, SHAPE_CODES
from ..codes_rules import check_codes, check_garment
from ..input_check import OUTPUT
from ..input_flags import describe, flag_inputs
from .answers import Arrays


def check(inputs: Arrays) -> npt.NDArray[np.int32]:
    """Return the flags of good values, which are all 0.

    Raises
    ------
    InputError
        When a value is out of range or the garments' tensors do not fit each other.
    """
    garments = _count(inputs, "garment_labels", "garment photographs")
    flags = flag_inputs(inputs)
    _refuse(flags, garments)
    return flags


def prepared_codes(inputs: Arrays) -> Arrays:
    """Return `codes_rules.check_codes` of good values.

    Raises
    ------
    InputError
        As `check`.
    """
    garments = _count(inputs, CLASSES, "garments")
    for name in (SHAPE_CODES, APPEARANCE_CODES):
        if not np.isfinite(inputs[name]).all():
            raise InputError(f"{name} holds NaN or infinity; encode the garment again")
    outputs = check_codes(inputs)
    _refuse(outputs[OUTPUT], garments)
    return outputs


def prepared_garment(inputs: Arrays) -> Arrays:
    """Return `codes_rules.check_garment` of good values.

    Raises
    ------
    InputError
        As `check`.
    """
    outputs = check_garment(inputs)
    _refuse(outputs[OUTPUT], 1)
    return outputs


def _count(inputs: Arrays, of: str, what: str) -> int:
    """Return how many garments a request has; the same in every tensor."""
    garments = inputs[of].shape[1]
    for name, array in inputs.items():
        if name.startswith("garment_") and array.shape[1] != garments:
            raise InputError(f"{name} holds {array.shape[1]} {what}, {of} {garments}")
    if not 1 <= garments <= MAX_BATCH:
        raise InputError(f"{garments} {what} a request; allowed: 1 to {MAX_BATCH}")
    return int(garments)


def _refuse(flags: npt.NDArray[np.int32], garments: int) -> None:
    if flags.any():
        row = int(np.flatnonzero(flags)[0])
        which = f"request {row} of the batch: " if len(flags) > 1 else ""
        raise InputError(which + describe(int(flags[row, 0]), garments))
