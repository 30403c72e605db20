"""The input check as a model over NumPy: bad values are refused, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.errors import InputError
from ...export.manifest import MAX_BATCH
from ..input_check import CHECKED_SOURCE, OUTPUT, SOURCE
from ..input_flags import describe, flag_inputs
from .answers import Arrays, answer


class InputCheckModel:
    """What Triton calls for the model `input_check`."""

    def initialize(self, args: Mapping[str, Any]) -> None:
        """Need nothing."""

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer zeros for good values."""
        return [answer(request, _answered) for request in requests]

    def finalize(self) -> None:
        """Hold nothing."""


def check(inputs: Arrays) -> npt.NDArray[np.int32]:
    """Return the flags of good values, which are all 0.

    Raises
    ------
    InputError
        When a value is out of range or the garments' tensors do not fit each other.
    """
    garments = inputs["garment_labels"].shape[1]
    for name, array in inputs.items():
        if name.startswith("garment_") and array.shape[1] != garments:
            raise InputError(f"{name} holds {array.shape[1]} garment photographs, garment_labels {garments}")
    if not 1 <= garments <= MAX_BATCH:
        raise InputError(f"{garments} garment photographs a request; allowed: 1 to {MAX_BATCH}")
    flags = flag_inputs(inputs)
    if flags.any():
        row = int(np.flatnonzero(flags)[0])
        which = f"request {row} of the batch: " if len(flags) > 1 else ""
        raise InputError(which + describe(int(flags[row, 0]), garments))
    return flags


def _answered(inputs: Arrays) -> Arrays:
    return {OUTPUT: check(inputs), CHECKED_SOURCE: inputs[SOURCE]}
